"""The roles, from the least to the most powerful."""

from charter import Roles

roles = Roles(order=("anonymous", "reader", "editor", "keeper"), default="reader")
"""Strangers, people with an account, people who look after everything, and the first account."""
