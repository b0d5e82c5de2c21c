"""Golden files: what the shipped declarations and policy lead to, so that a reviewer reads consequences as a diff."""
