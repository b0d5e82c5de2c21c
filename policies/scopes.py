"""The words for rows that `policy.csv` may use, each as one condition in SQL."""

from charter import Scope

scopes = (
    Scope("own", lambda row, caller: row.owner == caller.id),
    Scope("published", lambda row, _: row.is_active),
)
