"""Reads a table class into fields: the only place that looks at ORM metadata and pydantic's field information."""

import enum
from collections.abc import Mapping
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import Field as PydanticField
from pydantic import StringConstraints, WithJsonSchema
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sqlalchemy import Column, Table, null
from sqlmodel.main import FieldInfoMetadata

from charter.catalog.entry import Field, Kind
from charter.declare import Computed
from charter.table import MARKS, Marks
from charter.types import Amount, CleanDocument, CleanText, Day, Moment

JSON_SAFE = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly (RFC 8259, section 6): the bound where none is declared."""


class UnsupportedTypeError(TypeError):
    """A column's annotation has no storage form here."""


def fields_of(model: Any, table: Table) -> dict[str, Field]:
    """Every column of `model` as a compiled field, in the order of its declaration (base fields last)."""
    infos: dict[str, FieldInfo] = model.model_fields
    base = [name for name in ("created_at", "updated_at") if name in infos]
    names = ["id", *(name for name in infos if name not in {"id", *base}), *base]
    return {name: _field(name, infos[name], table.c[name]) for name in names if name in table.c}


def computed_field(item: Computed, expression: Any) -> Field:
    """A field that SQL computes; nobody writes it."""
    plain, nullable = split_optional(item.type)
    kind, annotation, _ = _typed(item.name, plain, metadata=())
    if kind == "money":
        annotation = Amount
    return Field(
        name=item.name,
        kind=kind,
        type=annotation,
        nullable=nullable,
        required=False,
        write="never",
        hidden=False,
        description=item.description,
        expression=expression,
        choices=_choices(plain),
    )


def body_field(name: str, info: FieldInfo) -> Field:
    """A value of a body, as a field that no column keeps; UnsupportedTypeError where it is of no kind of column."""
    plain, nullable = split_optional(info.annotation)
    kind, annotation, metadata = _typed(name, plain, metadata=tuple(info.metadata))
    return Field(
        name=name,
        kind=kind,
        type=annotation,
        nullable=nullable,
        required=info.is_required(),
        write="always",
        hidden=False,
        description=info.description or "",
        expression=null(),
        default=_plain_default(info),
        default_factory=info.default_factory,  # type: ignore[arg-type] # as below
        max_length=_found(metadata, MaxLen, "max_length"),
        min_length=_found(metadata, MinLen, "min_length"),
        bounds=(_found(metadata, Ge, "ge"), _found(metadata, Le, "le")),
        choices=_choices(plain),
    )


def split_optional(annotation: Any) -> tuple[Any, bool]:
    """``X | None`` -> (X, True); anything else -> (itself, False)."""
    if get_origin(annotation) in {Union, UnionType}:
        rest = [arg for arg in get_args(annotation) if arg is not NoneType]
        if len(rest) == 1:
            return rest[0], True
    return annotation, False


def _field(name: str, info: FieldInfo, column: Column[Any]) -> Field:
    marks = column.info.get(MARKS, Marks())
    plain, _ = split_optional(info.annotation)
    kind, annotation, metadata = _typed(name, plain, metadata=tuple(info.metadata))
    has_default = info.default is not PydanticUndefined or info.default_factory is not None
    return Field(
        name=name,
        kind=kind,
        type=annotation,
        nullable=bool(column.nullable),
        required=not has_default and not column.nullable,
        write=marks.write,
        hidden=marks.hidden,
        description=info.description or "",
        expression=column,
        column=column,
        default=_plain_default(info),
        default_factory=info.default_factory,  # type: ignore[arg-type] # pydantic also allows one with an argument
        unique=marks.unique,
        slug_of=marks.slug_of,
        max_length=_found(metadata, MaxLen, "max_length"),
        min_length=_found(metadata, MinLen, "min_length"),
        bounds=(_found(metadata, Ge, "ge"), _found(metadata, Le, "le")),
        choices=_choices(plain),
    )


def _plain_default(info: FieldInfo) -> Any:
    value = None if info.default is PydanticUndefined else info.default
    return value.value if isinstance(value, enum.Enum) else value


def _choices(annotation: Any) -> tuple[str, ...]:
    bare = _bare(annotation)
    if get_origin(bare) is Literal:
        return tuple(str(choice) for choice in get_args(bare))
    return tuple(str(member.value) for member in bare) if _is(bare, enum.Enum) else ()


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is(annotation: Any, cls: type) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, cls)


def _typed(name: str, annotation: Any, metadata: tuple[Any, ...]) -> tuple[Kind, Any, tuple[Any, ...]]:
    """The kind, the annotation for schemas and the flat metadata of one column."""
    nested = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    flat = tuple(_flatten((*nested, *metadata)))
    bare = _bare(annotation)
    kind = _kind(name, bare, flat)
    if kind == "time":
        return kind, Moment, flat
    added = _ADDED.get(kind, ())
    if kind == "integer":
        added = _missing_bounds(flat, (PydanticField(ge=-JSON_SAFE, le=JSON_SAFE),))
    base = Day if kind == "date" else bare
    return kind, Annotated[(base, *flat, *added)] if flat or added else base, flat


_ADDED: Mapping[Kind, tuple[Any, ...]] = {
    "text": (CleanText,),
    "json": (CleanDocument,),
    "number": (PydanticField(allow_inf_nan=False),),
}
"""What a kind asks for beyond its annotation."""


def _missing_bounds(flat: tuple[Any, ...], default: tuple[Any, ...]) -> tuple[Any, ...]:
    """Bounds that are not declared: pydantic keeps the tightest, the JSON schema shows the declared ones."""
    has_low = _found(flat, Ge, "ge") is not None
    has_high = _found(flat, Le, "le") is not None
    if has_low and has_high:
        return ()
    if has_low:
        return (Le(JSON_SAFE),)
    return (Ge(-JSON_SAFE),) if has_high else default


def _flatten(metadata: tuple[Any, ...]) -> list[Any]:
    """Metadata without SQLModel's own, with pydantic's grouped constraints taken apart."""
    flat: list[Any] = []
    for item in metadata:
        if isinstance(item, FieldInfoMetadata):
            continue
        if isinstance(item, FieldInfo):
            flat.extend(_flatten(tuple(item.metadata)))
        elif isinstance(item, StringConstraints):
            flat.extend(part for part in item)  # it iterates over the constraints that are set
        else:
            flat.append(item)
    return flat


def _found(metadata: tuple[Any, ...], cls: type, attribute: str) -> int | None:
    values = [getattr(item, attribute) for item in metadata if isinstance(item, cls)]
    return values[-1] if values else None


_KINDS: tuple[tuple[type, Kind], ...] = (
    (enum.Enum, "enum"),
    (bool, "boolean"),
    (int, "integer"),
    (float, "number"),
    (str, "text"),
    (UUID, "uuid"),
    (datetime, "time"),
    (date, "date"),
    (dict, "json"),
    (list, "json"),
)


def _kind(name: str, bare: Any, flat: tuple[Any, ...]) -> Kind:
    if any(isinstance(item, WithJsonSchema) and (item.json_schema or {}).get("format") == "money" for item in flat):
        return "money"
    origin = get_origin(bare) or bare
    if origin is Literal and all(isinstance(choice, str) for choice in get_args(bare)):
        return "enum"
    for cls, kind in _KINDS:
        if _is(origin, cls):
            return kind
    if getattr(bare, "__name__", "") == "EmailStr":
        return "text"
    msg = f"{name} has the type {bare!r}, which has no storage form"
    raise UnsupportedTypeError(msg)


__all__ = ["UnsupportedTypeError", "body_field", "computed_field", "fields_of", "split_optional"]
