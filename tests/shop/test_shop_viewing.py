"""The shop's admin seen as another role: page by page what somebody with that role is shown."""

import re

import httpx2
import pytest

from tests.admin.crawl import crawl_there
from tests.running import Running
from tests.shop.admin_screens import browser
from tests.shop.people import People, Person

MOST = 60
BAR = re.compile(r'<div class="ch-viewing.*?</div>', re.DOTALL)
STARTS = ["/admin/", "/admin/access"] + [
    f"/admin/{noun}/{page}"
    for noun in ("products", "orders", "users", "categories", "stock-movements", "roles", "cart")
    for page in ("list", "create", "import", "bulk/update?search=a", "bulk/delete?search=a", "export/jsonl")
]


OWN = re.compile(r"/admin/users/(details|edit|bulk)/")
"""Pages about accounts themselves: one's own has more buttons, and the matrix of the toy holds them to the oracle."""


def plain(answer: httpx2.Response, *people: Person) -> list[str]:
    """A page, tag by tag, without what is of one sign-in alone: its tokens, whose it is, the bar that says so, their
    own rows.
    """
    text = BAR.sub("", re.sub(r"[0-9a-f]{64}", "", answer.text))
    for person in people:
        text = text.replace(f'<span class="ch-mail">{person.email}</span>', "")
        own = rf"<tr>(?:(?!</tr>).)*?{re.escape(person.email)}(?:(?!</tr>).)*</tr>"
        text = re.sub(own, "", text, flags=re.DOTALL)
    return [str(answer.status_code), *re.sub(r"\s+", " ", text).replace("<", "\n<").splitlines()]


@pytest.mark.parametrize("role", ["support", "manager", "admin"])
def test_each_page_is_the_one_that_somebody_with_the_role_is_shown(shop: Running, role: str) -> None:
    """Status and source of each page that they come by, refusals included; every page says that it is a view.

    Neither of the two has a cart or an order: what is one's own is counted, too.
    """
    person, admin = Person(*shop.account(role)), Person(*shop.account("admin"))
    theirs, ours = browser(shop, person), browser(shop, admin)
    assert ours.post("/admin/view-as", data={"role": role}).status_code == 302
    answers = [answer for answer in crawl_there(theirs, STARTS, MOST) if not OWN.search(str(answer.url))]
    assert len(answers) > MOST / 2
    for answer in answers:
        again = ours.get(str(answer.url))
        assert plain(again, admin, person) == plain(answer, admin, person), answer.url
        is_whole = again.status_code == 200 and "html" in again.headers["content-type"]
        assert (f'data-viewing="{role}"' in again.text) is is_whole, answer.url
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 403} if role != "admin" else 200 in statuses


def test_the_pages_differ_where_the_roles_do(shop: Running, people: People) -> None:
    """The control: as themselves an admin is shown other pages than support is."""
    theirs, ours = browser(shop, people.support), browser(shop, people.admin)
    for path in ("/admin/", "/admin/products/list", "/admin/users/list", "/admin/access"):
        both = [plain(client.get(path), people.admin, people.support) for client in (ours, theirs)]
        assert both[0] != both[1], path


def test_only_who_sees_the_policy_looks_as_somebody_else(shop: Running, people: People) -> None:
    """Managers up to their own role; support as nobody; nobody as a customer, who does not get in."""
    allowed = {
        name: [role for role in ("customer", "support", "manager", "admin") if looks(shop, getattr(people, name), role)]
        for name in ("support", "manager", "admin")
    }
    assert allowed == {"support": [], "manager": ["support", "manager"], "admin": ["support", "manager", "admin"]}


def looks(shop: Running, person: Person, role: str) -> bool:
    """Whether somebody may look as a role."""
    answer = browser(shop, person).post("/admin/view-as", data={"role": role})
    assert answer.status_code in {302, 403}
    return answer.status_code == 302
