"""The shop: its nouns in `resources`, its access rules in `policies` and `policy.csv`, the rest derived by Charter."""

import policies
import resources
from charter import build, run
from resources.payments import router as payments

app = build(resources, policies, routers=(payments,), public=("payments:notice",))

if __name__ == "__main__":
    run("app:app")
