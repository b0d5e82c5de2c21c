"""Money: a notice is written down once and pays what it fits; whatever else came in is owed back."""

import secrets
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.shop.buying import add, order
from tests.shop.people import UNKNOWN_ID, Person, Row, created, okay, refused, unique
from tests.storms import bank
from tests.storms.prelude import sweeping
from tests.storms.stage import Stage, database, staged

PRICE = 1999


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def open_stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop with a bank, on each database."""
    folder = tmp_path_factory.mktemp("payments")
    with database(request.param) as given, staged(folder, sweeping(1e6), given=given, workers=1) as found:
        yield found


@pytest.fixture
def stage(open_stage: Stage) -> Iterator[Stage]:
    """The same, with its books in order after each test."""
    yield open_stage
    assert open_stage.inside.audit() == []


@pytest.fixture
def staff(stage: Stage) -> Iterator[httpx2.Client]:
    """Somebody who may do everything."""
    with stage.shop.client(stage.staff.token) as http:
        yield http


@pytest.fixture
def buyer(stage: Stage) -> Iterator[Person]:
    """A customer of this test alone."""
    (found,) = stage.people(1)
    with stage.shop.client(found.token) as http:
        yield Person(found.email, "", http)


@pytest.fixture
def goods(stage: Stage, staff: httpx2.Client) -> Row:
    """Ten pieces of something."""
    body = {"sku": unique("SKU"), "name": unique("Thing"), "price": PRICE, "stock": 10, "category_id": stage.shelf}
    return created(staff.post("/products", json=body))


@pytest.fixture
def placed(buyer: Person, goods: Row) -> Row:
    """A pending order of one piece."""
    add(buyer, goods)
    return created(order(buyer))


def notice(stage: Stage, about: Row, **more: Any) -> httpx2.Response:
    """The answer to a notice: by default that the order is paid."""
    said = {"kind": "capture", "event": secrets.token_hex(8), "order": about["number"], "currency": "EUR"}
    body, headers = bank.signed(**{**said, "amount": PRICE, **more})
    return httpx2.post(f"{stage.shop.url}/payments/{bank.NAME}", content=body, headers=headers, timeout=30)


def noted(stage: Stage, about: Row, **more: Any) -> None:
    """A notice that was taken."""
    answer = notice(stage, about, **more)
    assert (answer.status_code, answer.content) == (204, b""), answer.text


def book(stage: Stage, about: Row) -> list[tuple[str, str, int, str]]:
    """Every line about an order: kind, provider, amount, currency; the oldest first."""
    sql = f"SELECT kind, provider, amount, currency FROM payment WHERE order_id = '{about['id']}' ORDER BY id"  # noqa: S608 # an id
    return [(kind, provider, amount, currency) for kind, provider, amount, currency in stage.inside.rows(sql)]


def asked(stage: Stage, about: Row) -> list[str]:
    """What the bank was asked for."""
    lines = (stage.shop.folder / bank.BOOK).read_text().splitlines()
    return [line.replace(f" {about['number']}", "") for line in lines if about["number"] in line]


def state(http: httpx2.Client, about: Row) -> str:
    """Where the order is."""
    return str(okay(http.get(f"/orders/{about['id']}"))["status"])


def moved(http: httpx2.Client, about: Row, *names: str) -> Row:
    """The order after these moves."""
    for name in names:
        about = okay(http.post(f"/orders/{about['id']}/{name}"))
    return about


CAPTURE, DUE = ("capture", bank.NAME, PRICE, "EUR"), ("refund_due", bank.NAME, PRICE, "EUR")


def test_a_notice_pays(stage: Stage, buyer: Person, placed: Row) -> None:
    """The order is paid by nobody of the shop, at that moment, with a line in the book."""
    assert asked(stage, placed) == [f"start {PRICE}"]
    noted(stage, placed)
    seen = okay(buyer.http.get(f"/orders/{placed['id']}?include=events"))
    assert (seen["status"], seen["paid_at"] > seen["placed_at"]) == ("paid", True)
    last = [
        (item["from_status"], item["actor_id"], item["note"]) for item in seen["events"] if item["to_status"] == "paid"
    ]
    assert last == [("pending", None, None)]
    assert book(stage, placed) == [CAPTURE]


@pytest.mark.parametrize("more", [{"amount": PRICE - 1}, {"amount": PRICE + 1}, {"amount": 0}, {"currency": "USD"}])
def test_another_amount_does_not_pay(stage: Stage, buyer: Person, placed: Row, more: Row) -> None:
    """It is owed back, and the order waits for the right one; money of another currency goes back by hand."""
    noted(stage, placed, **more)
    came = (bank.NAME, more.get("amount", PRICE), more.get("currency", "EUR"))
    wrong = [("capture", *came), ("refund_due", *came)]
    assert book(stage, placed) == wrong
    assert asked(stage, placed)[1:] == ([] if "currency" in more else [f"refund {more['amount']}"])
    assert state(buyer.http, placed) == "pending"
    noted(stage, placed)
    assert state(buyer.http, placed) == "paid"
    assert book(stage, placed) == [*wrong, CAPTURE]
    moved(buyer.http, placed, "cancel")
    assert book(stage, placed) == [*wrong, CAPTURE, DUE], "what is owed already is not owed twice"


@pytest.mark.parametrize("way", [("pay",), ("pay", "ship"), ("pay", "ship", "deliver")])
def test_a_second_payment_is_owed_back(stage: Stage, staff: httpx2.Client, placed: Row, way: tuple[str, ...]) -> None:
    """Whoever took the first one; the order stays where it is."""
    by_hand = ("capture", "offline", PRICE, "EUR")
    before = moved(staff, placed, *way)
    noted(stage, placed)
    assert book(stage, placed) == [by_hand, CAPTURE, DUE]
    assert asked(stage, placed) == [f"start {PRICE}", f"refund {PRICE}"]
    assert okay(staff.get(f"/orders/{placed['id']}")) == before


def test_a_notice_is_written_down_once(stage: Stage, buyer: Person, placed: Row) -> None:
    """Sent again it changes nothing, also when it says something else then."""
    for more in ({}, {}, {"amount": 5}, {"kind": "refund"}):
        noted(stage, placed, event=f"once {placed['id']}", **more)
    assert book(stage, placed) == [CAPTURE]
    assert state(buyer.http, placed) == "paid"


def test_a_notice_that_proves_nothing_is_refused(stage: Stage, buyer: Person, placed: Row) -> None:
    """No such order, no such provider, none that sends notices, a wrong signature: nothing is written."""
    refused(notice(stage, {"number": "260101-UNKNOWN0"}), 404, "not_found")
    body, headers = bank.signed(kind="capture", event="e", order=placed["number"], amount=PRICE, currency="EUR")
    with httpx2.Client(base_url=stage.shop.url, timeout=30) as http:
        for name in ("nobody", "offline", UNKNOWN_ID):
            refused(http.post(f"/payments/{name}", content=body, headers=headers), 404, "not_found")
        for wrong in ({}, {bank.HEADER: ""}, {bank.HEADER: "0" * 64}):
            refused(http.post(f"/payments/{bank.NAME}", content=body, headers=wrong), 403, "forbidden")
        refused(http.post(f"/payments/{bank.NAME}", content=body + b" ", headers=headers), 403, "forbidden")
        refused(http.get(f"/payments/{bank.NAME}"), 405, "method_not_allowed")
    assert book(stage, placed) == []
    assert state(buyer.http, placed) == "pending"


@pytest.mark.parametrize(
    "more",
    [
        {"amount": "1999"}, {"amount": 19.99}, {"amount": True}, {"amount": None}, {"amount": -1}, {"amount": 10**30},
        {"event": 1}, {"event": ""}, {"event": "x" * 300}, {"event": "a\0b"}, {"event": "\ud800"}, {"kind": "gift"},
        {"kind": ["capture"]}, {"currency": None}, {"currency": "EURO"}, {"currency": 978},
    ],
)  # fmt: skip
def test_a_notice_that_says_nonsense_is_refused(stage: Stage, buyer: Person, placed: Row, more: Row) -> None:
    """422, however well it is signed, and nothing is written."""
    refused(notice(stage, placed, **more), 422, "validation")
    assert book(stage, placed) == []
    assert state(buyer.http, placed) == "pending"


def test_cancelling_what_is_paid_owes_the_money(stage: Stage, staff: httpx2.Client, buyer: Person, placed: Row) -> None:
    """The provider that took it is asked for it after the commit, once."""
    noted(stage, placed)
    moved(buyer.http, placed, "cancel")
    refused(staff.post(f"/orders/{placed['id']}/cancel"), 409, "invalid_transition")
    assert book(stage, placed) == [CAPTURE, DUE]
    assert asked(stage, placed) == [f"start {PRICE}", f"refund {PRICE}"]


def test_cancelling_what_staff_took_owes_it_by_hand(
    stage: Stage, staff: httpx2.Client, buyer: Person, placed: Row
) -> None:
    """The bank has nothing to do with it."""
    moved(staff, placed, "pay")
    moved(buyer.http, placed, "cancel")
    assert book(stage, placed) == [("capture", "offline", PRICE, "EUR"), ("refund_due", "offline", PRICE, "EUR")]
    assert asked(stage, placed) == [f"start {PRICE}"]


def test_cancelling_what_nobody_paid_owes_nothing(stage: Stage, buyer: Person, placed: Row) -> None:
    """No line at all."""
    moved(buyer.http, placed, "cancel")
    assert (book(stage, placed), asked(stage, placed)) == ([], [f"start {PRICE}"])


@pytest.mark.parametrize("restock", [True, False])
def test_a_return_owes_the_money(stage: Stage, staff: httpx2.Client, placed: Row, *, restock: bool) -> None:
    """Whether the goods can be sold again or not."""
    noted(stage, placed)
    moved(staff, placed, "ship", "deliver")
    okay(staff.post(f"/orders/{placed['id']}/return", json={"restock": restock}))
    assert book(stage, placed) == [CAPTURE, DUE]
    assert asked(stage, placed) == [f"start {PRICE}", f"refund {PRICE}"]


@pytest.mark.parametrize("archived", [True, False])
def test_a_late_notice_revives_nothing(
    stage: Stage, staff: httpx2.Client, buyer: Person, goods: Row, placed: Row, *, archived: bool
) -> None:
    """It is kept as owed; the order stays cancelled, or archived, and its stock stays free."""
    over = moved(buyer.http, placed, "cancel")
    if archived:
        assert buyer.http.delete(f"/orders/{placed['id']}").status_code == 204
    noted(stage, placed)
    assert book(stage, placed) == [CAPTURE, DUE]
    assert asked(stage, placed) == [f"start {PRICE}", f"refund {PRICE}"]
    if archived:
        refused(staff.get(f"/orders/{placed['id']}"), 404, "not_found")
    else:
        assert okay(staff.get(f"/orders/{placed['id']}")) == over
    assert okay(staff.get(f"/products/{goods['id']}"))["stock"] == 10


def test_a_refund_is_written_down_once(stage: Stage, buyer: Person, placed: Row) -> None:
    """What is due back stays in the book beside it; nothing is asked for again, and the order stays cancelled."""
    noted(stage, placed)
    moved(buyer.http, placed, "cancel")
    for _ in range(2):
        noted(stage, placed, kind="refund", event=f"back {placed['id']}")
    assert book(stage, placed) == [CAPTURE, DUE, ("refund", bank.NAME, PRICE, "EUR")]
    assert asked(stage, placed) == [f"start {PRICE}", f"refund {PRICE}"]
    assert state(buyer.http, placed) == "cancelled"


def test_a_provider_that_fails_changes_no_answer(stage: Stage, buyer: Person, goods: Row) -> None:
    """Neither that of the order nor that of its end; what could not be given back stays owed, and the log says so."""
    add(buyer, goods)
    row = created(order(buyer, note=bank.CLOSED))
    assert asked(stage, row) == [f"start {PRICE}"]
    noted(stage, row)
    noted(stage, row)
    assert moved(buyer.http, row, "cancel")["status"] == "cancelled"
    assert book(stage, row) == [CAPTURE, CAPTURE, DUE, DUE]
    assert asked(stage, row) == [f"start {PRICE}", *2 * [f"refund {PRICE}"]]
    log = stage.shop.log()
    assert log.count(bank.CLOSED) >= 3
    assert "a refund could not be asked for" in log
