"""Request bodies: JSON bytes -> a validated model, or every reason why not, without repeating what was sent."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from charter.errors import BadRequestException, FieldError, UnsupportedMediaTypeException, ValidationException

M = TypeVar("M", bound=BaseModel)

_PLAIN: Mapping[str, str] = {
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "extra_forbidden": "is not a field that this request can set",
    "missing": "is required",
    "model_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "dict_type": "must be a JSON object",
    "json_type": "must be JSON",
}
"""Details in our words where pydantic's would repeat a part of the input or speak of Python."""


def check_media_type(content_type: str | None) -> None:
    """Refuse (415) a body that says it is something other than JSON."""
    media = (content_type or "application/json").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise UnsupportedMediaTypeException("The body must be application/json.")


def read_body(model: type[M], raw: bytes) -> M:
    """`raw` as an instance of `model`: 400 where it is not JSON, 422 with all field errors where it does not fit."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise body_error(found) from None


def body_error(found: Sequence[Any]) -> BadRequestException | ValidationException:
    """Pydantic's findings about a body as the one refusal they amount to."""
    if any(str(item["type"]).startswith("json_invalid") for item in found):
        return BadRequestException("The body is not valid JSON.", code="malformed_json")
    return ValidationException("The body is not valid.", errors=field_errors(found))


def field_errors(found: Sequence[Any]) -> list[FieldError]:
    """One entry for each of pydantic's findings, with an RFC 6901 pointer."""
    return [FieldError(pointer(item["loc"]), str(item["type"]), _detail(item)) for item in found]


def pointer(location: Sequence[Any]) -> str:
    """``("items", 0, "a/b")`` -> ``/items/0/a~1b``; a key from the client is cut, and unprintable characters go."""
    parts = ("".join(char if char.isprintable() else "?" for char in str(part)[:100]) for part in location)
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _detail(item: Any) -> str:
    kind = str(item["type"])
    if kind in _PLAIN:
        return _PLAIN[kind]
    text = str(item["msg"])
    for start, ours in (("Input should be ", "must be "), ("Value error, ", ""), ("String should ", "must ")):
        if text.startswith(start):
            return ours + text.removeprefix(start)
    return text[:1].lower() + text[1:]
