"""Keys: everything that Charter signs has one of its own, made from the one secret."""

import hashlib
import hmac


def derived_key(secret: str, purpose: str) -> str:
    """A key for one purpose (64 hex digits), so that nothing signed for one is ever taken for another."""
    return hmac.new(secret.encode(), f"charter:{purpose}".encode(), hashlib.sha256).hexdigest()


__all__ = ["derived_key"]
