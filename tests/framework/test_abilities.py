"""`?with=can` on a read tells what the doors then do: for every role and every kind of row of the toy."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest

from charter import uuid7
from charter.serve import abilities
from charter.store import Transaction
from tests.problems import places, problem
from tests.schemas import answer_schema, violations
from tests.statements import statements
from tests.toy.resources.bookmarks import bookmarks
from tests.toy.resources.comments import comments
from tests.toy.resources.folders import folders
from tests.toy.resources.notes import notes
from tests.toy.resources.traces import traces
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

ROLES = ("anonymous", "reader", "editor", "keeper")
REFUSED = {401, 403, 404, 405}
Make = Callable[[Transaction, UUID | None, UUID], UUID]
"""Makes a row in a transaction, for the caller's id and that of somebody else."""


def note(tx: Transaction, author: UUID, *, is_public: bool = False) -> UUID:
    """Somebody's note."""
    values = {"title": "A note", "author_id": author, "is_public": is_public}
    return UUID(str(tx.repository(notes).create(**values)["id"]))


def comment(tx: Transaction, author: UUID) -> UUID:
    """A comment on a note of somebody's."""
    return UUID(str(tx.repository(comments).create(text="hm", note_id=note(tx, author, is_public=True))["id"]))


def bookmark(tx: Transaction, owner: UUID) -> UUID:
    """Somebody's bookmark."""
    return UUID(str(tx.repository(bookmarks).create(user_id=owner, note_id=note(tx, owner), count=1)["id"]))


def folder(tx: Transaction, *_: Any) -> UUID:
    """A folder: nobody owns it."""
    return UUID(str(tx.repository(folders).create(name=f"Folder {uuid7()}")["id"]))


def trace(tx: Transaction, *_: Any) -> UUID:
    """A row that only the server writes."""
    return UUID(str(tx.repository(traces).create(what="test", title="Seen")["id"]))


KINDS: dict[str, tuple[str, Make]] = {
    "own draft": ("notes", lambda tx, me, other: note(tx, me or other)),
    "own public note": ("notes", lambda tx, me, other: note(tx, me or other, is_public=True)),
    "foreign draft": ("notes", lambda tx, _, other: note(tx, other)),
    "foreign public note": ("notes", lambda tx, _, other: note(tx, other, is_public=True)),
    "own comment": ("comments", lambda tx, me, other: comment(tx, me or other)),
    "foreign comment": ("comments", lambda tx, _, other: comment(tx, other)),
    "own bookmark": ("bookmarks", lambda tx, me, other: bookmark(tx, me or other)),
    "foreign bookmark": ("bookmarks", lambda tx, _, other: bookmark(tx, other)),
    "folder": ("folders", folder),
    "trace": ("traces", trace),
    "foreign account": ("users", lambda _, __, other: other),
    "own account": ("users", lambda _, me, other: me or other),
}
"""Kind of row -> its resource, and how to make one."""


class Desk:
    """A caller of one role, and somebody else whose rows they meet."""

    def __init__(self, toy: Toy, http: httpx2.AsyncClient, me: UUID | None, other: UUID) -> None:
        self.toy, self.http, self.me, self.other = toy, http, me, other

    async def place(self, kind: str) -> str:
        """The path of a fresh row of this kind."""
        resource, make = KINDS[kind]
        row_id = await self.toy.in_transaction(lambda tx: make(tx, self.me, self.other))
        return f"/{resource}/{row_id}"


@pytest.fixture(params=ROLES)
async def desk(request: pytest.FixtureRequest, toy: Toy) -> Desk:
    """A caller of each role."""
    other, _ = await toy.member("reader", "other")
    me, token = await toy.member(request.param) if request.param != "anonymous" else (None, "")
    return Desk(toy, toy.client(token), me, other)


async def disagreements(desk: Desk, kind: str) -> list[str]:
    """Where the doors do something else than `can` says, for a fresh row of this kind."""
    http, place = desk.http, await desk.place(kind)
    answer = await http.get(place, params={"with": "can"})
    if answer.status_code in REFUSED:
        return []
    found: list[str] = []
    can = answer.json()["can"]
    if "update" in can:
        found += await surprises(http, place, set(can["update"]["fields"]))
    for action, method in (("update", "PATCH"), ("delete", "DELETE")):
        done = await http.request(method, place, json={} if method == "PATCH" else None)
        if (done.status_code in REFUSED) is (action in can):
            found.append(f"{kind}: {action} is {'' if action in can else 'not '}told, and answers {done.status_code}")
    return found


async def surprises(http: httpx2.AsyncClient, place: str, told: set[str]) -> list[str]:
    """Fields that are told and unknown to the door, or the other way round; the value fits no field."""
    document = (await http.get("/openapi.json")).json()
    schema = document["paths"][f"/{place.split('/')[1]}/{{id}}"]["get"]["responses"]["200"]["content"]
    title = schema["application/json"]["schema"]["$ref"].rpartition("/")[2]
    parts = document["components"]["schemas"]
    found = []
    for name in {*parts[title]["properties"], *parts[f"{title}Update"]["properties"], "nonsense", "can"}:
        answer = await http.patch(place, json={name: [[]]})
        is_known = answer.status_code == 200 or places(answer).get(f"/{name}") != "extra_forbidden"
        if is_known is not (name in told):
            found.append(f"{place}: {name} is {'' if name in told else 'not '}told, and answers {answer.text}")
    return found


async def test_what_is_told_is_what_the_doors_do(desk: Desk) -> None:
    """Each action in `can` is done, each other one is refused; each field of `update` is taken, each other is 422."""
    found = [item for kind in KINDS for item in await disagreements(desk, kind)]
    assert found == []


