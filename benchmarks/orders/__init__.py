"""Orders per second: the checkout beside the same transaction written by hand."""
