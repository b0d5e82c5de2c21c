"""Slips that people and programs make in a policy, each with what has to be told about it: the corpus of the loader.

``slip`` is one line behind a sound one, ``file`` a whole file. What is expected was written by hand, not printed by the
loader; column 1 is a line's first character.
"""

from dataclasses import dataclass

from charter.access import Noun, Vocabulary

NOTES = Noun(
    actions=("list", "read", "create", "update", "delete", "pin"),
    readable=frozenset({"id", "title", "body", "pinned"}),
    creatable=frozenset({"title", "body", "folder"}),
    updatable=frozenset({"title", "body"}),
    granted=frozenset({"pinned"}),
    scopes=frozenset({"own", "shared"}),
)
FOLDERS = Noun(("list", "read"), frozenset({"id", "name"}), scopes=frozenset({"own"}), always=frozenset({"id"}))
NOUNS = {"notes": NOTES, "folders": FOLDERS, "console": Noun(("access",))}
WORDS = Vocabulary(("guest", "reader", "editor", "chief"), NOUNS, frozenset({"own", "shared"}))
RULE = "p, guest, notes, list, any, *\n"
LINKS = "g, reader, guest\ng, editor, reader\ng, chief, editor\n"


@dataclass(frozen=True, slots=True)
class Slip:
    """One file with one mistake: its bytes, the place and the code that are told, and a part of what is said.

    ``also`` are the codes of errors that the same mistake truly earns beside.
    """

    name: str
    data: bytes
    place: str
    code: str
    says: str
    also: tuple[str, ...] = ()


def file(name: str, data: bytes | str, place: str, code: str, says: str, *also: str) -> Slip:
    """A slip that is about the whole file."""
    return Slip(name, data if isinstance(data, bytes) else data.encode(), place, code, says, also)


def slip(name: str, line: str, place: str, code: str, says: str, *also: str) -> Slip:
    """A slip in the second line."""
    return file(name, f"{RULE}{line}\n", place, code, says, *also)


WHOLE_FILES = (
    file("latin-1", b"# caf\xc3\xa9\n" + RULE.encode() + b"p, gu\xe9st\n", "3:6", "policy_encoding", "as UTF-8"),
    file("UTF-16 with its mark", RULE.encode("utf-16"), "1:1", "policy_encoding", "as UTF-8"),
    file("UTF-16, little end first", RULE.encode("utf-16-le"), "1:1", "policy_encoding", "as UTF-8"),
    file("UTF-16, big end first", RULE.encode("utf-16-be"), "1:1", "policy_encoding", "as UTF-8"),
    file("UTF-32", RULE.encode("utf-32-le"), "1:1", "policy_encoding", "as UTF-8"),
    file("cut inside a letter", (RULE + "# caf\u00e9").encode()[:-1], "2:6", "policy_encoding", "as UTF-8"),
    file("a byte order mark", b"\xef\xbb\xbf" + RULE.encode(), "1:1", "policy_bom", "without BOM"),
    file("a byte order mark alone", b"\xef\xbb\xbf", "1:1", "policy_bom", "without BOM"),
    file(
        "carriage returns alone",
        (RULE * 2).replace("\n", "\r"),
        "1:30",
        "policy_line_ending",
        "with a line feed",
        "policy_duplicate",
    ),
    file("one carriage return", RULE.replace("\n", "\r") + "# next\n", "1:30", "policy_line_ending", "a line feed"),
    file("two carriage returns", RULE.replace("\n", "\r\r\n"), "1:30", "policy_line_ending", "a line feed"),
    file(
        "cut between the two",
        RULE + RULE.replace("list", "read").replace("\n", "\r"),
        "2:30",
        "policy_line_ending",
        "with a line feed",
    ),
    file(
        "cut in a field list",
        RULE + "p, guest, notes, read, any, -body|-pinned"[:-8],
        "2:34",
        "policy_truncated",
        "End the file with a line feed.",
    ),
    file(
        "cut in a field list of names",
        RULE + "p, guest, notes, read, any, id|title"[:-6],
        "2:31",
        "policy_truncated",
        "half written",
    ),
    file(
        "cut in a word",
        RULE + "p, guest, notes, read, any, *"[:-10],
        "2:20",
        "policy_field_count",
        "4 values",
        "policy_truncated",
    ),
    file("cut before the line feed", RULE + RULE.replace("list", "read")[:-1], "2:30", "policy_truncated", "line feed"),
    file(
        "cut in an inheritance",
        RULE + LINKS + "g, chief, gues",
        "5:11",
        "policy_unknown_role",
        "'guest'",
        "policy_truncated",
    ),
    file("cut in a comment", RULE + "# no", "2:5", "policy_truncated", "line feed"),
    file("cut in the blanks", RULE + "  ", "2:3", "policy_truncated", "line feed"),
    file("nothing", "", "1:1", "policy_empty", "no rule"),
    file("nothing but a comment", "\n# p, guest, notes, list, any, *\n\n", "1:1", "policy_empty", "no rule"),
    file("nothing but blanks", " \t\n\n", "1:1", "policy_empty", "no rule"),
    file("nothing but inheritance", LINKS, "1:1", "policy_empty", "no rule"),
    file("the header of an export", f"ptype,v0,v1,v2,v3,v4\n{RULE}", "1:1", "policy_section", "begins with p"),
    file("a merge with both versions", f"<<<<<<< ours\n{RULE}", "1:1", "policy_section", "keep one of them"),
)

