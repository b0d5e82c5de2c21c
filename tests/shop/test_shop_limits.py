"""Rate limits of the running shop: by address on every path, by user and role, on sign-in; shared over Redis."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from tests.running import ADMIN, SERVE, Running, copy_application, running
from tests.servers import REDIS, answers, need
from tests.shop.doorway import enter
from tests.shop.people import created, okay, refused, unique

BEHIND_PROXY = {"RATE_LIMITS": "on", "TRUSTED_PROXIES": "127.0.0.1", "DEMO_DATA": "false"}
"""Each test comes from an address of its own."""

PATHS = ("/", "/products", "/nothing", "/docs", "/docs/assets/docs.js", "/openapi.json", "/health", "/admin/login")
PASSWORD = "a-password-of-a-test"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The shop with its limits as shipped."""
    with running(copy_application(tmp_path_factory.mktemp("guarded")), SERVE, **BEHIND_PROXY) as found:
        yield found


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The shop with a tenth of its limits."""
    folder = copy_application(tmp_path_factory.mktemp("tight"))
    with running(folder, SERVE, RATE_LIMIT_SCALE="0.1", **BEHIND_PROXY) as found:
        yield found


@pytest.fixture(scope="module")
def hiring(tight: Running) -> Iterator[httpx2.Client]:
    """The first admin of the tight shop, signed in once."""
    headers = {"Authorization": f"Bearer {sign_in(tight, *ADMIN)}", **from_somewhere()}
    with httpx2.Client(base_url=tight.url, headers=headers, timeout=30) as http:
        yield http


def attempt(
    http: httpx2.Client, email: str, password: str = PASSWORD, headers: Mapping[str, str] | None = None
) -> httpx2.Response:
    """One try to sign in."""
    return http.post("/auth/login", data={"username": email, "password": password}, headers=headers)


def sign_in(shop: Running, email: str, password: str) -> str:
    """An access token, got from an address of its own."""
    with httpx2.Client(base_url=shop.url, headers=from_somewhere(), timeout=30) as http:
        return str(okay(attempt(http, email, password))["access_token"])


def from_somewhere() -> dict[str, str]:
    """The header that a trusted proxy would write, with an address that nobody else has."""
    return {"X-Forwarded-For": f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"}


def in_one_minute(work: Callable[[], None]) -> None:
    """Run `work` within one window; at its edge the one before still counts a little, so there it is done again."""
    for _ in range(2):
        minute = int(time.time() / 60)
        try:
            work()
        except AssertionError:
            if int(time.time() / 60) == minute:
                raise
        else:
            return
    raise AssertionError("no minute was long enough")


def limited(answer: httpx2.Response, bucket: str, quota: int) -> None:
    """A whole refusal: status, problem, and the headers that say when to come back."""
    refused(answer, 429, "rate_limited")
    assert 1 <= int(answer.headers["retry-after"]) <= 61
    assert answer.headers["ratelimit-policy"] == f'"{bucket}";q={quota};w=60'
    assert answer.headers["ratelimit"].startswith(f'"{bucket}";r=0;t=')
    assert len(answer.headers["x-request-id"]) >= 8


def test_a_stranger_has_120_requests_a_minute_on_all_paths_together(guarded: Running) -> None:
    """Known, unknown, documentation, admin and static paths share one bucket; the 121st is 429, on each of them."""

    def work() -> None:
        with httpx2.Client(base_url=guarded.url, headers=from_somewhere()) as http:
            for number in range(120):
                answer = http.get(PATHS[number % len(PATHS)])
                assert answer.status_code < 429, (number, answer.text)
                assert answer.headers["ratelimit"].startswith(f'"anonymous";r={119 - number};')
            for path in PATHS:
                limited(http.get(path), "anonymous", 120)
            limited(http.post("/products", content=b"{"), "anonymous", 120)
            limited(http.patch("/nothing"), "anonymous", 120)

    in_one_minute(work)


def test_one_address_does_not_use_up_another_ones(tight: Running) -> None:
    """Whoever comes from elsewhere is not refused; a claimed hop further left changes nothing."""

    def work() -> None:
        mine = from_somewhere()
        with httpx2.Client(base_url=tight.url) as http:
            for _ in range(12):
                okay(http.get("/products", headers=mine))
            limited(http.get("/products", headers=mine), "anonymous", 12)
            claimed = {"X-Forwarded-For": f"192.0.2.1, {mine['X-Forwarded-For']}"}
            limited(http.get("/products", headers=claimed), "anonymous", 12)
            okay(http.get("/products", headers=from_somewhere()))

    in_one_minute(work)


def test_made_up_credentials_open_nothing(tight: Running) -> None:
    """An address that shows bad tokens is refused like any other, on every path."""

    def work() -> None:
        mine = {**from_somewhere(), "Authorization": "Bearer x"}
        with httpx2.Client(base_url=tight.url, headers=mine) as http:
            for _ in range(12):
                refused(http.get("/products"), 401, "not_authenticated")
            limited(http.get("/products"), "bad-credentials", 12)
            refused(http.get("/nothing"), 429, "rate_limited")

    in_one_minute(work)


@pytest.mark.parametrize(("role", "quota"), [("customer", 30), ("support", 60), ("manager", 120), ("admin", 120)])
def test_a_user_has_the_limit_of_their_role(tight: Running, hiring: httpx2.Client, role: str, quota: int) -> None:
    """Counted for the user, whatever address they come from; another user of the role has their own."""

    def someone() -> dict[str, str]:
        email = f"{unique(role).replace(' ', '-')}@example.com"
        created(hiring.post("/users", json={"email": email, "password": PASSWORD, "role": role}))
        return {"Authorization": f"Bearer {sign_in(tight, email, PASSWORD)}"}

    def work() -> None:
        with httpx2.Client(base_url=tight.url, timeout=30, headers=from_somewhere()) as http:
            mine, theirs = someone(), someone()
            for _ in range(quota):
                okay(http.get("/products?size=1", headers={**mine, **from_somewhere()}))
            limited(http.get("/products?size=1", headers={**mine, **from_somewhere()}), role, quota)
            limited(http.get("/users/me", headers={**mine, **from_somewhere()}), role, quota)
            okay(http.get("/products?size=1", headers=theirs))

    in_one_minute(work)


def test_ten_attempts_to_sign_in_a_minute_from_one_address(guarded: Running) -> None:
    """Whatever accounts they name; the eleventh is 429, and so are the other routes that a guesser would use."""

    def work() -> None:
        with httpx2.Client(base_url=guarded.url, headers=from_somewhere(), timeout=30) as http:
            for number in range(10):
                refused(attempt(http, f"nobody-{number}@example.com"), 401, "bad_credentials")
            limited(attempt(http, ADMIN[0], ADMIN[1]), "sign-in", 10)
            body = {"email": f"{secrets.token_hex(8)}@example.com"}
            for path in ("/auth/forgot-password", "/auth/request-verify-email"):
                limited(http.post(path, json=body), "sign-in", 10)
            limited(http.post("/auth/register", json={**body, "password": PASSWORD}), "sign-in", 10)
            okay(http.get("/products"))

    in_one_minute(work)


def test_ten_attempts_to_sign_in_a_minute_to_one_account(guarded: Running) -> None:
    """From however many addresses, in whatever spelling, known or not."""

    def work() -> None:
        name = f"{secrets.token_hex(8)}@example.com"
        with httpx2.Client(base_url=guarded.url, timeout=30) as http:
            for number in range(10):
                answer = attempt(http, name.upper() if number % 2 else name, headers=from_somewhere())
                refused(answer, 401, "bad_credentials")
            limited(attempt(http, name, headers=from_somewhere()), "sign-in", 10)

    in_one_minute(work)


def test_ten_attempts_to_sign_in_to_the_admin(guarded: Running) -> None:
    """The admin's login page counts in the same buckets as the API's."""

    def work() -> None:
        mine = {**from_somewhere(), "Sec-Fetch-Site": "same-origin"}
        with httpx2.Client(base_url=guarded.url, headers=mine, timeout=30) as http:
            for number in range(10):
                assert enter(http, f"nobody-{number}@example.com", PASSWORD).status_code == 400
            answer = enter(http, *ADMIN)
            assert answer.status_code == 429
            assert int(answer.headers["retry-after"]) >= 1
            limited(attempt(http, ADMIN[0], ADMIN[1]), "sign-in", 10)

    in_one_minute(work)


def test_two_processes_share_a_limit_over_redis(tmp_path: Path) -> None:
    """120 requests to both together, not to each."""
    need("Redis", there=answers(REDIS))
    with ExitStack() as stack:
        shops = []
        for name in ("one", "two"):
            folder = copy_application(tmp_path / name)
            shops.append(stack.enter_context(running(folder, SERVE, REDIS_URL=REDIS, **BEHIND_PROXY)))
        clients = [stack.enter_context(httpx2.Client(base_url=shop.url)) for shop in shops]
        assert [okay(http.get("/health", headers=from_somewhere()))["redis"] for http in clients] == ["ok", "ok"]

        def work() -> None:
            mine = from_somewhere()
            for number in range(120):
                assert clients[number % 2].get("/nothing", headers=mine).status_code == 404
            for http in clients:
                limited(http.get("/nothing", headers=mine), "anonymous", 120)

        in_one_minute(work)


def test_limits_can_be_turned_off(shop: Running) -> None:
    """`RATE_LIMITS=off`: neither a refusal nor a header."""
    with httpx2.Client(base_url=shop.url, timeout=30) as http:
        found = [http.get("/nothing") for _ in range(130)]
        assert {answer.status_code for answer in found} == {404}
        assert not {"ratelimit", "ratelimit-policy"} & found[-1].headers.keys()
        for _ in range(12):
            refused(attempt(http, "nobody@example.com"), 401, "bad_credentials")
