"""Query parameters that are wrong: told all at once, with a near name, and no hint of what is not for the caller."""

import re

import pytest

from charter.plugins.filtering import MOST_IN
from charter.plugins.parameters import LONGEST_QUERY, MOST_PARAMETERS
from tests.problems import places, problem
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

MALFORMED = (
    *("fee=", "fee=x", "fee=1.5", "fee=1e3", "fee=0x10", "fee=9223372036854775808", "fee__gt=-9223372036854775809"),
    *("fee=100000000000000000000000000000", "fee__in=1,", "fee__in=", "fee__in=1,x", f"fee={'9' * 5000}"),
    *("weight=nan", "weight=inf", "weight=1e999", "weight__lt=-Infinity", "weight="),
    *("is_public=2", "is_public=maybe", "is_public=", "tag__is_null=x", "tag__is_null="),
    *("mood=sad", "mood=Calm", "mood__in=calm,sad", "ink=INK", "ink="),
    *("folder_id=1", "folder_id=", "folder_id__in=x", "id=%00", "id__in=,"),
    *("due=0", "due=0.5", "due=2026-01-01", "due=2026-01-01T00:00:00", "due=10000-01-01T00:00:00Z", "due__in=1,2"),
    *("due=9999-12-31T23:59:59-23:59", "due=0001-01-01T00:00:00%2B23:59", "created_at__gte=yesterday"),
    *("day=0", "day=86400", "day=1234569600", "day=2026-02-30", "day=2026-01-01T00:00:00Z", "day=99999-01-01"),
    *("tag=%00", "tag__contains=%00", "tag=%ff", "tag=%ed%a0%80", "tag=%C0%80", f"tag={'x' * 1001}"),
    *("sort=", "sort=nothing", "sort=-", "sort=title,", "sort=title,-title", "sort=+title", "sort=title;drop"),
    *("sort=details", "sort=letters", "sort=title__desc", "sort=folder.nothing", "sort=%00"),
    *("fields=", "fields=nothing", "fields=id,,title", "fields=*", "fields=folder.name"),
    *("page=0", "page=-1", "page=x", "page=", "page=1.5", f"page=1{'0' * 20}", "page=1000000001", "page=NaN"),
    *("fee=%201", "fee=1%09", "fee=1_0", "stars__in=1,%202", "stars__in=1%09,2", "weight=%201.5", "page=%201"),
    *("size=1%0A", "fields=id,%09title", "fields=title%20", "sort=title,%20fee", "include=folder,%09folder"),
    *("size=0", "size=101", "size=-1", "size=x", f"size={'9' * 30}", "count=some", "count="),
)
"""Known parameters with values that cannot be read."""

UNKNOWN = (
    *("nothing=1", "TITLE=x", "title__like=x", "title__=x", "__gt=1", "=x", "&&x", "title[]=x", "title__gt__lt=x"),
    *("details=x", "details__contains=x", "words=x", "letters=1", "folder_name=x", "secret=x", "deleted_at=x"),
    *("folder.name=x", "folder.slug.x=1", "folder=1", "author_id=x", "is_public__gt=true", "mood__contains=c"),
    *("stars__is_null=true", "folder.parent.remark=x", "%00=1", "%ff=1", f"{'x' * 3000}=1", "text=x", "views=1"),
)
"""Names that are no parameters here."""


async def test_values_that_cannot_be_read_are_400(toy: Toy) -> None:
    """A malformed value is told by its parameter's name, without repeating the value."""
    http = await toy.as_role("keeper")
    await http.post("/notes", json={"title": "one"})
    for given in MALFORMED:
        answer = await http.get(f"/notes?{given}")
        found = problem(answer, 400, "malformed_parameter")
        assert list(places(answer)) == [given.partition("=")[0]], given
        assert "9999" not in found["errors"][0]["detail"]


async def test_names_that_are_not_known_are_400(toy: Toy) -> None:
    """An unknown parameter is told, never ignored; the answer repeats at most a short printable part of it."""
    http = await toy.as_role("keeper")
    for given in UNKNOWN:
        answer = await http.get(f"/notes?{given}")
        found = problem(answer, 400)
        assert found["code"] in {"unknown_parameter", "malformed_parameter"}, given
        assert len(answer.content) < 1000
        assert found["errors"][0]["pointer"].isprintable()


