"""Everything hostile that a request can be, aimed at every route of an OpenAPI document. Knows no application.

``attacks`` makes the requests, ``walk`` sends them and tells each answer that breaks the law: a refusal in the one form
or a legal success, never a 5xx, never slow, never repeating what was sent.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from urllib.parse import quote

import httpx2

from tests.problems import form_of

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
NOWHERE = "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"
MARKER = "dontrepeatme"
"""Stands in values, never in names: a refusal that contains it has repeated what was sent."""

SLOWEST = 5.0
"""Seconds."""

AGAIN = 4
"""How often a request that was slow is sent again: one that is slow by itself is so each time, on any machine."""

LEGAL = {200, 201, 202, 204}
"""Successes."""

ORDER = ("post", "put", "patch", "get", "delete")
"""Writes first, so that reads meet whatever was kept of them."""

_EDGES = ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "10000-01-01", "0.5")
TEXTS = (
    *("", " ", MARKER, "x" * 5000, "'\"--;", "%", "\\", "null", "true", "NaN", "-Infinity", "1e999", "-0.0", "1e3"),
    *(str(2**31), str(2**63), str(-(2**63) - 1), "1" + "0" * 20, "9" * 4500, "1,2,", "[]", "{}", "../..", "\u0661"),
    *(*_EDGES, "9999-12-31", "0001-01-01", "\ufdd0", "\U0010ffff", "\u202e", "\r\nX-Evil: 1"),
)
"""Values for parameters, before they are percent-encoded."""

RAW_TEXTS = ("%00", "a%00b", "%ff", "%ed%a0%80", "%c0%80", "%", "%zz", "%u0041", "+", "%25%30%30")
"""The same, as they stand in the URL."""

IDS: tuple[str, ...] = (
    *RAW_TEXTS,
    "1",
    "0",
    "-1",
    "1" * 40,
    "9" * 4000,
    "x" * 5000,
    NOWHERE[:-1],
    NOWHERE + "0",
    f"%7B{NOWHERE}%7D",
)
IDS += (NOWHERE.replace("-", ""), f"urn:uuid:{NOWHERE}", "null", "undefined", "%2e%2e", "%2f", "%0d%0a", "\u0661" * 36)

LAST = {"/auth/logout", "/auth/sessions"}
"""Who has been here is signed out."""

STANDING = {"role", "is_active"}
"""Fields of one's own account whose change ends the sign-in; those of another account are attacked as any other."""

DEEP = 100_000
VALUES = (
    *("null", "true", "0", "-1", "1.5", "-0.0", "1e999", "-1e999", "NaN", "Infinity", "-Infinity", "1e-400", "1E3"),
    *(str(2**31), str(2**53), str(2**63), str(-(2**63) - 1), "1" + "0" * 30, "9" * 400, "9" * 5000),
    *('""', '" "', f'"{MARKER}"', f'"{MARKER * 9000}"', r'"\u0000"', r'"a\u0000b"', r'"\ud800"', r'"\udc00\ud800"'),
    *('"\\u202e\\ufdd0"', '"\U0010ffff"', "[]", "{}", "[null]", "[[[[[]]]]]", f'["{MARKER}"]', f'{{"a": "{MARKER}"}}'),
    *('{"a": NaN}', '{"a": 1e999}', r'{"\u0000": 1}', r'{"a": ["\u0000"]}', r'{"a": "\ud800"}', '{"a": 1, "a": 2}'),
    *("[" * 190 + "]" * 190, '{"a":' * 190 + "1" + "}" * 190, f'{{"a": {"9" * 5000}}}', f'"{NOWHERE}"'),
    *(f'"{edge}"' for edge in _EDGES),
)
"""JSON, as it is written, for one member of a body."""

BODIES = (
    *(
        b"",
        b" ",
        b"{",
        b"}",
        b"null",
        b"true",
        b"1",
        b"NaN",
        b'"x"',
        b"[]",
        b"[{}]",
        b"{}",
        b"{}{}",
        b"{'a': 1}",
        b"{a: 1}",
    ),
    *(
        b'{"a": 1,}',
        b'{"a"}',
        b'{"\xff": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b"\x00",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
    ),
    *(
        b'{"a": "\x00"}',
        b'{"": 1}',
        b'{"__proto__": {}}',
        b'{"a~/b": 1}',
        rb'{"\u0000": 1}',
        rb'{"\ud800": 1}',
        b"/**/{}",
    ),
    *(
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
        b'{"a": "' + b"x" * 300_000 + b'"}',
    ),
    *(b'{"a": ' + b"9" * 100_000 + b"}", b'{"' + b"k" * 100_000 + b'": 1}', b" " * 100_000 + b"{}"),
    b"{" + b",".join(b'"k%d": 1' % index for index in range(5000)) + b"}",
)
"""Whole bodies."""