@pytest.mark.parametrize("desk", ["reader"], indirect=True)
async def test_the_comparison_sees_a_row_rule_that_is_missing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: `can` without the row rules promises more than the doors keep."""
    monkeypatch.setattr(abilities, "_condition", lambda *_: None)
    assert await disagreements(desk, "foreign public note") != []
    assert await disagreements(desk, "own draft") == []


@pytest.mark.parametrize("desk", ["reader"], indirect=True)
@pytest.mark.parametrize("told", ['{"fields":["title"]}', '{"fields":["title","fee"]}'])
async def test_the_comparison_sees_wrong_fields(desk: Desk, monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    """Negative control: neither too many nor too few fields would go unnoticed."""
    monkeypatch.setattr(abilities, "_told", lambda *_: told)
    assert await disagreements(desk, "own draft") != []


async def test_the_shape_is_that_of_the_permissions(desk: Desk) -> None:
    """Actions and sorted fields as in `/users/me/permissions`, less the rows, and only doors that a row has."""
    told = (await desk.http.get("/users/me/permissions")).json()["resources"]
    for kind, (resource, _) in KINDS.items():
        answer = await desk.http.get(await desk.place(kind), params={"with": "can"})
        if answer.status_code == 200:
            can = answer.json()["can"]
            assert "read" in can
            assert can.keys() <= {"read", "update", "delete"}
            for action, what in can.items():
                fields = {"fields": told[resource][action]["fields"]} if action != "delete" else {}
                assert what == fields, (kind, action)


async def test_every_body_fits_the_documents(desk: Desk) -> None:
    """With and without `can`, alone and on a page, by everybody's document and by the caller's own."""
    documents = [(await desk.http.get(f"/openapi.json{query}")).json() for query in ("", "?for=me")]
    seen = 0
    for kind, (resource, _) in KINDS.items():
        place = await desk.place(kind)
        for query in ("", "?with=can", "?with=can&fields=id", "?fields=id"):
            answer = await desk.http.get(place + query)
            listed = await desk.http.get(f"/{resource}")
            for document in documents:
                for path, body in ((f"/{resource}/{{id}}", answer), (f"/{resource}", listed)):
                    if body.status_code == 200:
                        seen += 1
                        schema = answer_schema(document, path, "get", 200)
                        assert violations(body.json(), schema, document) == [], (kind, query, path)
            if answer.status_code == 200 and query == "?with=can":
                wrong = {**answer.json(), "can": {"read": {"fields": []}, "fly": {}}}
                schema = answer_schema(documents[1], f"/{resource}/{{id}}", "get", 200)
                assert violations(wrong, schema, documents[1]) != []
    assert seen > 20


@pytest.mark.parametrize("desk", ["editor"], indirect=True)
async def test_fields_and_includes_leave_it_as_it_is(desk: Desk) -> None:
    """`can` is about the row and not about what is shown of it; the row itself is the same with and without it."""
    place = await desk.place("own draft")
    plain = (await desk.http.get(place)).json()
    whole = (await desk.http.get(place, params={"with": "can"})).json()
    assert whole == {**plain, "can": whole["can"]}
    cut = (await desk.http.get(place, params={"with": "can", "fields": "id", "include": "folder"})).json()
    assert cut == {"id": plain["id"], "folder": None, "can": whole["can"]}


@pytest.mark.parametrize("desk", ["reader"], indirect=True)
async def test_ones_own_account_has_it_too(desk: Desk) -> None:
    """`/users/me`: the inputs that no column keeps are among the fields."""
    can = (await desk.http.get("/users/me?with=can")).json()["can"]
    assert can["update"]["fields"] == ["current_password", "email", "nickname", "password"]
    assert can.keys() == {"read", "update"}


@pytest.mark.parametrize("desk", ["keeper"], indirect=True)
async def test_nothing_else_is_taken(desk: Desk) -> None:
    """Another value is malformed and told the near one; lists and writes know no such parameter."""
    place = await desk.place("own draft")
    for value, near in (("cna", "; did you mean 'can'?"), ("", ""), ("rows", ""), ("can,can", "; did you mean 'can'?")):
        found = problem(await desk.http.get(place, params={"with": value}), 400, "malformed_parameter")
        wrong = {"pointer": "with", "code": "malformed_parameter", "detail": f"is not a known addition{near}"}
        assert found["errors"] == [wrong]
    problem(await desk.http.get(f"{place}?with=can&with=can"), 400, "repeated_parameter")
    near = problem(await desk.http.get(f"{place}?wiht=can"), 400, "unknown_parameter")["errors"][0]["detail"]
    assert near.endswith("did you mean 'with'?")
    for method, path in (("GET", "/notes"), ("PATCH", place), ("POST", "/notes"), ("DELETE", place)):
        body: dict[str, Any] | None = {} if method in {"PATCH", "POST"} else None
        answer = await desk.http.request(method, f"{path}?with=can", json=body)
        assert problem(answer, 400, "unknown_parameter")["errors"][0]["pointer"] == "with"


async def test_it_costs_no_statement(desk: Desk) -> None:
    """Row rules are asked for by the statement that reads the row; where all rows are `any` it is the very same."""
    for kind in ("own public note", "folder"):
        place = await desk.place(kind)
        heard = []
        for query in ("", "?with=can"):
            with statements("json_") as seen:  # the first request also finds out who asks
                assert (await desk.http.get(place + query)).status_code == 200
            heard.append(seen)
        assert len(heard[0]) == len(heard[1]) > 0
        assert kind != "folder" or heard[0] == heard[1]
