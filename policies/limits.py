"""How often each role may call: anonymous by address, the others by user; sign-in routes by address and account."""

from charter import Limits

limits = Limits(
    roles={
        "anonymous": "120/minute",
        "customer": "300/minute",
        "support": "600/minute",
        "manager": "1200/minute",
        "admin": "1200/minute",
    },
    sign_in="10/minute",
)
