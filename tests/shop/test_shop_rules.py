"""A shop with rules of its own for discount, shipping and tax; and what is left when one of them raises: nothing."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.shop.buying import ADDRESS, add, cart_of, order
from tests.shop.people import Person, Row, created, okay, refused, unique
from tests.storms.prelude import PRICED, UNLUCKY, UNWANTED, sweeping
from tests.storms.stage import Stage, database, staged


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop with the rules of `tests/storms/prelude.py`."""
    folder = tmp_path_factory.mktemp("rules")
    with database(request.param) as given, staged(folder, PRICED, sweeping(1e6), given=given, workers=1) as found:
        yield found


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


def goods(stage: Stage, staff: httpx2.Client, price: int) -> Row:
    """Fifty pieces of something at that price."""
    body = {"sku": unique("SKU"), "name": unique("Thing"), "price": price, "stock": 50, "category_id": stage.shelf}
    return created(staff.post("/products", json=body))


def test_rules_make_the_totals(stage: Stage, staff: httpx2.Client, buyer: Person) -> None:
    """Each is shown, rounded half up, and `expected_total` means the sum of them all."""
    for price, pieces in ((999, 1), (105, 10)):
        add(buyer, goods(stage, staff, price), pieces)
    total = 999 + 1050 - 105 + 490 + 190 + 200
    refused(order(buyer, expected_total=total - 1), 409, "price_changed", "/expected_total")
    row = created(order(buyer, expected_total=total))
    totals = [row[f"{name}_total"] for name in ("items", "discount", "shipping", "tax", "grand")]
    assert totals == [2049, 105, 490, 390, total]
    assert stage.inside.audit() == []


def test_a_piece_costs_what_the_price_rule_says(stage: Stage, staff: httpx2.Client, buyer: Person) -> None:
    """In the line as in the sum; the product keeps its price."""
    thing = goods(stage, staff, 100)
    add(buyer, thing, 20)
    row = created(order(buyer))
    (line,) = okay(buyer.http.get(f"/orders/{row['id']}?include=items"))["items"]
    assert (line["unit_price"], line["line_total"], row["items_total"]) == (99, 1980, 1980)
    assert okay(staff.get(f"/products/{thing['id']}"))["price"] == 100
    assert stage.inside.audit() == []


@pytest.mark.parametrize(("price", "status", "code"), [(UNLUCKY, 500, "internal"), (UNWANTED, 409, "limit_exceeded")])
def test_a_rule_that_raises_undoes_everything(
    stage: Stage, staff: httpx2.Client, buyer: Person, price: int, status: int, code: str
) -> None:
    """Cart, stock, movements, orders and the key are as before; once it does not raise, the same request is done."""
    good, bad = goods(stage, staff, 500), goods(stage, staff, price)
    for row in (good, bad):
        add(buyer, row, 2)
    cart, headers = cart_of(buyer), {"Idempotency-Key": "again"}
    for _ in range(2):
        refused(buyer.http.post("/orders", json=ADDRESS, headers=headers), status, code)
        assert cart_of(buyer) == cart
        assert okay(buyer.http.get("/orders"))["items"] == []
        for row in (good, bad):
            assert okay(staff.get(f"/products/{row['id']}")) == row
            assert okay(staff.get(f"/stock-movements?product_id={row['id']}"))["total"] == 1
    assert stage.inside.rows("SELECT id FROM idempotency_key") == []
    okay(staff.patch(f"/products/{bad['id']}", json={"price": 600}))
    done = buyer.http.post("/orders", json=ADDRESS, headers=headers)
    assert created(done)["items_total"] == 2200
    assert "Idempotency-Replayed" not in done.headers
    assert stage.inside.audit() == []
    stage.inside.ask("change", sql=["DELETE FROM idempotency_key"])
