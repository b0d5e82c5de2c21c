"""The commands about the application as a whole: serve it, check it, look at what was derived."""

import argparse
import asyncio
import importlib

from sqlalchemy import Index

from charter.assemble import close_db
from charter.audit import Finding, audit
from charter.catalog import Entry, condition_of
from charter.cli.folder import declared, say, services, warnings_text
from charter.server import run


def serve(_: argparse.Namespace) -> int:
    """Serve the application."""
    run("app:app")
    return 0


def check_all(_: argparse.Namespace) -> int:
    """Check declarations and policy; what is wrong is raised, all at once."""
    found = services()
    warnings = warnings_text(found.catalog, found.access)
    say(warnings or f"{len(found.catalog.entries)} resources, policy {found.access.version}: no problem")
    return 0


def audit_all(_: argparse.Namespace) -> int:
    """Look for whatever breaks an invariant; 1 on any finding."""
    found, invariants = services(), declared().invariants

    async def work() -> list[Finding]:
        try:
            return await audit(found.store, invariants)
        finally:
            await close_db(found)

    findings = asyncio.run(work())
    say("\n".join(map(str, findings)) or "Nothing found.")
    return 1 if findings else 0


def routes(_: argparse.Namespace) -> int:
    """List every route with its rule."""
    from fastapi.routing import iter_route_contexts  # noqa: PLC0415 # only this command walks the routes

    app = importlib.import_module("app").app
    for route in iter_route_contexts(app.routes):
        rule = getattr(route.endpoint, "charter_rule", None)
        told = set(route.methods or {"*"})
        methods = ",".join(sorted(told - {"HEAD"} if "GET" in told else told))  # HEAD is GET without its body
        say(f"{methods:8} {route.path:40} {' '.join(rule) if rule else 'public'}")
    return 0


def show(given: argparse.Namespace) -> int:
    """Print what was derived from one resource."""
    entries = services().catalog.entries
    if given.resource not in entries:
        say(f"There is no resource '{given.resource}'; there are: {', '.join(entries)}.")
        return 1
    say(describe(entries[given.resource]))
    return 0


def describe(entry: Entry) -> str:
    """What was derived from one declaration, in lines that can be compared."""
    lines = [f"{entry.name}: table {entry.table.name}", "fields:"]
    for field in entry.fields.values():
        marks = [
            field.kind,
            field.write,
            *(["nullable"] if field.nullable else []),
            *(["required"] if field.required else []),
        ]
        lines.append(f"  {field.name}: {', '.join(marks + (['hidden'] if field.hidden else []))}")
    lines.append(f"inputs: {', '.join(entry.inputs) or '-'}")
    lines.append(f"filters: {', '.join(entry.filters)}")
    lines.append(f"sorts: {', '.join(entry.sorts)}")
    lines.append(f"relations: {', '.join(entry.relations) or '-'}")
    lines.append(f"scopes: {', '.join(entry.scopes) or '-'}")
    lines.append("constraints:")
    lines += sorted(f"  {item.name}" for item in entry.table.constraints if item.name)
    lines.append("indexes:")
    lines += sorted(map(_index, entry.table.indexes))
    told = {path.name: path.unindexed for path in (*entry.filters.values(), *entry.sorts.values()) if path.unindexed}
    lines += [f"not indexed: {name}, {why}" for name, why in told.items()]
    return "\n".join(lines)


def _index(index: Index) -> str:
    kind, rows = "unique " if index.unique else "", condition_of(index)
    return f"  {index.name}: {kind}({', '.join(index.columns.keys())}){f' where {rows}' if rows else ''}"
