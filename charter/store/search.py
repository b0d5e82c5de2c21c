"""The full-text indexes: made as the declarations say, filled, and from then on kept in step by the database itself.

SQLite: FTS5 without a copy of the texts, three triggers, and a table from its row numbers to ids (``VACUUM`` may change
the numbers of the searched table itself). PostgreSQL: a ``tsvector`` column under a GIN index, set by a trigger, which
lets the columns that it is made of be altered. Like an index they hold nothing of their own: what does not stand there
word by word as it should is made anew.
"""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, MetaData, Table

from charter.catalog import searched_fields
from charter.query.search import LONGEST_WORD, SEARCH_COLUMN, rows_table, search_table

LONGEST_TEXT = 50_000
"""Characters of a field that can be found by; a ``tsvector`` holds a megabyte."""

_MOMENTS = ("insert", "update", "delete")
_TOKENIZER = "unicode61 remove_diacritics 2 categories 'L* Nd'"


def keep_search(connection: Connection, metadata: MetaData) -> list[str]:
    """Make or mend what is missing; a line for each table whose index was made."""
    make = _make_sqlite if connection.dialect.name == "sqlite" else _make_postgresql
    done = []
    for table in missing_search(connection, metadata):
        make(connection, table)
        done.append(f"made the full-text index of {table.name}")
    return done


def missing_search(connection: Connection, metadata: MetaData) -> list[Table]:
    """The tables whose index is not there, or not as declared."""
    stands: Callable[[Connection, Table], bool]
    stands = _stands_sqlite if connection.dialect.name == "sqlite" else _stands_postgresql
    return [table for table in metadata.sorted_tables if not stands(connection, table)]


def _sqlite_parts(table: Table) -> Mapping[str, str]:
    """The tables and triggers of one index: name -> the statement that makes it."""
    names = searched_fields(table)
    if not names:
        return {}
    text, rows, source = search_table(table), rows_table(table), f'"{table.name}"'
    columns = ", ".join(f'"{name}"' for name in names)
    new, old = (", ".join(f'substr({row}."{name}", 1, {LONGEST_TEXT})' for name in names) for row in ("new", "old"))
    number = f"(SELECT number FROM {rows} WHERE id = {{}}.id)"  # noqa: S608 # names of ours
    put = f"INSERT INTO {text} (rowid, {columns}) VALUES ({number.format('new')}, {new})"  # noqa: S608 # same
    take = f"INSERT INTO {text} ({text}, rowid, {columns}) VALUES ('delete', {number.format('old')}, {old})"  # noqa: S608 # same
    steps = {
        "insert": (f"INSERT ON {source}", f"INSERT INTO {rows} (id) VALUES (new.id)", put),  # noqa: S608 # same
        "update": (f"UPDATE OF {columns} ON {source}", take, put),
        "delete": (f"DELETE ON {source}", take, f"DELETE FROM {rows} WHERE id = old.id"),  # noqa: S608 # same
    }
    using = f"""{columns}, content='', tokenize="{_TOKENIZER}", prefix='2 3'"""
    made = {
        rows: f"CREATE TABLE {rows} (number INTEGER PRIMARY KEY, id VARCHAR(36) NOT NULL UNIQUE)",
        text: f"CREATE VIRTUAL TABLE {text} USING fts5({using})",
    }
    for word, (when, *does) in steps.items():
        name = _trigger(table, word)
        made[name] = f"CREATE TRIGGER {name} AFTER {when} BEGIN {'; '.join(does)}; END"
    return made


def _trigger(table: Table, word: str) -> str:
    return f'"search:{table.name}:{word}"'


def _stands_sqlite(connection: Connection, table: Table) -> bool:
    names = [search_table(table), rows_table(table), *(_trigger(table, word) for word in _MOMENTS)]
    listed = ", ".join("'" + name.strip('"') + "'" for name in names)
    found = connection.exec_driver_sql(f"SELECT name, sql FROM sqlite_master WHERE name IN ({listed})")  # noqa: S608 # same
    return {f'"{name}"': sql for name, sql in found} == _sqlite_parts(table)


