"""What a table class is written with: `Table`, `Field`, `Relationship`, and the marks that a field carries.

A mark is kept on the column (``Column.info``), so that `catalog` finds everything about a field in one place.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

import sqlmodel
from pydantic_core import PydanticUndefined
from sqlalchemy.orm import declared_attr
from sqlmodel import Relationship, SQLModel
from sqlmodel.main import FieldInfoMetadata

from charter.types import Identifier, Instant, Text, json_type, utc_now, uuid7

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Write = Literal["always", "create", "granted", "never"]
"""Who may set a field over HTTP: any allowed write; only a create; only where a policy rule names it; nobody."""

MARKS = "charter"


@dataclass(frozen=True, slots=True)
class Marks:
    """What `Field` was told beyond SQLModel's own words."""

    write: Write = "always"
    hidden: bool = False
    unique: bool = False
    slug_of: str = ""


def Field(  # noqa: N802 # the name that SQLModel and pydantic users know
    default: Any = PydanticUndefined,
    *,
    default_factory: Callable[[], Any] | None = None,
    write: Write = "always",
    hidden: bool = False,
    unique: bool = False,
    foreign_key: str | None = None,
    on_delete: Literal["CASCADE", "SET NULL", "RESTRICT"] | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    ge: int | None = None,
    le: int | None = None,
    description: str | None = None,
) -> Any:
    """A column of a :class:`Table`.

    ``write`` says who may set it (see :data:`Write`); ``hidden`` fields never leave the database by any door;
    ``unique`` holds among the rows that are not softly deleted. Lengths and bounds are enforced by the schemas and,
    as CHECK constraints, by the database.
    """
    given = {
        "foreign_key": foreign_key,
        "ondelete": on_delete,
        "min_length": min_length,
        "max_length": max_length,
        "ge": ge,
        "le": le,
        "description": description,
        "default_factory": default_factory,
    }
    marks = Marks(write=write, hidden=hidden, unique=unique)
    return _field(default, marks, {key: value for key, value in given.items() if value is not None})


def _field(default: Any, marks: Marks, given: dict[str, Any]) -> Any:
    if "default_factory" not in given:
        given["default"] = default
    return sqlmodel.Field(**given, sa_column_kwargs={"info": {MARKS: marks}})


def from_field(name: str) -> Any:
    """A unique slug made from the field `name` when a row is created; it stays when that field changes later."""
    marks = Marks(write="never", unique=True, slug_of=name)
    return _field("", marks, {"description": f"Made from {name} when the row is created; it never changes."})


def snake_case(name: str) -> str:
    """``BlogPost`` -> ``blog_post``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _column_type(annotation: Any) -> Any:
    """The column of an id, a time, a ``Literal``, ``dict`` or ``list``, optional or not; None where SQLModel's will do.

    Ids and times have theirs from the start, since mappers that are configured early would compare a reference with an
    id of another type, and take the long way round to each related row.
    """
    options = [option for option in get_args(annotation) if option is not NoneType]
    if get_origin(annotation) in {Union, UnionType} and len(options) == 1:
        return _column_type(options[0])
    kind = get_origin(annotation) or annotation
    if kind is Annotated:
        return _column_type(options[0])
    if kind in {dict, list}:
        return json_type()
    made = {Literal: Text, UUID: Identifier, datetime: Instant}.get(kind)
    return made() if made else None


class Table(SQLModel):
    """The base of every table class: an id that sorts by time, and the times of making and last change."""

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 # SQLAlchemy calls it with the class
        return snake_case(cls.__name__)

    @classmethod
    def __pydantic_init_subclass__(cls, **keywords: Any) -> None:
        """Give fields the columns that SQLModel has not: of ids, times, ``Literal`` words and documents."""
        super().__pydantic_init_subclass__(**keywords)
        for info in cls.model_fields.values():
            found = _column_type(info.annotation)
            if found is not None:
                marks = [item for item in info.metadata if isinstance(item, FieldInfoMetadata)]
                if not marks:
                    marks.append(FieldInfoMetadata())
                    info.metadata.append(marks[0])
                if marks[0].sa_type is PydanticUndefined:
                    marks[0].sa_type = found

    id: UUID = sqlmodel.Field(
        default_factory=uuid7,
        primary_key=True,
        sa_type=Identifier,
        description="UUID, version 7: sorts by the time of creation.",
        sa_column_kwargs={"info": {MARKS: Marks(write="never")}},
    )
    created_at: datetime = sqlmodel.Field(
        default_factory=utc_now,
        sa_type=Instant,
        description="When the row was made (UTC).",
        sa_column_kwargs={"info": {MARKS: Marks(write="never")}},
    )
    updated_at: datetime = sqlmodel.Field(
        default_factory=utc_now,
        sa_type=Instant,
        description="When the row was last changed (UTC).",
        sa_column_kwargs={"info": {MARKS: Marks(write="never")}},
    )


__all__ = ["MARKS", "Field", "Marks", "Relationship", "Table", "Write", "from_field", "snake_case"]