UNSEEN = (
    slip("a zero-width space", "p, gu\u200best, notes, read, any, *", "2:6", "policy_invisible", "(zero width space)"),
    slip("a zero-width joiner", "p, guest, not\u200des, read, any, *", "2:14", "policy_invisible", "U+200D"),
    slip("a soft hyphen", "p, guest, notes, re\u00adad, any, *", "2:20", "policy_invisible", "(soft hyphen)"),
    slip("a mark inside the file", "\ufeffp, guest, notes, read, any, *", "2:1", "policy_invisible", "U+FEFF"),
    slip("writing from right to left", "p, guest, notes, read, any, \u202etitle", "2:29", "policy_invisible", "U+202E"),
    slip("a NUL", "p, guest\x00, notes, read, any, *", "2:9", "policy_invisible", "U+0000"),
    slip("a vertical tab", "# a comment\x0bp, guest, notes, read, any, *", "2:12", "policy_invisible", "U+000B"),
    slip("a line separator", "# a comment\u2028p, guest, notes, read, any, *", "2:12", "policy_invisible", "U+2028"),
    slip("a next line", "# a comment\x85p, guest, notes, read, any, *", "2:12", "policy_invisible", "U+0085"),
    slip("a non-breaking space", "p, guest\u00a0, notes, read, any, *", "2:4", "policy_unknown_role", "U+00A0"),
    slip("a non-breaking space alone", "\u00a0", "2:1", "policy_section", r"'\xa0'"),
    slip(
        "a Cyrillic letter",
        "p, guest, notes, read, \u0430ny, *",
        "2:24",
        "policy_unknown_scope",
        "'any', without U+0430 (cyrillic small letter a)",
    ),
    slip("a wide letter", "p, gues\uff54, notes, read, any, *", "2:4", "policy_unknown_role", "without U+FF54"),
)

