"""The nouns of the shop, one file each. A new file with a `Resource` in it is found by itself."""
