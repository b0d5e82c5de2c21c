"""The routes under ``/auth``. Each reads its body, counts where guessing would pay, and runs one flow."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn, TypeVar

from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from charter.access import ANY
from charter.auth.bodies import EmailBody, LoginForm, Notice, RefreshBody, ResetBody, TokenBody, Tokens, register_schema
from charter.auth.devices import Device, Devices
from charter.auth.documents import FORM, Operation, content_of, list_of
from charter.auth.letters import RESET, VERIFY
from charter.auth.passwords import passwords
from charter.auth.sessions import origin_of
from charter.auth.tokens import invalid_token
from charter.bodies import check_media_type, field_errors, read_body
from charter.errors import (
    AuthenticationException,
    BadRequestException,
    FieldError,
    UnsupportedMediaTypeException,
    ValidationException,
)
from charter.plan import Lens, lens
from charter.plugins.parameters import read_query
from charter.query import ROW_ID, read_statement
from charter.reply import empty_reply, row_reply
from charter.web import Door, Endpoint

if TYPE_CHECKING:
    from charter.auth import Auth
    from charter.store import Transaction

M = TypeVar("M", bound=BaseModel)

FORMS = {FORM, "multipart/form-data"}
VERIFIED = "The e-mail address is verified."
SENT = "If the address belongs to an account, a mail is on its way."


class Routes:
    """The endpoints of one application's accounts."""

    def __init__(self, auth: "Auth") -> None:
        self.auth = auth
        self.entry = auth.entry
        self.register_body = register_schema(auth.entry)

    async def register(self, request: Request) -> Response:
        body = (await _json(request, self.register_body)).model_dump()
        await self.auth.limiter.hit_sign_in(request.scope, body["email"])
        password = body.pop("password")
        flow = self.auth.flow()
        user = await flow.register(body, password)
        shown = self._shown()
        row = await flow.user_db.commit(lambda tx: tx.execute(read_statement(shown), {ROW_ID: user.id}).scalar_one())
        return row_reply(row, 201, {"Location": f"/{self.entry.name}/{user.id}"})

    def _shown(self) -> Lens:
        """The fields of a new account that its owner may read, and be it nothing but the id."""
        decision = self.auth.policy.table.decide(self.auth.roles.default, self.entry.name, "read")
        return Lens(self.entry, (ANY,), lens(self.entry, decision).fields if decision else ("id",))

    async def login(self, request: Request) -> Response:
        passwords.refuse_crowd()
        form = await _form(request)
        grant = await self.auth.enter(form.username, form.password, request.scope)
        if grant is None:
            raise AuthenticationException(code="bad_credentials")
        return self.auth.tokens(grant, request.scope)

    async def refresh(self, request: Request) -> Response:
        token = await self._given_token(request)
        if token is None:
            token = (await _json(request, RefreshBody)).refresh_token
        origin = origin_of(request.scope)
        # the end of a reused family has to be committed, so the refusal comes after the transaction
        grant = await self.auth.store.write(lambda tx: self.auth.sessions.rotate(tx, token, origin))
        if grant is None:
            await self.auth.limiter.bad_credentials(request.scope)
            raise invalid_token()
        return self.auth.tokens(grant, request.scope)

    async def _given_token(self, request: Request) -> str | None:
        """The refresh token of a body, or else of the cookie; None without either."""
        if await request.body():
            return (await _json(request, RefreshBody)).refresh_token
        read_query(request.scope["query_string"]).finish()
        return self.auth.cookie.read(request)

    async def logout(self, request: Request) -> Response:
        caller = await self.auth.caller(request)
        user_id, session = caller.id, caller.session
        if user_id is None or session is None:
            raise AuthenticationException
        await self.auth.limiter.hit_user(request.scope, caller)
        given = await self._given_token(request)

        def end(tx: "Transaction") -> None:
            self.auth.sessions.end(tx, session, "logout")
            if given is not None:
                self.auth.sessions.end_by_token(tx, given, user_id, "logout")

        await self.auth.store.write(end)
        response = empty_reply()
        self.auth.cookie.clear(response)
        return response

    async def forgot_password(self, request: Request) -> Response:
        return await self._mail(request, RESET)

    async def request_verify_email(self, request: Request) -> Response:
        return await self._mail(request, VERIFY)

    async def _mail(self, request: Request, kind: str) -> Response:
        """The same row and the same answer for known and unknown addresses; whose it is, is looked up afterwards."""
        email = (await _json(request, EmailBody)).email
        await self.auth.limiter.hit_sign_in(request.scope, email)
        await self.auth.store.write(lambda tx: self.auth.post.owe(tx, kind, email))
        return JSONResponse({"detail": SENT}, 202)

    async def reset_password(self, request: Request) -> Response:
        body = await _json(request, ResetBody)
        outbox = self.auth.outbox
        # a look first: nobody without a token may have passwords hashed
        if await self.auth.store.read(lambda tx: outbox.owner_of(tx, body.token, RESET)) is None:
            await self._refuse(request)
        await self._use(request, body.token, RESET, hashed_password=await passwords.hash(body.password))
        return empty_reply()

    async def verify_email(self, request: Request) -> Response:
        body = await _json(request, TokenBody)
        await self._use(request, body.token, VERIFY, is_verified=True)
        return JSONResponse({"detail": VERIFIED})

    async def _use(self, request: Request, token: str, kind: str, **values: object) -> None:
        """Change the account that a mailed token is for, once."""
        outbox = self.auth.outbox
        if not await self.auth.flow().user_db.commit(lambda tx: outbox.use(tx, token, kind, **values)):
            await self._refuse(request)

    async def _refuse(self, request: Request) -> NoReturn:
        """Used, expired, foreign and made-up tokens look alike."""
        await self.auth.limiter.bad_credentials(request.scope)
        error = FieldError("/token", "invalid_token", "is not valid, has expired, or was used already")
        raise ValidationException("The token is no good.", errors=[error])


