"""The one form of a refusal, for tests that meet one."""

import json
from typing import Any

import httpx2

MEMBERS = ["type", "title", "status", "detail", "instance", "code", "request_id", "errors"]


def problem(answer: httpx2.Response, status: int, code: str = "") -> dict[str, Any]:
    """The problem document of a refusal with this status (and code), once its form is right."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    found: dict[str, Any] = json.loads(answer.content)
    assert not form_of(answer), form_of(answer)
    assert not code or found["code"] == code, found
    return found


def places(answer: httpx2.Response) -> dict[str, str]:
    """What a refusal finds wrong: pointer -> code."""
    return {item["pointer"]: item["code"] for item in json.loads(answer.content)["errors"]}


def form_of(answer: httpx2.Response) -> str:
    """What is wrong with the form of a refusal; empty where nothing is."""
    return _wrong_body(answer) or _wrong_headers(answer)


def _wrong_body(answer: httpx2.Response) -> str:
    if answer.headers.get("content-type") != "application/problem+json":
        return f"content type {answer.headers.get('content-type')}"
    try:
        body = json.loads(answer.content)
    except ValueError:
        return "not JSON"
    if list(body)[: len(MEMBERS)] != MEMBERS or body["status"] != answer.status_code:
        return f"members {list(body)}"
    if body["request_id"] != answer.headers.get("x-request-id"):
        return "another request id than the header's"
    if not all({"pointer", "code", "detail"} <= set(item) for item in body["errors"]):
        return "an error without pointer, code or detail"
    return ""


def _wrong_headers(answer: httpx2.Response) -> str:
    if answer.status_code == 401 and "www-authenticate" not in answer.headers:
        return "401 without WWW-Authenticate"
    if answer.status_code == 405 and "allow" not in answer.headers:
        return "405 without Allow"
    if answer.status_code in {429, 503} and "retry-after" not in answer.headers:
        return f"{answer.status_code} without Retry-After"
    return ""
