"""Sums and counts of the shop, as its customers and its staff get them."""

from tests.running import Running
from tests.shop.buying import moved, ordered, verified
from tests.shop.people import People, Person, Row, okay, product, refused

ASKED = "/orders/aggregate?agg=count,sum:grand_total,max:grand_total&group=status,month(placed_at)"


def test_a_customer_adds_up_their_own_orders(shop: Running, people: People, buyer: Person) -> None:
    """By status and month: the same sums as by hand over the list; the orders of others are in none of them."""
    goods, other = product(people, price=1250), verified(shop)
    placed = [ordered(buyer, goods, quantity) for quantity in (1, 2, 3)]
    foreign = ordered(other, goods, 4)
    placed[2] = moved(people, placed[2], "pay")
    expected = [
        {
            "status": status,
            "month(placed_at)": rows[0]["placed_at"][:7],
            "count": len(rows),
            "sum:grand_total": sum(row["grand_total"] for row in rows),
            "max:grand_total": max(row["grand_total"] for row in rows),
        }
        for status, rows in (("paid", placed[2:]), ("pending", placed[:2]))
    ]
    assert okay(buyer.http.get(ASKED))["items"] == expected
    assert okay(buyer.http.get(f"/orders/aggregate?user_id={foreign['user_id']}"))["items"] == [{"count": 0}]
    ids = f"id__in={','.join(row['id'] for row in (*placed, foreign))}"
    found = okay(people.manager.http.get(f"/orders/aggregate?{ids}&agg=count,count_distinct:user_id"))
    assert found["items"] == [{"count": 4, "count_distinct:user_id": 2}]
    refused(people.anonymous.http.get("/orders/aggregate"), 401, "not_authenticated")


def test_what_goods_cost_is_added_up_by_managers_alone(people: People) -> None:
    """Everybody counts and adds up prices by category; the purchase price is as unknown as a word that is none."""
    goods: list[Row] = [product(people, price=price, cost_price=price // 2) for price in (100, 300)]
    shelf = goods[0]["category_id"]
    slug = okay(people.anonymous.http.get(f"/categories/{shelf}"))["slug"]
    asked = f"/products/aggregate?id__in={goods[0]['id']},{goods[1]['id']}&group=category.slug&agg="
    found = okay(people.anonymous.http.get(f"{asked}count,avg:price"))["items"]
    assert found == [{"category.slug": slug, "count": 2, "avg:price": 200}]
    for role in ("anonymous", "customer", "support"):
        refused(people.by_role(role).get(f"{asked}sum:cost_price"), 400, "malformed_parameter", "agg")
    found = okay(people.manager.http.get(f"{asked}sum:cost_price"))["items"]
    assert found == [{"category.slug": slug, "sum:cost_price": 200}]