SHAPES = (
    slip("a great P", "  P, guest, notes, read, any, *", "2:3", "policy_section", "Perhaps you meant 'p'."),
    slip("a great G", "G, reader, guest", "2:1", "policy_section", "Perhaps you meant 'g'."),
    slip("a second kind of rule", "p2, guest, notes, read, any, *", "2:1", "policy_section", "Perhaps you meant 'p'."),
    slip("a second kind of role", "g2, reader, guest", "2:1", "policy_section", "Perhaps you meant 'g'."),
    slip("a doubled p", "pp, guest, notes, read, any, *", "2:1", "policy_section", "Perhaps you meant 'p'."),
    slip("another letter", "q, guest, notes, read, any, *", "2:1", "policy_section", "p, g"),
    slip("a whole word", "permit, guest, notes, read, any, *", "2:1", "policy_section", "A rule begins with p"),
    slip("no comma behind the p", "p guest, notes, read, any, *", "2:1", "policy_section", "by commas"),
    slip("tabs for commas", "p\tguest\tnotes\tread\tany\t*", "2:1", "policy_section", "by commas"),
    slip("a wide comma", "p\uff0c guest, notes, read, any, *", "2:1", "policy_section", "by commas"),
    slip("bars for commas", "p | guest | notes | read | any | *", "2:1", "policy_section", "by commas"),
    slip("no p at all", "guest, notes, read, any, *", "2:1", "policy_section", "A rule begins with p"),
    slip("a row number", "1, p, guest, notes, read, any, *", "2:1", "policy_section", "p, g"),
    slip("a lone comma", ",", "2:1", "policy_section", "p, g"),
    slip("a comma in front", ", p, guest, notes, read, any, *", "2:1", "policy_section", "p, g"),
    slip("an open bracket", "[x", "2:1", "policy_section", "'[x'"),
    slip("a closed bracket", "]", "2:1", "policy_section", "']'"),
    slip("a section of a model", "[policy_definition]", "2:1", "policy_section", "A rule begins with p"),
    slip("a comment of another language", "// who may read", "2:1", "policy_section", "A comment begins with #."),
    slip("a comment of a model", "; who may read", "2:1", "policy_separator", "A comment begins with #."),
    slip("semicolons", "p; guest; notes; read; any; *", "2:2", "policy_separator", "by commas"),
    slip("a semicolon at the end", "p, guest, notes, read, any, *;", "2:30", "policy_separator", "by commas"),
    slip("quotes", 'p, "guest", "notes", read, any, *', "2:4", "policy_quote", "without them"),
    slip("a quoted line", '"p, guest, notes, read, any, *"', "2:1", "policy_quote", "without them"),
    slip("single quotes", "p, 'guest', notes, read, any, *", "2:4", "policy_quote", "without them"),
    slip("a trailing comment", "p, guest, notes, read, any, * # so", "2:31", "policy_comment", "line of its own"),
    slip("a comment behind a comma", "p, guest, notes, read, any, *, # so", "2:32", "policy_comment", "of its own"),
    slip("a comment behind a link", "g, reader, guest # so", "2:18", "policy_comment", "line of its own"),
    slip("one value too few", "p, guest, notes, read, any", "2:27", "policy_field_count", "5 values instead of 6"),
    slip("the plain form of Casbin", "p, guest, notes, read", "2:22", "policy_field_count", "Write: p, role, resource"),
    slip("an effect", "p, guest, notes, read, any, *, allow", "2:32", "policy_field_count", "Leave 'allow' out"),
    slip("an effect, in great", "p, guest, notes, read, Deny", "2:28", "policy_field_count", "Leave 'Deny' out"),
    slip("a trailing comma", "p, guest, notes, read, any, *,", "2:31", "policy_field_count", "7 values instead of 6"),
    slip("commas in a field list", "p, guest, notes, read, any, id, title", "2:33", "policy_field_count", "7 values"),
    slip("two rules in one line", "p, guest, notes, read, any, *, p, guest", "2:32", "policy_field_count", "8 values"),
    slip("a link to nobody", "g, reader", "2:10", "policy_field_count", "Write: g, role, inherited role."),
    slip("a link to two", "g, editor, reader, guest", "2:20", "policy_field_count", "4 values instead of 3"),
    slip("a letter alone", "p", "2:2", "policy_field_count", "1 values instead of 6"),
    slip("an empty value", "p, guest, , read, any, *", "2:11", "policy_empty_field", "resource"),
    slip("an empty value at the end", "p, guest, notes, read, any, ", "2:29", "policy_empty_field", "fields"),
    slip("an empty role", "g, , guest", "2:4", "policy_empty_field", "role"),
)

