"""The opponent: the measured endpoints as a good developer writes them."""
