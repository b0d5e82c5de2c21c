"""Storms: the shop under load while something changes below it, over and over. Each runs long by ``python -m``."""