UNKNOWN = (
    slip("a misspelt role", "p, gest, notes, read, any, *", "2:4", "policy_unknown_role", "you meant 'guest'."),
    slip("a role in great", "p, Guest, notes, read, any, *", "2:4", "policy_unknown_role", "you meant 'guest'."),
    slip("a role with a prefix", "p, role:guest, notes, read, any, *", "2:4", "policy_unknown_role", "'guest'"),
    slip("a star for a role", "p, *, notes, read, any, *", "2:4", "policy_unknown_role", "Known here: guest, reader"),
    slip("a user for a role", "p, ann@example.com, notes, read, any, *", "2:4", "policy_unknown_role", "Known here"),
    slip("a blank inside a role", "p, gu est, notes, read, any, *", "2:4", "policy_unknown_role", "'guest'"),
    slip("a tab inside a role", "p, gu\test, notes, read, any, *", "2:4", "policy_unknown_role", r"'gu\test'"),
    slip("a long role", f"p, {'x' * 100_000}, notes, read, any, *", "2:4", "policy_unknown_role", "Known here: guest"),
    slip("a misspelt heir", "g, raeder, guest", "2:4", "policy_unknown_role", "you meant 'reader'."),
    slip("a misspelt parent", "g, reader, gast", "2:12", "policy_unknown_role", "you meant 'guest'."),
    slip("a misspelt resource", "p, guest, note, read, any, *", "2:11", "policy_unknown_resource", "meant 'notes'."),
    slip("a resource in great", "p, guest, NOTES, read, any, *", "2:11", "policy_unknown_resource", "meant 'notes'."),
    slip("a path for a resource", "p, guest, /notes, read, any, *", "2:11", "policy_unknown_resource", "'notes'."),
    slip("a pattern", "p, guest, /notes/*, read, any, *", "2:11", "policy_unknown_resource", "'notes'."),
    slip("a star for a resource", "p, guest, *, read, any, *", "2:11", "policy_unknown_resource", "notes, folders"),
    slip("a misspelt action", "p, guest, notes, reed, any, *", "2:18", "policy_unknown_action", "meant 'read'."),
    slip("an action in great", "p, guest, notes, Read, any, *", "2:18", "policy_unknown_action", "meant 'read'."),
    slip("a method", "p, guest, notes, GET, any, *", "2:18", "policy_unknown_action", "Known here: list, read"),
    slip("two actions", "p, guest, notes, list|read, any, *", "2:18", "policy_unknown_action", "on notes"),
    slip("the action of another", "p, guest, folders, pin, any, *", "2:20", "policy_unknown_action", "on folders"),
    slip("a misspelt rows word", "p, guest, notes, read, owm, *", "2:24", "policy_unknown_scope", "meant 'own'."),
    slip("a rows word in great", "p, guest, notes, read, ANY, *", "2:24", "policy_unknown_scope", "meant 'any'."),
    slip("a star for rows", "p, guest, notes, read, *, *", "2:24", "policy_unknown_scope", "meant 'any'."),
    slip("two rows words", "p, guest, notes, read, any|own, *", "2:24", "policy_unknown_scope", "one line for each"),
    slip("an effect for rows", "p, guest, notes, read, deny, *", "2:24", "policy_unknown_scope", "Known here: any"),
    slip("the rows word of another", "p, guest, folders, read, shared, *", "2:26", "policy_scope_unsatisfied", "own."),
    slip(
        "rows and fields exchanged",
        "p, guest, notes, read, *, any",
        "2:24",
        "policy_unknown_scope",
        "'any'",
        "policy_unknown_field",
    ),
)

