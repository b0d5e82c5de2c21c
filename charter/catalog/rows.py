"""The symbolic row and caller that scopes and computed fields are written with: every name becomes SQL, at start."""

from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, String, Table, bindparam, inspect, select
from sqlalchemy.orm import Mapper, RelationshipProperty

from charter.catalog.entry import Relation, UnknownNameError
from charter.types import Identifier

CALLER_ID = "caller_id"
CALLER_ROLE = "caller_role"


class SymbolicCaller:
    """Stands for whoever will ask: ``id`` and ``role`` are bound when a statement runs."""

    def __init__(self) -> None:
        self.id = bindparam(CALLER_ID, type_=Identifier())
        self.role = bindparam(CALLER_ROLE, type_=String())


def relation_of(name: str, prop: RelationshipProperty[Any]) -> Relation | None:
    """The compiled form of one mapped relationship; None for one that goes over more than one pair of columns."""
    pairs = prop.local_remote_pairs or []
    target = prop.mapper.local_table
    if len(pairs) != 1 or prop.secondary is not None or not isinstance(target, Table):
        return None
    local, remote = pairs[0]
    if not isinstance(local, Column) or not isinstance(remote, Column):
        return None
    return Relation(name=name, many=bool(prop.uselist), local=local, remote=remote, target=target)


def relations_of(model: type) -> dict[str, Relation]:
    """All relations of a mapped class, by name."""
    mapper: Mapper[Any] = inspect(model)
    found = ((prop.key, relation_of(prop.key, prop)) for prop in mapper.relationships)
    return {name: relation for name, relation in found if relation is not None}


class SymbolicRow:
    """A row in a statement: ``row.price`` is its column, ``row.category.name`` one of a related row.

    ``row.owner`` is what the resource declared as its owner. An unknown name raises :class:`UnknownNameError`.
    """

    def __init__(self, model: type, table: FromClause, owner: str = "") -> None:
        self._model = model
        self._table = table
        self._owner = owner

    def __getattr__(self, name: str) -> Any:
        if name == "owner":
            return self._follow(self._owner)
        if name in self._table.c:
            return self._table.c[name]
        relation = relations_of(self._model).get(name)
        if relation is None or relation.many:
            raise UnknownNameError(name)
        return _RelatedRow(self._model, self._table, relation)

    def _follow(self, path: str) -> Any:
        if not path:
            msg = "owner"
            raise UnknownNameError(msg)
        value: Any = self
        for part in path.split("."):
            value = getattr(value, part)
        return value


class _RelatedRow:
    """The row at the other end of a to-one relation: each of its columns is a scalar sub-select."""

    def __init__(self, model: type, table: FromClause, relation: Relation) -> None:
        mapper: Mapper[Any] = inspect(model)
        self._target_model = mapper.relationships[relation.name].mapper.class_
        self._alias = relation.target.alias()
        self._condition: ColumnElement[bool] = self._alias.c[relation.remote.name] == table.c[relation.local.name]

    def __getattr__(self, name: str) -> Any:
        inner = getattr(SymbolicRow(self._target_model, self._alias), name)
        if isinstance(inner, _RelatedRow):
            inner._condition = inner._condition & self._condition  # noqa: SLF001 # the same class
            msg = f"{name}: only one relation can be followed here"
            raise UnknownNameError(msg)
        return select(inner).where(self._condition).scalar_subquery()
