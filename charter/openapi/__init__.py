"""The OpenAPI document of an application: everybody's, and for each role what it may do and no more."""

from charter.openapi.about import About
from charter.openapi.documents import Documents, Operation
from charter.openapi.operations import operation
from charter.openapi.view import View

__all__ = ["About", "Documents", "Operation", "View", "operation"]
