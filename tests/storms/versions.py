"""Policies that can be told apart by any one answer: the number of a version is in the fields that it lets be read.

Six bits of the number are six fields of a product in a list; their opposites are the six of one that is read alone, and
the bits, turned, are six of a category. An odd version lets everybody list the stock movements. So half a version, or
two of them in one answer, match no version at all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from tests.running import ROOT

SHIPPED = (ROOT / "policy.csv").read_text(encoding="utf-8")

BITS = 6
ALL = 2**BITS - 1

PRODUCT = ("id", "name", "price", "category_id"), ("sku", "slug", "description", "stock", "image_url", "max_per_order")
CATEGORY = ("id", "name"), ("slug", "description", "position", "parent_id", "created_at", "updated_at")
"""The fields that every version shows, and one for each bit, the lowest first."""

LINES = {
    "products.list": "p, anonymous, products, list, published, ",
    "products.read": "p, anonymous, products, read, published, ",
    "categories.read": "p, anonymous, categories, read, any, ",
}
"""Part of an answer -> the line that decides its fields."""

MOVEMENTS = "stock-movements.list"
STOCK = "products.sort"
HASH = "hash"
"""Other parts: whether the stock movements may be listed, products be sorted by their stock; what /health calls it."""

SIZE = 8192
"""Bytes of every version, so that none is given away by its length."""

Shown = frozenset[str] | bool | str


@dataclass(frozen=True)
class Version:
    """A good policy file."""

    number: int

    @cached_property
    def fields(self) -> Mapping[str, frozenset[str]]:
        """Part of an answer -> its fields."""
        code = self.number & ALL
        turned = (code << 1 | code >> (BITS - 1)) & ALL
        return {
            "products.list": _fields(PRODUCT, code),
            "products.read": _fields(PRODUCT, code ^ ALL),
            "categories.read": _fields(CATEGORY, turned),
        }

    @cached_property
    def parts(self) -> Mapping[str, Shown]:
        """Everything that an answer may show of it."""
        told = sha256(self.text).hexdigest()[:16]
        stock = "stock" in self.fields["products.list"]
        return {**self.fields, MOVEMENTS: self.has_movements, STOCK: stock, HASH: told}

    @cached_property
    def text(self) -> bytes:
        """The file."""
        lines = SHIPPED.splitlines()
        for part, start in LINES.items():
            (place,) = (number for number, line in enumerate(lines) if line.startswith(start))
            lines[place] = start + "|".join(sorted(self.fields[part]))
        if self.has_movements:
            lines.append("p, anonymous, stock-movements, list, any, *")
        text = "\n".join([*lines, f"# version {self.number} "])
        return (text + "." * (SIZE - len(text) - 1) + "\n").encode()

    @property
    def has_movements(self) -> bool:
        """Whether everybody may list the stock movements."""
        return self.number % 2 == 1


def _fields(kind: tuple[tuple[str, ...], tuple[str, ...]], code: int) -> frozenset[str]:
    always, coded = kind
    return frozenset(always) | {name for bit, name in enumerate(coded) if code >> bit & 1}


def _instead(old: str, new: str) -> Callable[[bytes], bytes]:
    def changed(text: bytes) -> bytes:
        assert old.encode() in text, old
        return text.replace(old.encode(), new.encode(), 1)

    return changed


GONE = "gone"
FOLDER = "folder"

SLIPS: Mapping[str, Callable[[bytes], bytes] | str] = {
    "a misspelt role": _instead("p, anonymous, docs", "p, anonymus, docs"),
    "a line that is cut off": lambda text: text[: text.index(b", cancel, any")],
    "nothing": lambda _: b"",
    "another encoding": lambda text: text.replace(b"# version", b"# \xfcber", 1),
    "no file": GONE,
    "a byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "a misspelt field": _instead("|name|", "|nmae|"),
    "two bytes for each letter": lambda text: text.decode().encode("utf-16"),
    "a circle": _instead("g, customer, anonymous", "g, customer, anonymous\ng, anonymous, customer"),
    "a folder": FOLDER,
    "semicolons": lambda text: text.replace(b", ", b"; "),
    "a comment behind a rule": _instead("docs, access, any, *", "docs, access, any, * # all"),
    "the same line twice": _instead("p, support, admin", "p, support, admin, access, any, *\np, support, admin"),
    "a misspelt action": _instead("cart, *, own", "cart, reed, own"),
    "quotation marks": _instead("customer, cart", 'customer, "cart"'),
    "an unknown rows word": _instead("list, published", "list, publicly"),
    "a zero byte": _instead("p, support, admin", "p, support\0, admin"),
    "a value too few": _instead("p, support, admin, access, any, *", "p, support, admin, access, any"),
}
"""What is wrong -> the file with it; each is told with line and column."""


__all__ = ["FOLDER", "GONE", "HASH", "MOVEMENTS", "SLIPS", "STOCK", "Shown", "Version"]
