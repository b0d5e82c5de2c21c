"""The one way that REST, admin and scripts share: decision -> parameters -> plan -> query -> store."""

from charter.serve.abilities import FIELDED, doors_of
from charter.serve.actions import act, deed
from charter.serve.aggregates import Groups, aggregate_rows
from charter.serve.doors import decide, reach, read_lens
from charter.serve.imports import import_rows
from charter.serve.plans import Parameters, compile_parameters
from charter.serve.reads import Found, list_rows, parse_id, read_row
from charter.serve.together import MOST_TOLD, Refusal, write_together
from charter.serve.writes import Step, Written, alteration, change_row, create_row, delete_row, deletion

__all__ = [
    "FIELDED",
    "MOST_TOLD",
    "Found",
    "Groups",
    "Parameters",
    "Refusal",
    "Step",
    "Written",
    "act",
    "aggregate_rows",
    "alteration",
    "change_row",
    "compile_parameters",
    "create_row",
    "decide",
    "deed",
    "delete_row",
    "deletion",
    "doors_of",
    "import_rows",
    "list_rows",
    "parse_id",
    "reach",
    "read_lens",
    "read_row",
    "write_together",
]
