"""The one way that REST, admin and scripts share: decision -> parameters -> plan -> query -> store."""

from charter.serve.actions import act
from charter.serve.doors import decide, reach, read_lens
from charter.serve.reads import Found, Parameters, compile_parameters, list_rows, parse_id, read_row
from charter.serve.writes import Written, change_row, create_row, delete_row

__all__ = [
    "Found",
    "Parameters",
    "Written",
    "act",
    "change_row",
    "compile_parameters",
    "create_row",
    "decide",
    "delete_row",
    "list_rows",
    "parse_id",
    "reach",
    "read_lens",
    "read_row",
]