FIELDS = (
    slip("a misspelt field", "p, guest, notes, read, any, id|titel", "2:32", "policy_unknown_field", "'title'."),
    slip("a field in great", "p, guest, notes, read, any, Title", "2:29", "policy_unknown_field", "meant 'title'."),
    slip("a misspelt exception", "p, guest, notes, read, any, -titel", "2:29", "policy_unknown_field", "'title'."),
    slip("a blank behind the minus", "p, guest, notes, read, any, - title", "2:29", "policy_unknown_field", "'title'."),
    slip("two minus", "p, guest, notes, read, any, --title", "2:29", "policy_unknown_field", "'title'."),
    slip("another minus", "p, guest, notes, read, any, \u2212title", "2:29", "policy_unknown_field", "(minus sign)"),
    slip("blanks for bars", "p, guest, notes, read, any, id title", "2:29", "policy_unknown_field", "'id title'"),
    slip("an unknown name that is ignored", "p, guest, notes, delete, any, nope", "2:31", "policy_unknown_field", "no"),
    slip("an unknown name for all actions", "p, guest, notes, *, any, nonsense", "2:26", "policy_unknown_field", "no"),
    slip("a bracket for a field", "p, guest, notes, read, any, [id", "2:29", "policy_unknown_field", "'id'."),
    slip("a field that is never shown", "p, guest, notes, read, any, folder", "2:29", "policy_unreadable_field", "'"),
    slip(
        "a field that is never set",
        "p, guest, notes, create, any, title|id",
        "2:37",
        "policy_unwritable_field",
        "'create' does not write 'id'",
    ),
    slip("a field of another write", "p, guest, notes, update, any, folder", "2:31", "policy_unwritable_field", "not"),
    slip("an exception among names", "p, guest, notes, read, any, title|-body", "2:35", "policy_field_list", "both"),
    slip("a name among exceptions", "p, guest, notes, read, any, -title|body", "2:36", "policy_field_list", "both"),
    slip("an empty name", "p, guest, notes, read, any, title||body", "2:35", "policy_field_list", "Write: *, or a|b"),
    slip("an empty exception", "p, guest, notes, read, any, -", "2:29", "policy_field_list", "Write: *, or a|b"),
    slip("a bar at the end", "p, guest, notes, read, any, title|", "2:35", "policy_field_list", "Write: *, or a|b"),
    slip("a star among names", "p, guest, notes, read, any, title|*", "2:35", "policy_field_list", "Write: *, or a|b"),
    slip("a name twice", "p, guest, notes, read, any, title|title", "2:35", "policy_field_list", "'title' is named"),
)

TOGETHER = (
    slip("a duplicate", "  p,guest,notes,list,any,*", "2:3", "policy_duplicate", "line 1"),
    slip("a link twice", "g, reader, guest\ng, reader, guest", "3:1", "policy_duplicate", "line 2"),
    slip("a circle of one", "g, reader, reader", "2:12", "policy_self", "itself"),
    slip("a circle of two", "g, reader, guest\ng, guest, reader", "3:11", "policy_cycle", "'reader' already inherits",
         "policy_upward"),
    slip("a circle of three", "g, reader, guest\ng, editor, reader\ng, guest, editor", "4:11", "policy_cycle", "circle",
         "policy_upward"),
    slip("upward", "g, reader, editor", "2:12", "policy_upward", "guest, reader, editor, chief"),
    slip("other rows, other fields", "p, guest, notes, read, own, *\np, guest, notes, read, shared, id", "3:32",
         "policy_mixed_fields", "Give both the same fields"),
)  # fmt: skip

WARNED = (
    slip("an exception without effect", "p, guest, folders, read, own, -id", "2:31", "policy_fields_ignored", "Delete"),
    slip(
        "fields that mean nothing", "p, guest, notes, delete, own, title", "2:31", "policy_fields_ignored", "Write: *."
    ),
    slip("a shadowed rule", "p, guest, notes, list, own, title", "2:1", "policy_shadowed", "see line 1"),
    slip("a redundant rule", "p, guest, notes, list, any, title", "2:1", "policy_redundant", "see line 1"),
    slip(
        "an heir's redundant rule", "g, reader, guest\np, reader, notes, list, any, *", "3:1", "policy_redundant", "1"
    ),
    slip(
        "a roundabout way", "g, reader, guest\ng, editor, reader\ng, editor, guest", "4:12", "policy_redundant", "way"
    ),
    slip("a role without a rule", "g, reader, guest\ng, editor, guest", "1:1", "policy_unreachable", "'chief'"),
)

SLIPS = (*WHOLE_FILES, *UNSEEN, *SHAPES, *UNKNOWN, *FIELDS, *TOGETHER, *WARNED)
