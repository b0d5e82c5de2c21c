"""The page that shows the policy in force, for whoever may list its rules: who may do what, and who has which role."""

import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from sqladmin import BaseView, expose
from sqlalchemy import Select
from starlette.requests import Request
from starlette.responses import Response

from charter.access.matrix import overview
from charter.access.wording import rule_text
from charter.admin.people import holders
from charter.admin.values import moment
from charter.admin.viewing import may_see_policy
from charter.admin.visit import visit
from charter.errors import AuthorizationException
from charter.services import Services


class AccessPage(BaseView):
    """``/admin/access``: resources down, roles across; each resource unfolds into fields and lines."""

    services: ClassVar[Services]

    name = "Who may do what"
    category = "Access"
    icon = "fa-solid fa-table-cells"

    @classmethod
    def of(cls, services: Services) -> type["AccessPage"]:
        """The page of one application."""
        return types.new_class("AccessPageView", (cls,), {}, lambda names: names.update(services=services))

    def is_visible(self, request: Request) -> bool:
        return self.is_accessible(request)

    def is_accessible(self, request: Request) -> bool:  # noqa: ARG002 # SQLAdmin's face
        """Whether the caller may list what the policy's rules are shown as in the database."""
        caller = visit().caller
        return caller is not None and may_see_policy(self.services, caller.role)

    @expose("/access", methods=["GET"])
    async def page(self, request: Request) -> Response:
        """The policy, its roles and the matrix."""
        if not self.is_accessible(request):
            raise AuthorizationException("No rule lets you see the policy.")
        table = self.services.access
        async with self._admin_ref.session_maker() as session:

            async def _run(statement: Select[Any]) -> Sequence[Any]:
                found: Sequence[Any] = (await session.execute(statement)).all()
                return found

            people = await holders(self.services, _run, request)
        context: dict[str, Any] = {
            "whole": overview(table, table.vocabulary),
            "table": table,
            "file": Path(self.services.settings.policy_file).name,
            "holders": people,
            "moment": moment,
            "enters": lambda role: table.decide(role, "admin", "access") is not None,
            "warnings": table.problems,
            "rule_text": rule_text,
        }
        found: Response = await self.templates.TemplateResponse(request, "sqladmin/access.html", context)
        return found


__all__ = ["AccessPage"]