FORMS = (
    *(
        b"",
        b"&&&",
        b"=",
        b"username",
        b"username=a",
        b"password=b",
        b"username=%00&password=%00",
        b"username=%ff&password=x",
    ),
    *(b"username=a&username=b&password=c", b"username[]=a&password=b", b"\xff=\xff", b"username=" + b"x" * 200_000),
    *(
        b"&".join(b"k%d=1" % index for index in range(2000)),
        b"username=a&password=" + b"x" * 2000,
        b"{}",
        b"%",
        b"%zz=%zz",
    ),
    *(b"username=" + MARKER.encode() + b"&password=" + MARKER.encode(), b"username=a&password=b&grant_type=x"),
)

MEDIA = (
    *(
        "text/plain",
        "application/xml",
        FORM,
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "application/jsonx",
    ),
    *("application/json; charset=utf-16", "application/json;;;", "APPLICATION/JSON", "*/*", "/", "a", "\xff"),
)

CREDENTIALS = (
    "",
    "Bearer",
    "Bearer  ",
    "Basic Og==",
    "Bearer \xff",
    "Bearer a.b.c",
    f"Bearer {'x' * 5000}",
    "Bearer a b",
    "\xff",
)


@dataclass(frozen=True, slots=True)
class Attack:
    """One request, and what is hostile about it."""

    why: str
    method: str
    path: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_unsigned(self) -> bool:
        """Whether it brings credentials of its own."""
        return "Authorization" in self.headers


