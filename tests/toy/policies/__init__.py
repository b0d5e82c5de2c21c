"""The vocabulary of the toy's policy."""
