"""What a named library does well, behind one module each: filtering, sorting, pagination, rate limits."""