def _make_sqlite(connection: Connection, table: Table) -> None:
    run, names = connection.exec_driver_sql, searched_fields(table)
    for word in _MOMENTS:
        run(f"DROP TRIGGER IF EXISTS {_trigger(table, word)}")
    text, rows = search_table(table), rows_table(table)
    for name in (text, rows):
        run(f"DROP TABLE IF EXISTS {name}")
    for statement in _sqlite_parts(table).values():
        run(statement)
    if names:
        columns = ", ".join(f'"{name}"' for name in names)
        cut = ", ".join(f'substr(t."{name}", 1, {LONGEST_TEXT})' for name in names)
        run(f'INSERT INTO {rows} (id) SELECT id FROM "{table.name}"')  # noqa: S608 # names of ours
        source = f'{rows} AS r JOIN "{table.name}" AS t ON t.id = r.id'
        run(f"INSERT INTO {text} (rowid, {columns}) SELECT r.number, {cut} FROM {source}")  # noqa: S608 # same


def _lexemes(place: int, value: str) -> str:
    """SQL for the words in `value`, each as ``place.word``: the same steps as `words_of`."""
    final, sigma = "\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}"
    found = f"left(coalesce({value}, ''), {LONGEST_TEXT})"
    found = f"""normalize(replace(lower({found} COLLATE "und-x-icu"), '{final}', '{sigma}'), NFD)"""
    found = rf"normalize(regexp_replace({found}, '([a-z])[\u0300-\u036f]+', '\1', 'g'), NFC)"
    found = rf"regexp_replace(regexp_replace({found}, '[\u0300-\u036f]+', '', 'g'), '[^[:alnum:]]+', ' ', 'g')"
    word = rf"([[:alnum:]]{{1,{LONGEST_WORD}}})[[:alnum:]]*"
    return rf"string_to_array(regexp_replace({found}, '{word}', '{place}.\1', 'g'), ' ')"


def _vector(table: Table, row: str) -> str:
    words = " || ".join(_lexemes(place, f'{row}"{name}"') for place, name in enumerate(searched_fields(table)))
    return f"array_to_tsvector(array_remove({words}, ''))"


def _body(table: Table) -> str:
    """What PostgreSQL's trigger does: nothing where no searched text has changed."""
    changed = " OR ".join(f'NEW."{name}" IS DISTINCT FROM OLD."{name}"' for name in searched_fields(table))
    vector = _vector(table, "NEW.")
    return f"BEGIN IF TG_OP = 'INSERT' OR {changed} THEN NEW.{SEARCH_COLUMN} := {vector}; END IF; RETURN NEW; END"


def _name(table: Table) -> str:
    return f'"{SEARCH_COLUMN}_{table.name}"'


def _stands_postgresql(connection: Connection, table: Table) -> bool:
    """By the trigger with its function, and the index, which goes where its column goes."""
    statement = """SELECT p.prosrc, to_regclass($1) IS NOT NULL FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
                   WHERE t.tgrelid = to_regclass($2) AND t.tgname = $3"""
    name = _name(table)
    found = connection.exec_driver_sql(statement, (name, f'"{table.name}"', name.strip('"'))).first()
    return (tuple(found) if found else None) == ((_body(table), True) if searched_fields(table) else None)


def _make_postgresql(connection: Connection, table: Table) -> None:
    run, name, source = connection.exec_driver_sql, _name(table), f'"{table.name}"'
    run(f"DROP TRIGGER IF EXISTS {name} ON {source}")
    run(f"DROP FUNCTION IF EXISTS {name}")
    run(f"ALTER TABLE {source} DROP COLUMN IF EXISTS {SEARCH_COLUMN}")  # and its index with it
    if not searched_fields(table):
        return
    run(f"ALTER TABLE {source} ADD COLUMN {SEARCH_COLUMN} tsvector")
    run(f"UPDATE {source} SET {SEARCH_COLUMN} = {_vector(table, '')}")  # noqa: S608 # names of ours
    run(f"CREATE INDEX {name} ON {source} USING gin ({SEARCH_COLUMN})")
    run(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body${_body(table)}$body$")
    run(f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {source} FOR EACH ROW EXECUTE FUNCTION {name}()")
