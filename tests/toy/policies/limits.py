"""How often each role may call; the tests mostly run without limits."""

from charter import Limits

limits = Limits(
    roles={"anonymous": "60/minute", "reader": "60/minute", "editor": "60/minute", "keeper": "60/minute"},
    sign_in="10/minute",
)