@dataclass(frozen=True, slots=True)
class Target:
    """One operation of the document, with everything that makes a request to it reach as deep as possible."""

    document: Any
    template: str
    method: str
    operation: Any
    ids: Mapping[str, str]
    values: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The path of a row that is there (deletes go nowhere, so that it stays there)."""
        known = self.ids.get(self.template, NOWHERE) if self.method != "delete" else NOWHERE
        return self.template.replace("{id}", known)

    @property
    def media(self) -> str:
        return next(iter(self.operation.get("requestBody", {}).get("content", {})), "")

    @property
    def schema(self) -> Any:
        schema = self.operation["requestBody"]["content"][self.media]["schema"]
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return schema

    def good(self) -> dict[str, Any]:
        """A body with what is required."""
        content = self.operation["requestBody"]["content"][self.media]
        examples = {**self.schema.get("example", {}), **content.get("example", {})}
        names = self.schema.get("required", ())
        return {name: self.values.get(name, examples.get(name, MARKER)) for name in names}

    def sent(self, why: str, path: str = "", content: bytes | None = None, **headers: str) -> Attack:
        """One attack on this operation; without a body of its own it has a good one."""
        if self.media and content is None:
            good = self.good()
            content = (str(httpx2.QueryParams(good)) if self.media == FORM else json.dumps(good)).encode()
        media = {"Content-Type": self.media} if self.media else {}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return Attack(why, self.method.upper(), path or self.path, content, media | given)


def attacks(
    document: Any,
    ids: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
    *,
    every: int = 1,
    shift: int = 0,
) -> Iterator[Attack]:
    """All attacks on all operations, or with ``every=8`` an eighth of them, with another `shift` another eighth.

    `ids` are rows that are there (``/things/{id}`` -> id), `values` good values of fields by name.
    """
    targets = [
        Target(document, template, method, operation, ids or {}, values or {})
        for template, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in ORDER
    ]
    targets.sort(key=lambda target: (target.template in LAST, ORDER.index(target.method)))
    parts = (_on_the_whole, _on_parameters, _on_fields)
    found = (attack for target in targets for part in parts for attack in part(target))
    return islice(found, shift % every, None, every)


def _on_the_whole(target: Target) -> Iterator[Attack]:
    for text in CREDENTIALS:
        yield target.sent(f"credentials {text[:20]!r}", Authorization=text)
    if "{id}" in target.template:
        for text in IDS:
            yield target.sent(f"id {text[:40]!r}", target.template.replace("{id}", quote(text, safe="%")))
    for text in (
        "nothing=1",
        "%ff=1",
        "%00=%00",
        "a=1&a=2",
        "&=&",
        "x" * 9000,
        "&".join("a" * n for n in range(1, 70)),
    ):
        yield target.sent(f"query {text[:40]!r}", f"{target.path}?{text}")
    yield target.sent("cursor", f"{target.path}?cursor={'x' * 5000}")
    for text in ("a" * 7, "x" * 5000, "\xff", "a\tb", "short one"):
        yield target.sent(f"request id {text[:20]!r}", X_Request_ID=text)
    if target.media:
        for media in MEDIA:
            yield target.sent(f"media type {media!r}", Content_Type=media)
        for body in BODIES if target.media == JSON else (*FORMS, *BODIES):
            yield target.sent(f"body {body[:40]!r}", content=body)
        yield target.sent("a body over the limit", content=b'{"a": "' + b"x" * 3_000_000 + b'"}')


def _on_parameters(target: Target) -> Iterator[Attack]:
    names = [item["name"] for item in target.operation.get("parameters", ()) if item["in"] == "query"]
    for name in names:
        for text in (*(quote(text, safe="") for text in TEXTS), *RAW_TEXTS):
            yield target.sent(f"{name}={text[:40]}", f"{target.path}?{name}={text}")
    given = target.operation.get("parameters", ())
    chosen = {item["name"]: item["schema"].get("items", {}).get("enum", ()) for item in given}
    for name, words in chosen.items():
        for text in _lists(words) if words else ():
            yield target.sent(f"{name}={text[:40]}", f"{target.path}?{name}={text}")
    if "group" in chosen:
        for group, measure in zip(cycle(chosen["group"]), chosen["agg"]):
            query = f"agg={measure}&group={group},id&sort=-{measure},{group}"
            for rest in ("", f"&size=1&page=1{'0' * 9}", f"&page=2&group={group}", "&sort=id"):
                yield target.sent(f"{query[:60]}{rest}", f"{target.path}?{query}{rest}")


def _lists(words: Sequence[str]) -> Iterator[str]:
    """Lists of good words: too many, one of them too often, or with something beside it."""
    yield ",".join(words)
    yield ",".join(reversed(words))
    for word in words[:: len(words) // 8 + 1]:
        yield ",".join([word] * 30)
        yield from (f"{word},", f",{word}", f"{word}()", f"-{word}", f"--{word}", f"{word}%00", f"{word}:{word}")


def _on_fields(target: Target) -> Iterator[Attack]:
    if target.media != JSON:
        return
    spared = STANDING if target.template.endswith("/me") else set()
    names = [name for name in (*target.schema.get("properties", {}), "nothing") if name not in spared]
    good = target.good() if target.method != "patch" else {}
    for value in VALUES:
        for name in names:
            members = [f"{json.dumps(key)}: {json.dumps(kept)}" for key, kept in good.items() if key != name]
            yield target.sent(f"{name}: {value[:40]}", content=_written([*members, f"{json.dumps(name)}: {value}"]))
        yield target.sent(f"all: {value[:40]}", content=_written(f"{json.dumps(name)}: {value}" for name in names))
    for name, kept in good.items():
        twice = [f"{json.dumps(name)}: {json.dumps(kept)}", f"{json.dumps(name)}: null"]
        yield target.sent(f"{name} twice", content=_written(twice))


def _written(members: Iterable[str]) -> bytes:
    return ("{" + ", ".join(members) + "}").encode("utf-8", "surrogatepass")


def verdict(attack: Attack, answer: httpx2.Response, seconds: float) -> str:
    """What is wrong with the answer to an attack; empty where nothing is."""
    if answer.status_code >= 500:
        return f"{answer.status_code}: {answer.text[:200]}"
    if seconds > SLOWEST:
        return f"took {seconds:.1f} s"
    if answer.status_code < 400:
        return "" if answer.status_code in LEGAL else f"{answer.status_code}"
    if MARKER in answer.text:
        return f"{answer.status_code} repeats what was sent: {answer.text[:300]}"
    wrong = form_of(answer)
    return f"{answer.status_code}: {wrong}" if wrong else ""


async def _timed(client: httpx2.AsyncClient, request: httpx2.Request) -> tuple[httpx2.Response, float]:
    started = time.perf_counter()
    return await client.send(request), time.perf_counter() - started


async def walk(client: httpx2.AsyncClient, found: Iterable[Attack], *, signed_in: bool = True) -> list[str]:
    """Send all attacks one after the other; one line for each answer that breaks the law.

    A client that is `signed_in` has to stay so, or the walk would see nothing but 401.
    """
    wrong = []
    for attack in found:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in attack.headers.items()]
        request = client.build_request(attack.method, attack.path, content=attack.content, headers=headers)
        answer, seconds = await _timed(client, request)
        for _ in range(AGAIN if seconds > SLOWEST else 0):
            seconds = min(seconds, (await _timed(client, request))[1])
        told = verdict(attack, answer, seconds)
        if signed_in and answer.status_code == 401 and not attack.path.startswith("/auth/") and not attack.is_unsigned:
            told = "the client is signed in no longer"
        if told:
            wrong.append(f"{attack.method} {attack.path[:120]} [{attack.why}]: {told}")
    return wrong