async def _json(request: Request, model: type[M]) -> M:
    read_query(request.scope["query_string"]).finish()
    check_media_type(request.headers.get("content-type"))
    return read_body(model, await request.body())


async def _form(request: Request) -> LoginForm:
    read_query(request.scope["query_string"]).finish()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in FORMS:
        raise UnsupportedMediaTypeException("The body must be a form (application/x-www-form-urlencoded).")
    try:
        async with request.form(max_files=0, max_fields=20) as form:
            given = dict(form)
    except HTTPException:  # what Starlette makes of a form that it cannot read, or that says too much
        raise BadRequestException("The form cannot be read.") from None
    try:
        return LoginForm.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise ValidationException("The form is not valid.", errors=field_errors(found)) from None


def make_routes(auth: "Auth") -> list[APIRoute]:
    """The routes under ``/auth``."""
    routes = Routes(auth)
    return [_route(*about) for about in (*_signing(routes), *_by_mail(routes), *_own(Devices(auth)))]


def _route(path: str, endpoint: Endpoint, operation: Operation) -> APIRoute:
    """FastAPI documents the route; a request goes straight to the endpoint, which reads all of it by itself."""
    name = endpoint.__name__
    document = operation.document(name)
    route = APIRoute(
        f"/auth{path}",
        endpoint,
        methods=[operation.method],
        name=f"auth:{name}",
        operation_id=document["operationId"],
        status_code=operation.status,
        response_class=Response,
        openapi_extra=document,
    )
    route.app = Door(endpoint)
    return route


def _own(devices: Devices) -> Iterator[tuple[str, Endpoint, Operation]]:
    refused: tuple[str, ...] = ("not_authenticated",)
    listed, said = list_of(Device), "The sign-ins that are alive, the one that was used last first."
    summary = "Where you are signed in"
    yield (
        "/sessions",
        devices.sessions,
        Operation(summary, 200, said, answer=listed, refusals=refused, bearer=True, method="GET"),
    )
    done = Operation("Sign out everywhere", 204, "Signed out.", refusals=refused, bearer=True, method="DELETE")
    yield "/sessions", devices.end_sessions, done
    refused = (*refused, "not_found")
    done = Operation(
        "End one sign-in", 204, "Signed out there.", refusals=refused, bearer=True, method="DELETE", has_id=True
    )
    yield "/sessions/{id}", devices.end_session, done


def _signing(routes: Routes) -> Iterator[tuple[str, Endpoint, Operation]]:
    read = routes.entry.schemas.read
    row = {"schema": {"$ref": f"#/components/schemas/{read.__name__}"}, "example": content_of(read)["example"]}
    made = Operation("Make an account", 201, "The new account.", routes.register_body, row, ("unique",))
    yield "/register", routes.register, made
    tokens = content_of(Tokens)
    summary = "Sign in with e-mail and password"
    yield "/login", routes.login, Operation(summary, 200, "Signed in.", LoginForm, tokens, ("bad_credentials",), FORM)
    summary = "Exchange a refresh token for the next one, and a new access token"
    refused = ("not_authenticated",)
    yield "/refresh", routes.refresh, Operation(summary, 200, "Still signed in.", RefreshBody, tokens, refused)
    done = Operation(
        "End this sign-in", 204, "Signed out.", RefreshBody, refusals=refused, bearer=True, body_required=False
    )
    yield "/logout", routes.logout, done


def _by_mail(routes: Routes) -> Iterator[tuple[str, Endpoint, Operation]]:
    sent, verified = content_of(Notice), {**content_of(Notice), "example": {"detail": VERIFIED}}
    said = "Answered alike for known and unknown addresses."
    forgot = Operation("Ask for a mail to reset the password", 202, said, EmailBody, sent)
    yield "/forgot-password", routes.forgot_password, forgot
    yield "/reset-password", routes.reset_password, Operation("Set a new password", 204, "Done.", ResetBody)
    verify = Operation("Ask for a mail to verify the address", 202, said, EmailBody, sent)
    yield "/request-verify-email", routes.request_verify_email, verify
    yield "/verify-email", routes.verify_email, Operation("Verify the address", 200, "Verified.", TokenBody, verified)
