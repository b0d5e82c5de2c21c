"""A second application, for the tests of the framework: notes in folders, and people who write them."""
