"""Tests: `framework` on a toy application, `shop` and `admin` on the real one in real processes, the house's own laws."""
