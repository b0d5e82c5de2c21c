"""The routes under ``/auth``. Each reads its body, counts where guessing would pay, and runs one flow."""

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from fastapi import APIRouter
from fastapi_users import exceptions
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from charter.auth.bodies import EmailBody, LoginForm, Notice, RefreshBody, ResetBody, TokenBody, Tokens, register_schema
from charter.auth.documents import FORM, Operation, content_of
from charter.auth.manager import Accounts, StaleAccountError
from charter.auth.sessions import origin_of
from charter.auth.tables import Account
from charter.auth.tokens import invalid_token
from charter.bodies import check_media_type, field_errors, read_body
from charter.errors import (
    AuthenticationException,
    FieldError,
    UnsupportedMediaTypeException,
    ValidationException,
)
from charter.plan import Lens
from charter.plugins.parameters import read_query
from charter.query import ROW_ID, read_statement
from charter.reply import empty_reply, row_reply

if TYPE_CHECKING:
    from charter.auth import Auth
    from charter.store import Transaction

M = TypeVar("M", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]

NO_STORE = {"Cache-Control": "no-store"}
FORMS = {FORM, "multipart/form-data"}
VERIFIED = "The e-mail address is verified."
SENT = "If the address belongs to an account, a mail is on its way."


class Routes:
    """The endpoints of one application's accounts."""

    def __init__(self, auth: "Auth") -> None:
        self.auth = auth
        self.entry = auth.entry
        self.register_body = register_schema(auth.entry)
        fields = tuple(name for name in auth.entry.fields if name in auth.entry.readable)
        self._shown = read_statement(Lens(auth.entry, ("any",), fields))

    async def register(self, request: Request) -> Response:
        body = (await _json(request, self.register_body)).model_dump()
        await self.auth.limiter.hit_sign_in(request.scope, body["email"])
        password = body.pop("password")
        flow = self.auth.flow()
        user = await flow.register(body, password)
        row = await flow.user_db.commit(lambda tx: tx.execute(self._shown, {ROW_ID: user.id}).scalar_one())
        return row_reply(row, 201, {"Location": f"/{self.entry.name}/{user.id}"})

    async def login(self, request: Request) -> Response:
        form = await _form(request)
        flow, user = await self.auth.authenticate(form.username, form.password, request.scope)
        if user is None:
            raise AuthenticationException(code="bad_credentials")
        sessions, origin = self.auth.sessions, origin_of(request.scope)
        grant = await flow.user_db.commit(lambda tx: sessions.open(tx, user.id, user.epoch, origin))
        if grant is None:  # the password was changed while it was being checked
            raise AuthenticationException(code="bad_credentials")
        return JSONResponse(self.auth.tokens(grant), headers=NO_STORE)

    async def refresh(self, request: Request) -> Response:
        token = (await _json(request, RefreshBody)).refresh_token
        origin = origin_of(request.scope)
        # the end of a reused family has to be committed, so the refusal comes after the transaction
        grant = await self.auth.store.write(lambda tx: self.auth.sessions.rotate(tx, token, origin))
        if grant is None:
            await self.auth.limiter.bad_credentials(request.scope)
            raise invalid_token()
        return JSONResponse(self.auth.tokens(grant), headers=NO_STORE)

    async def logout(self, request: Request) -> Response:
        caller = await self.auth.caller(request)
        user_id, session = caller.id, caller.session
        if user_id is None or session is None:
            raise AuthenticationException
        await self.auth.limiter.hit_user(request.scope, caller)
        given = await _json(request, RefreshBody) if await request.body() else None

        def end(tx: "Transaction") -> None:
            self.auth.sessions.end(tx, session, "logout")
            if given is not None:
                self.auth.sessions.end_by_token(tx, given.refresh_token, user_id, "logout")

        await self.auth.store.write(end)
        return empty_reply()

    async def forgot_password(self, request: Request) -> Response:
        return await self._mail(request, Accounts.forgot_password)

    async def request_verify_email(self, request: Request) -> Response:
        return await self._mail(request, Accounts.request_verify)

    async def _mail(self, request: Request, flow: Callable[[Accounts, Account], Awaitable[None]]) -> Response:
        """Answer at once, and the same for known and unknown addresses; everything else comes after."""
        email = (await _json(request, EmailBody)).email
        await self.auth.limiter.hit_sign_in(request.scope, email)
        self.auth.post.later(self._mail_if_known(email, flow))
        return JSONResponse({"detail": SENT}, 202)

    async def _mail_if_known(self, email: str, flow: Callable[[Accounts, Account], Awaitable[None]]) -> None:
        accounts = self.auth.flow()
        user = await accounts.user_db.get_by_email(email)
        if user is not None and user.is_active and not (user.is_verified and flow is Accounts.request_verify):
            await flow(accounts, user)

    async def reset_password(self, request: Request) -> Response:
        body = await _json(request, ResetBody)
        await self._with_token(request, lambda flow: flow.reset_password(body.token, body.password))
        return empty_reply()

    async def verify_email(self, request: Request) -> Response:
        body = await _json(request, TokenBody)
        await self._with_token(request, lambda flow: flow.verify(body.token))
        return JSONResponse({"detail": VERIFIED})

    async def _with_token(self, request: Request, run: Callable[[Accounts], Awaitable[Account]]) -> None:
        """Run a flow that a mailed token opens. Used, expired, foreign and made-up tokens look alike."""
        flow = self.auth.flow()
        try:
            await run(flow)
            await flow.user_db.commit(lambda _: None)
        except (exceptions.FastAPIUsersException, StaleAccountError):
            await self.auth.limiter.bad_credentials(request.scope)
            error = FieldError("/token", "invalid_token", "is not valid, has expired, or was used already")
            raise ValidationException("The token is no good.", errors=[error]) from None


async def _json(request: Request, model: type[M]) -> M:
    read_query(request.scope["query_string"]).finish()
    check_media_type(request.headers.get("content-type"))
    return read_body(model, await request.body())


async def _form(request: Request) -> LoginForm:
    read_query(request.scope["query_string"]).finish()
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in FORMS:
        raise UnsupportedMediaTypeException("The body must be a form (application/x-www-form-urlencoded).")
    async with request.form(max_files=0, max_fields=20) as form:
        given = dict(form)
    try:
        return LoginForm.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False, include_context=False)
        raise ValidationException("The form is not valid.", errors=field_errors(found)) from None


def make_router(auth: "Auth") -> APIRouter:
    """The router of ``/auth``."""
    router, routes = APIRouter(prefix="/auth"), Routes(auth)
    for path, endpoint, operation in (*_signing(routes), *_by_mail(routes)):
        name = endpoint.__name__
        document = operation.document(name)
        router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            name=f"auth:{name}",
            operation_id=document["operationId"],
            status_code=operation.status,
            response_class=Response,
            openapi_extra=document,
        )
    return router


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
    done = Operation("End this sign-in", 204, "Signed out.", RefreshBody, refusals=refused, bearer=True)
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
