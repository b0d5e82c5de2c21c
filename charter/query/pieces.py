"""The pieces of SQL that turn a row into JSON inside the database, alike on SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class JsonObject(FunctionElement[Any]):
    """``name, value, name, value, …`` as one JSON object."""

    name = "json_members"
    inherit_cache = True


class JsonText(FunctionElement[str]):
    """A JSON value as the text that leaves the database."""

    name = "json_text"
    type = String()
    inherit_cache = True


class JsonInner(FunctionElement[Any]):
    """A JSON value from a sub-select, inside another one (SQLite forgets on the way that it is JSON)."""

    name = "json_inner"
    inherit_cache = True


class JsonList(FunctionElement[Any]):
    """All values of a column of JSON, as one JSON array; no rows give an empty one."""

    name = "json_list"
    inherit_cache = True


class JsonBoolean(FunctionElement[Any]):
    """A boolean as JSON ``true`` or ``false`` (SQLite keeps 1 and 0)."""

    name = "json_boolean"
    inherit_cache = True


class JsonTime(FunctionElement[Any]):
    """A moment in the API's form; SQLite keeps it so already."""

    name = "json_time"
    inherit_cache = True


class JsonNumber(FunctionElement[Any]):
    """A floating point number that reads back as the same one (SQLite itself writes 15 digits)."""

    name = "json_number"
    inherit_cache = True


class JsonDocument(FunctionElement[Any]):
    """A kept JSON document as JSON, not as a text."""

    name = "json_document"
    inherit_cache = True


def _inner(element: FunctionElement[Any], compiler: SQLCompiler, **keywords: Any) -> str:
    return compiler.process(element.clauses, **keywords)


@compiles(JsonObject, "sqlite")
def _object_sqlite(element: JsonObject, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json_object({_inner(element, compiler, **keywords)})"


@compiles(JsonObject, "postgresql")
def _object_postgresql(element: JsonObject, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json_build_object({_inner(element, compiler, **keywords)})"


@compiles(JsonText, "postgresql")
def _text_postgresql(element: JsonText, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"{_inner(element, compiler, **keywords)}::text"


@compiles(JsonInner, "sqlite")
def _inner_sqlite(element: JsonInner, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json({_inner(element, compiler, **keywords)})"


@compiles(JsonList, "sqlite")
def _list_sqlite(element: JsonList, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json_group_array(json({_inner(element, compiler, **keywords)}))"


@compiles(JsonList, "postgresql")
def _list_postgresql(element: JsonList, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"coalesce(json_agg({_inner(element, compiler, **keywords)}), '[]'::json)"


@compiles(JsonBoolean, "sqlite")
def _boolean_sqlite(element: JsonBoolean, compiler: SQLCompiler, **keywords: Any) -> str:
    value = _inner(element, compiler, **keywords)
    return f"CASE WHEN {value} IS NULL THEN NULL WHEN {value} THEN json('true') ELSE json('false') END"


@compiles(JsonBoolean, "postgresql")
@compiles(JsonNumber, "postgresql")
@compiles(JsonText, "sqlite")
@compiles(JsonInner, "postgresql")
@compiles(JsonTime, "sqlite")
@compiles(JsonDocument, "postgresql")
def _as_it_is(element: FunctionElement[Any], compiler: SQLCompiler, **keywords: Any) -> str:
    return _inner(element, compiler, **keywords)


@compiles(JsonNumber, "sqlite")
def _number_sqlite(element: JsonNumber, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json(number_text({_inner(element, compiler, **keywords)}))"


@compiles(JsonTime, "postgresql")
def _time_postgresql(element: JsonTime, compiler: SQLCompiler, **keywords: Any) -> str:
    value = _inner(element, compiler, **keywords)
    return f"""to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@compiles(JsonDocument, "sqlite")
def _document_sqlite(element: JsonDocument, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json({_inner(element, compiler, **keywords)})"


WRAPPERS: dict[str, type[FunctionElement[Any]]] = {
    "boolean": JsonBoolean,
    "number": JsonNumber,
    "time": JsonTime,
    "json": JsonDocument,
}
"""What a field of a kind is wrapped in on its way into JSON; other kinds go as they are."""
