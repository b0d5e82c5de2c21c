"""What is fast, measured: charter beside the same endpoints written by hand. Run ``python -m benchmarks``."""
