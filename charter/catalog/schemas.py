"""The strict pydantic models of one resource: what a create, a replace and an update take, and what a read shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, create_model
from pydantic import Field as PydanticField

from charter.catalog.entry import Entry, Field, Schemas
from charter.declare import Input

BodyKind = Literal["create", "replace", "update"]

_EXAMPLES: Mapping[str, Any] = {
    "integer": 1,
    "number": 1.5,
    "money": 1999,
    "boolean": True,
    "uuid": "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10",
    "time": "2026-11-22T20:52:13.762773Z",
    "date": "2026-11-22",
    "json": {},
}
"""An example value for each kind of field, for the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the models of one resource are made from."""

    name: str
    fields: Mapping[str, Field]
    inputs: Mapping[str, Input]


def make_schemas(name: str, fields: Mapping[str, Field], inputs: Mapping[str, Input]) -> Schemas:
    """The four models of the resource whose class is called `name`."""
    parts = _Parts(name, fields, inputs)
    return Schemas(
        create=_write_model(parts, "Create", {"always", "create", "granted"}),
        replace=_write_model(parts, "Replace", {"always", "granted"}),
        update=_update_model(parts),
        read=_read_model(parts),
    )


def example_of(field: Field) -> Any:
    """A value that `field` could have, for documentation."""
    if field.choices:
        return field.choices[0]
    if field.kind == "text":
        return _text_example(field)
    low, _ = field.bounds
    return max(_EXAMPLES[field.kind], low) if low is not None else _EXAMPLES[field.kind]


def _text_example(field: Field) -> str:
    known = {"email": "ada@example.org", "phone": "+4915112345678", "slug": "a-good-name", "image_url": "/images/1.jpg"}
    return known.get(field.name, field.name.replace("_", " ").capitalize()[: field.max_length])


def _write_model(parts: _Parts, suffix: str, kinds: set[str]) -> type[BaseModel]:
    on: Literal["create", "update"] = "create" if suffix == "Create" else "update"
    members: dict[str, Any] = {}
    for field in parts.fields.values():
        if field.write in kinds and not field.hidden and field.column is not None:
            annotation = field.type | None if field.nullable else field.type
            members[field.name] = (annotation, _info(field, **_default(field)))
    for item in parts.inputs.values():
        if on in item.on:
            required = item.required and suffix == "Create"
            members[item.name] = _input(item, required=required)
    return _model(f"{parts.name}{suffix}", parts, members)


def _update_model(parts: _Parts) -> type[BaseModel]:
    members: dict[str, Any] = {}
    for field in parts.fields.values():
        if field.write in {"always", "granted"} and not field.hidden and field.column is not None:
            annotation = field.type | None if field.nullable else field.type
            members[field.name] = (annotation, _info(field, default_factory=_nothing))
    for item in parts.inputs.values():
        if "update" in item.on:
            members[item.name] = _input(item, required=False)
    return _model(f"{parts.name}Update", parts, members)


def _read_model(parts: _Parts) -> type[BaseModel]:
    """Only ``id`` is always there: rules and ``fields=`` may leave out the others."""
    members: dict[str, Any] = {}
    for field in parts.fields.values():
        if not field.hidden:
            annotation = field.type | None if field.nullable else field.type
            members[field.name] = (
                annotation,
                _info(field, **({} if field.name == "id" else {"default_factory": _nothing})),
            )
    return _model(parts.name, parts, members)


def _nothing() -> None:
    """A default that the JSON schema does not show; what is unset is never written."""


def _default(field: Field) -> dict[str, Any]:
    if field.required:
        return {}
    if field.default_factory is not None:
        return {"default_factory": field.default_factory}
    return {"default": field.default}


def _info(field: Field, **default: Any) -> Any:
    return PydanticField(description=field.description or None, **default)


def _input(item: Input, *, required: bool) -> tuple[Any, Any]:
    factory: dict[str, Callable[[], None]] = {} if required else {"default_factory": _nothing}
    return item.type, PydanticField(description=item.description or None, **factory)  # type: ignore[call-overload] # a plain default factory


def _model(name: str, parts: _Parts, members: dict[str, Any]) -> type[BaseModel]:
    example = {key: example_of(parts.fields[key]) for key in members if key in parts.fields}
    example |= {key: _input_example(parts.inputs[key]) for key in members if key in parts.inputs}
    config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"example": example}, hide_input_in_errors=True)
    model: type[BaseModel] = create_model(name, __config__=config, **members)
    return model


def _input_example(item: Input) -> Any:
    bare = get_args(item.type)[0] if get_origin(item.type) is not None else item.type
    return "correct horse battery" if bare is str else 1


@lru_cache(maxsize=1024)
def body_model(entry: Entry, kind: BodyKind, allowed: frozenset[str]) -> type[BaseModel]:
    """What a write of `kind` takes from a caller who may set `allowed`: a field outside is as unknown as any other."""
    whole: type[BaseModel] = getattr(entry.schemas, kind)
    fields = {name: field for name, field in entry.fields.items() if name in allowed}
    inputs = {name: item for name, item in entry.inputs.items() if name in allowed}
    if whole.model_fields.keys() <= allowed:
        return whole
    narrowed: type[BaseModel] = getattr(make_schemas(entry.title, fields, inputs), kind)
    return narrowed
