"""How often one address, one user or one account may ask; the door of slowapi and limits.

slowapi gives the limit strings and the exception, limits the sliding window counter and the storages. Enforcement is
ours: slowapi's middlewares do not see the routes of included routers, and wait for Redis synchronously.
"""

from charter.plugins.ratelimit.guard import rate_limit_headers
from charter.plugins.ratelimit.limiter import RateLimiter

__all__ = ["RateLimiter", "rate_limit_headers"]
