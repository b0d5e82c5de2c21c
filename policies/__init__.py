"""The vocabulary of access: who there is, which rows a word means, how often. Nothing here enforces anything."""
