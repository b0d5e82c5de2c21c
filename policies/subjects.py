"""The roles, from the least to the most powerful; a user carries one of them, and new accounts get the default."""

from charter import Roles

roles = Roles(order=("anonymous", "customer", "support", "manager", "admin"), default="customer")
