"""The nouns of the toy."""