async def test_an_unknown_name_comes_with_the_nearest_known_one(toy: Toy) -> None:
    """Parameters, sort terms and fields: did you mean."""
    http = await toy.as_role("keeper")
    for given, meant in (
        ("titel=x", "title"),
        ("fee__gtt=1", "fee__gt"),
        ("folder.slag=x", "folder.slug"),
        ("sort=titel", "title"),
        ("sort=-fes", "-fee"),
        ("fields=titel", "title"),
        ("siez=1", "size"),
    ):
        answer = await http.get(f"/notes?{given}")
        assert f"did you mean '{meant}'?" in problem(answer, 400)["errors"][0]["detail"], given


async def test_everything_wrong_is_told_at_once(toy: Toy) -> None:
    """One refusal names every wrong parameter, also repeated ones."""
    http = await toy.as_role("keeper")
    answer = await http.get("/notes?titel=x&fee=x&fee__gt=y&page=0&size=101&sort=nope&fields=nope&stars=1&stars=2")
    problem(answer, 400)
    wrong = places(answer)
    assert set(wrong) == {"titel", "fee", "fee__gt", "page", "size", "sort", "fields", "stars"}
    assert (wrong["titel"], wrong["stars"]) == ("unknown_parameter", "repeated_parameter")


async def test_repeated_parameters_are_400(toy: Toy) -> None:
    """Twice the same name is refused whatever the values, known or not."""
    http = await toy.as_role("keeper")
    for name, value in (("fee", "1"), ("page", "1"), ("sort", "title"), ("fields", "id"), ("f%65e", "1")):
        answer = await http.get(f"/notes?{name}={value}&{name}={value}")
        problem(answer, 400)
        assert "repeated_parameter" in places(answer).values(), name


async def test_too_much_is_400(toy: Toy) -> None:
    """Too many parameters, values, sort terms, or too long a query string."""
    http = await toy.as_role("keeper")
    many = "&".join(f"a{index}=1" for index in range(MOST_PARAMETERS + 1))
    terms = "title,tag,mood,ink,fee,stars,weight,is_public,due,day"
    for given in (
        many,
        "stars__in=" + ",".join("1" * (MOST_IN + 1)),
        f"sort={terms}",
        "tag=" + "x" * LONGEST_QUERY,
        "%" * 4000,
    ):
        problem(await http.get(f"/notes?{given}"), 400)
    assert (await http.get("/notes?stars__in=" + ",".join("1" * MOST_IN))).status_code == 200


async def test_requests_without_parameters_take_none(toy: Toy) -> None:
    """Reads take ``fields`` alone, writes nothing: an unknown parameter is told, not ignored."""
    http = await toy.as_role("keeper")
    row = (await http.post("/notes", json={"title": "one"})).json()
    path = f"/notes/{row['id']}"
    for method, target in (
        *(("GET", path), ("PUT", path), ("PATCH", path), ("DELETE", path), ("POST", "/notes")),
        *(("GET", "/users/me"), ("PATCH", "/users/me"), ("GET", "/users/me/permissions"), ("POST", "/auth/refresh")),
    ):
        answer = await http.request(method, f"{target}?force=1", json={"title": "x"} if method != "GET" else None)
        problem(answer, 400, "unknown_parameter")
    assert (await http.get(path)).status_code == 200


async def test_what_a_role_may_not_read_does_not_exist_for_it(toy: Toy) -> None:
    """Filters, sorts and fields on an unreadable name answer as on an unknown one, whatever the value."""
    http = await toy.as_role("reader")
    single = ("{0}=1", "{0}=x", "{0}__gt=1", "{0}__gt=", "sort={0}", "sort=-{0}", "fields={0}", "fields=id,{0}")
    for template in (*single, "{0}=1&{0}=2", "{0}=1&{0}=%00", "sort=title,{0},{0}"):
        bodies = []
        for name in ("fee", "qzx"):
            found = problem(await http.get("/notes?" + template.format(name)), 400)
            errors = re.sub(r'"([^"]*); did you mean.*?"', r"'\1'", str(found["errors"]).replace(name, "NAME"))
            bodies.append((found["code"], found["detail"], errors))
        assert bodies[0] == bodies[1], template
    keeper = await toy.as_role("keeper")
    assert (await keeper.get("/notes?fee__gt=1&sort=fee&fields=fee")).status_code == 200


async def test_parameters_are_looked_at_after_the_decision(toy: Toy) -> None:
    """Who may not list at all hears that first, whatever the parameters."""
    stranger, reader = toy.client(), await toy.as_role("reader")
    for given in ("", "?nothing=1", "?sort=nothing", "?page=x", "?%ff"):
        problem(await stranger.get(f"/traces{given}"), 401, "not_authenticated")
        problem(await reader.get(f"/traces{given}"), 403, "forbidden")
