"""The row rules on every statement of the admin: a session that sees what the caller's decisions let through.

SQLAdmin runs queries of its own in some twenty places. None of them has to remember a rule: each passes here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, event, false
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria

from charter.admin.visit import visit
from charter.catalog import Entry
from charter.plan import caller_values, lens
from charter.services import Services
from charter.store import ReadingSession

RULE = "charter_rule"
"""Execution option of a statement: the action whose row rule holds for it, whatever the screen is.

Several hold together, for the rows that the screen is about.
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """Which rows of a mapped class are there for the caller; ``models`` has an entry, or None, for each class."""

    services: Services
    models: Mapping[type, Entry | None]

    def condition(self, entry: Entry | None, action: str) -> ColumnElement[bool] | None:
        """The rule of `action` on the rows of `entry`, bound to the caller. None: every row. No decision: no row."""
        caller = visit().caller
        if entry is None or caller is None:
            return false()
        decision = self.services.access.decide(caller.role, entry.name, action)
        if decision is None:
            return false()
        found = [clause for clause in (entry.live, lens(entry, decision).condition) if clause is not None]
        return and_(*found).params(caller_values(caller)) if found else None

    def actions(self, entry: Entry | None, state: ORMExecuteState) -> Sequence[str]:
        """The screen's action for the rows that it is about, ``read`` for whatever they are related to."""
        if state.is_relationship_load:
            return ("read",)
        told: str | tuple[str, ...] | None = state.execution_options.get(RULE)
        if isinstance(told, str):
            return (told,)
        if entry is None or entry.name != visit().resource:
            return ("read",)
        if told is not None:
            return told
        return ("list", "export") if visit().action == "export" else (visit().action,)

    def apply(self, state: ORMExecuteState) -> None:
        """Narrow a statement before it runs; one that is no SELECT of mapped classes is refused."""
        if not state.is_select or not state.is_orm_statement:
            msg = "the admin's session takes SELECTs of mapped classes only"
            raise RuntimeError(msg)
        for model, entry in self.models.items():
            for action in self.actions(entry, state):
                clause = self.condition(entry, action)
                if clause is not None:
                    state.statement = state.statement.options(
                        with_loader_criteria(model, clause, include_aliases=True, propagate_to_loaders=False)
                    )


class RuledSession(ReadingSession):
    """A session that refuses to write and that sees what its ``info["rules"]`` let through."""


@event.listens_for(RuledSession, "do_orm_execute")
def _narrow(state: ORMExecuteState) -> None:
    rules: Rules = state.session.info["rules"]
    rules.apply(state)


def ruled_sessions(services: Services) -> async_sessionmaker[AsyncSession]:
    """Store's reading sessions under the row rules of `services`."""
    classes: dict[type, Entry | None] = {}
    for entry in services.catalog.entries.values():
        model: Any = entry.resource.model
        for mapper in model.__mapper__.registry.mappers:
            classes[mapper.class_] = services.catalog.of_model(mapper.class_)
    factory = services.store.reading_sessions()
    factory.configure(sync_session_class=RuledSession, info={"rules": Rules(services, classes)})
    return factory


__all__ = ["RULE", "RuledSession", "Rules", "ruled_sessions"]
