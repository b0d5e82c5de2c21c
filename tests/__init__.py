"""Tests: `framework` on a toy application, `shop` and `admin` on the real one, and the laws of the house."""
