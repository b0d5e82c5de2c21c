"""Answers, reduced to what the policy decides about them; each view gives a value that a prediction can equal."""

import json
from collections.abc import Callable
from typing import Any

import httpx2

from tests.matrix.world import Tree

View = Callable[[httpx2.Response], Any]


def told(answer: httpx2.Response) -> str:
    """The status, and the code of a refusal."""
    if answer.status_code < 400:
        return str(answer.status_code)
    return f"{answer.status_code} {json.loads(answer.content).get('code')}"


def cut(item: Any, tree: Tree) -> Any:
    """A row in an answer: its id, its keys, and the same of what is included."""
    if item is None:
        return None
    inner = []
    for name, deeper in sorted(tree.items()):
        far = item.get(name)
        many = isinstance(far, list)
        inner.append(tuple(cut(one, deeper) for one in far) if many else cut(far, deeper))
    return (item.get("id"), " ".join(sorted(item)), *inner)


def row(tree: Tree) -> View:
    """The status and the row."""
    return lambda answer: (told(answer), cut(answer.json(), tree)) if answer.status_code < 400 else told(answer)


def items(tree: Tree) -> View:
    """The rows of a page, in their order."""
    return _of_page(lambda body: tuple(cut(item, tree) for item in body["items"]))


def _of_page(look: Callable[[Any], Any]) -> View:
    return lambda answer: look(answer.json()) if answer.status_code == 200 else told(answer)


ids = _of_page(lambda body: tuple(item.get("id") for item in body["items"]))
total = _of_page(lambda body: body["total"])
found = _of_page(lambda body: (body["total"], tuple(item.get("id") for item in body["items"])))


def can(answer: httpx2.Response) -> Any:
    """What may be done with a row."""
    return answer.json().get("can") if answer.status_code == 200 else told(answer)


def operations(answer: httpx2.Response) -> Any:
    """The operations of an OpenAPI document with the keys of their bodies: ``PATCH /users/{id}: email phone``."""
    if answer.status_code != 200:
        return told(answer)
    document, found = answer.json(), set()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").rpartition("/")[2]
            schema = document["components"]["schemas"][name] if name else schema
            found.add(f"{method.upper()} {path}: {' '.join(sorted(schema.get('properties', {})))}".strip(": "))
    return found


def fresh(answer: httpx2.Response) -> Any:
    """What came of a create: the status and the keys of the new row."""
    return (told(answer), " ".join(sorted(answer.json()))) if answer.status_code < 400 else told(answer)


def refused_keys(answer: httpx2.Response) -> Any:
    """The status, and the keys that are refused as unknown ones are, in the same words."""
    if answer.status_code != 422:
        return told(answer)
    errors = [error for error in answer.json()["errors"] if error["code"] == "extra_forbidden"]
    words = {error["detail"] for error in errors}
    return (told(answer), len(words), tuple(sorted(error["pointer"].removeprefix("/") for error in errors)))


def places(answer: httpx2.Response) -> Any:
    """A refusal with all that it says of the fields."""
    if answer.status_code < 400:
        return told(answer)
    body = answer.json()
    return (told(answer), tuple((item["pointer"], item["code"], item["detail"]) for item in body["errors"]))


def permissions(answer: httpx2.Response) -> Any:
    """What a role is told of itself."""
    return answer.json() if answer.status_code == 200 else told(answer)
