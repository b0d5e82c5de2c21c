"""The words for rows."""

from charter import Scope

scopes = (
    Scope("own", lambda row, caller: row.owner == caller.id),
    Scope("published", lambda row, _: row.is_public),
    Scope("draft", lambda row, _: row.is_public.is_(False)),
)
