"""The rows there are, and what each role may see and do with them: the policy oracle over plain Python values."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.matrix.shapes import Row, Shape
from tests.policy_oracle import Oracle

Tree = Mapping[str, "Tree"]
"""What is included: relation -> what is included there."""

MOST_INCLUDED = 100


@dataclass(frozen=True, slots=True)
class Word:
    """A word for rows: what it means, and the column that decides it where a client could set one."""

    holds: Callable[["World", Shape, Row, str], bool]
    column: str = ""


@dataclass(slots=True)
class World:
    """Everything that a prediction depends on. ``callers`` are the ids of one account per role; strangers have none."""

    oracle: Oracle
    order: tuple[str, ...]
    shapes: Mapping[str, Shape]
    words: Mapping[str, Word]
    callers: Mapping[str, str]
    rows: dict[str, list[Row]]
    bodies: Mapping[str, Callable[["World", str], Row]]
    fits: Callable[["World", str, str, Row], bool]
    guard: Callable[["World", str, str, Row], bool] = lambda _world, _role, _path, _row: False
    """Whether a rule beside the policy keeps `role` from writing that row (ranks)."""
    made: dict[str, int] = field(default_factory=dict)
    """Rows that were made while the matrix ran, by path."""
    untried: list[str] = field(default_factory=list)
    """Allowed uses that no row was left for."""

    _asked: dict[tuple[str, str, str], tuple[frozenset[str], frozenset[str]]] = field(default_factory=dict)

    def rule(self, role: str, path: str, action: str) -> tuple[frozenset[str], frozenset[str]]:
        """Rows and fields as the oracle reads them; it is asked once, since it reads the whole text each time."""
        key = (role, path, action)
        if key not in self._asked:
            whole = self.shapes[path].whole(action) if path in self.shapes else frozenset()
            self._asked[key] = (self.oracle.rows(*key), self.oracle.fields(*key, whole))
        return self._asked[key]

    def refusal(self, role: str, path: str, action: str) -> str:
        """How the door itself answers: 401 where signing in could help, else 403; empty where it opens."""
        if self.rule(role, path, action)[0]:
            return ""
        helps = any(self.rule(other, path, action)[0] for other in self.order)
        return "401 not_authenticated" if role == self.order[0] and helps else "403 forbidden"

    def fields(self, role: str, path: str, action: str) -> frozenset[str]:
        """The fields that `role` may read, or write."""
        return self.rule(role, path, action)[1]

    def inside(self, role: str, path: str, action: str, row: Row) -> bool:
        """Whether a living row is among those that the rules for `action` are about."""
        if row.get("deleted_at") is not None:
            return False
        rows, shape = self.rule(role, path, action)[0], self.shapes[path]
        return "any" in rows or any(self.words[word].holds(self, shape, row, role) for word in rows)

    def seen(self, role: str, path: str, action: str = "read") -> list[Row]:
        """All rows inside, by id."""
        found = [row for row in self.rows[path] if self.inside(role, path, action, row)]
        return sorted(found, key=lambda row: str(row["id"]))

    def row(self, path: str, row_id: Any) -> Row | None:
        """The row with that id, deleted or not."""
        return next((row for row in self.rows[path] if row["id"] == row_id), None)

    def value(self, shape: Shape, row: Row, dotted: str) -> Any:
        """A value of the row, or of a row it refers to, whoever looks."""
        head, _, tail = dotted.partition(".")
        if not tail:
            return row[head]
        way = shape.relations[head]
        found = next((far for far in self.rows[way.target] if far[way.remote] == row[way.local]), None)
        return None if found is None else self.value(self.shapes[way.target], found, tail)

    def related(self, role: str, path: str, row: Row, name: str) -> list[Row]:
        """The rows at the other end of a relation that `role` may read."""
        way = self.shapes[path].relations[name]
        near = row[way.local]
        return [far for far in self.seen(role, way.target) if near is not None and far[way.remote] == near]

    def reaches(self, role: str, path: str, fields: Collection[str], dotted: str) -> bool:
        """Whether every relation on the way may be known of: both its columns are read, the near one by `fields`."""
        head, _, tail = dotted.partition(".")
        way = self.shapes[path].relations[head]
        there = self.fields(role, way.target, "read")
        if way.local not in fields or way.remote not in there:
            return False
        return self.reaches(role, way.target, there, tail) if tail else True

    def cut(self, role: str, path: str, row: Row, fields: Collection[str], tree: Tree) -> Any:
        """A row as ``views.cut`` sees it in an answer: id, keys, and what is included, cut by its own rules."""
        inner: list[Any] = []
        for name, deeper in sorted(tree.items()):
            way = self.shapes[path].relations[name]
            keys = self.fields(role, way.target, "read")
            far = self.related(role, path, row, name)
            found = tuple(self.cut(role, way.target, item, keys, deeper) for item in far[:MOST_INCLUDED])
            inner.append(found if way.many else (found[0] if found else None))
        return (row["id"] if "id" in fields else None, " ".join(sorted({*fields, *tree})), *inner)

    def can(self, role: str, path: str, row: Row) -> Row:
        """What ``with=can`` should tell of a row that can be read: the actions it is open to, and their fields."""
        shape, found = self.shapes[path], {}
        for action in (word for word in shape.words if word not in {"list", "create", "export", "import"}):
            column, states = shape.moves.get(action, ("", ()))
            if self.inside(role, path, action, row) and (not column or row[column] in states):
                fielded = action in {"read", "update"}
                found[action] = {"fields": sorted(self.fields(role, path, action))} if fielded else {}
        return found

    def samples(self, role: str, path: str) -> dict[str, Row]:
        """One row of each kind that the words tell apart, deleted ones too: kind -> row."""
        found: dict[str, Row] = {}
        for row in self.rows[path]:
            found.setdefault(self.kind(role, path, row), row)
        return found

    def kind(self, role: str, path: str, row: Row) -> str:
        """What `role` would call a row: own or foreign, published or not, deleted."""
        shape = self.shapes[path]
        own = ["own" if self.words["own"].holds(self, shape, row, role) else "foreign"] if shape.owner else []
        more = [
            word if item.holds(self, shape, row, role) else f"not {word}"
            for word, item in self.words.items()
            if item.column and item.column in row
        ]
        above = ["above"] if self.guard(self, role, path, row) else []
        return " ".join([*own, *more, *above, *(["deleted"] if row.get("deleted_at") is not None else [])]) or "some"

    def spare(self, role: str, path: str, action: str, kind: str) -> Row | None:
        """A row of that kind that `action` may use up; the first ones are kept as samples."""
        kept = [row["id"] for row in self.samples(role, path).values()]
        for row in self.rows[path]:
            if row["id"] not in kept and self.kind(role, path, row) == kind and self.fits(self, path, action, row):
                return row
        return None


def is_own(world: World, shape: Shape, row: Row, role: str) -> bool:
    """Whether the row belongs to the caller of that role."""
    return role in world.callers and world.value(shape, row, shape.owner) == world.callers[role]


def flag(column: str, *, wanted: bool = True) -> Word:
    """A word that a boolean column decides."""
    return Word(lambda _world, _shape, row, _role: row[column] is wanted, column)


def ordered(rows: Sequence[tuple[Any, Row]], *, descending: bool) -> list[str]:
    """The ids of (value, row) pairs as ``sort`` has them: nothing last both ways, ties by id."""
    by_id = sorted(rows, key=lambda pair: str(pair[1]["id"]))
    there = sorted((pair for pair in by_id if pair[0] is not None), key=lambda pair: pair[0], reverse=descending)
    return [row["id"] for _, row in [*there, *(pair for pair in by_id if pair[0] is None)]]
