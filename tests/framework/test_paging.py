"""Pages: what the envelope of a list says, and what ``fields`` leaves of its rows."""

import pytest

from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

ENVELOPE = ["items", "total", "page", "size", "pages", "next", "prev"]


async def test_pages_hold_every_row_once(toy: Toy) -> None:
    """All pages together are all rows, each once, also where the sort ties; the counts are true on each page."""
    http = await toy.as_role("keeper")
    made = [(await http.post("/notes", json={"title": f"n{i}", "stars": i % 2})).json()["id"] for i in range(23)]
    for size in (1, 5, 22, 23, 100):
        found = []
        for page in range(1, -(-23 // size) + 1):
            body = (await http.get(f"/notes?page={page}&size={size}&sort=-stars")).json()
            assert list(body) == ENVELOPE
            assert (body["total"], body["page"], body["size"], body["pages"]) == (23, page, size, -(-23 // size))
            assert len(body["items"]) <= size
            found += [item["id"] for item in body["items"]]
        assert found == made[1::2] + made[0::2]


async def test_a_page_has_twenty_rows_unless_asked_otherwise(toy: Toy) -> None:
    """``page=1``, ``size=20`` are the defaults; at most 100."""
    http = await toy.as_role("keeper")
    for index in range(21):
        await http.post("/notes", json={"title": f"n{index}"})
    body = (await http.get("/notes")).json()
    assert (len(body["items"]), body["total"], body["page"], body["size"], body["pages"]) == (20, 21, 1, 20, 2)


async def test_a_page_past_the_end_is_empty(toy: Toy) -> None:
    """Nothing there is 200 with no items and the true total, for an empty list and far past the end of one."""
    http = await toy.as_role("keeper")
    body = (await http.get("/notes")).json()
    assert [body[name] for name in ENVELOPE] == [[], 0, 1, 20, 0, None, None]
    await http.post("/notes", json={"title": "one"})
    for page in (2, 10**9):
        body = (await http.get(f"/notes?page={page}&size=100")).json()
        assert [body[name] for name in ENVELOPE] == [[], 1, page, 100, 1, None, None]


async def test_counting_can_be_left_out(toy: Toy) -> None:
    """``count=none``: no total and no number of pages, the rows the same."""
    http = await toy.as_role("keeper")
    await http.post("/notes", json={"title": "one"})
    counted, bare = (await http.get("/notes?count=exact")).json(), (await http.get("/notes?count=none")).json()
    assert (counted["total"], counted["pages"]) == (1, 1)
    assert bare == counted | {"total": None, "pages": None}


async def test_lists_hold_and_count_only_what_the_caller_may_list(toy: Toy) -> None:
    """Row rules narrow items and total alike: strangers see published rows, readers theirs too, editors all."""
    keeper, reader, stranger = await toy.as_role("keeper"), await toy.as_role("reader"), toy.client()
    for title, public in (("a", True), ("b", False), ("c", False)):
        await keeper.post("/notes", json={"title": title, "is_public": public})
    assert (await reader.post("/notes", json={"title": "d"})).status_code == 201
    for http, titles in ((stranger, ["a"]), (reader, ["a", "d"]), (keeper, ["a", "b", "c", "d"])):
        body = (await http.get("/notes?sort=title")).json()
        assert [item["title"] for item in body["items"]] == titles
        assert body["total"] == len(titles)


async def test_fields_leave_what_was_asked_for_and_the_id(toy: Toy) -> None:
    """``fields`` is sparse, in the resource's order, for lists and for one row; the id always stays."""
    http = await toy.as_role("keeper")
    row = (await http.post("/notes", json={"title": "one", "fee": 3})).json()
    expected = {"id": row["id"], "title": "one", "fee": 3}
    assert (await http.get("/notes?fields=fee,title")).json()["items"] == [expected]
    one = (await http.get(f"/notes/{row['id']}?fields=fee,title")).json()
    assert one == expected
    assert list(one) == ["id", "title", "fee"]


async def test_a_filter_over_a_relation_sees_only_readable_rows(toy: Toy) -> None:
    """Where the target's read rule hides a row, a path over it finds nothing and sorts as nothing."""
    keeper, editor = await toy.as_role("keeper"), await toy.as_role("editor")
    note = (await keeper.post("/notes", json={"title": "x", "tag": "deep"})).json()
    await keeper.post("/comments", json={"text": "hi", "note_id": note["id"]})
    assert (await keeper.get("/comments?note.tag=deep&sort=-note.title")).json()["total"] == 1
    await keeper.delete(f"/notes/{note['id']}")
    assert (await keeper.get("/comments?note.tag=deep")).json()["total"] == 0
    assert (await keeper.get("/comments?sort=note.title")).json()["total"] == 1
    assert (await editor.get("/comments")).status_code == 403
