"""The opponent's database, accounts, tokens and permissions, as FastAPI's and SQLModel's own guides show them."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

import jwt
from fastapi import APIRouter, Depends, HTTPException
from fastapi.concurrency import run_in_threadpool
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm
from pwdlib import PasswordHash
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

SECRET = os.environ.get("SECRET_KEY", "")
LIFE = timedelta(days=1)
ALGORITHM = "HS256"
READER = frozenset({"products:read"})
PERMISSIONS = {
    "customer": READER,
    "manager": READER | {"products:read-all", "products:create", "products:update"},
}

engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///./by_hand.db"))
sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
passwords = PasswordHash.recommended()
bearer = OAuth2PasswordBearer("/auth/login")
router = APIRouter(prefix="/auth")


@event.listens_for(engine.sync_engine, "connect")
def set_pragmas(connection: Any, _record: object) -> None:
    """Every connection reads while another one writes, and keeps foreign keys."""
    if engine.dialect.name != "sqlite":
        return
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def get_session() -> AsyncIterator[AsyncSession]:
    """One session per request."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]


class User(SQLModel, table=True):
    """Somebody with an account."""

    __tablename__ = "users"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = Field(max_length=320, unique=True)
    hashed_password: str
    role: str = "customer"
    is_active: bool = True
    is_verified: bool = False


class Registration(SQLModel):
    """What a new account needs."""

    email: str = Field(max_length=320)
    password: str = Field(min_length=8, max_length=256)


async def get_current_user(session: Session, token: Annotated[str, Depends(bearer)]) -> User:
    """Who calls, by the token, or 401."""
    refused = HTTPException(status_code=401, detail="Sign in", headers={"WWW-Authenticate": "Bearer"})
    try:
        subject = UUID(jwt.decode(token, SECRET, algorithms=[ALGORITHM])["sub"])
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise refused from error
    user = await session.get(User, subject)
    if user is None or not user.is_active:
        raise refused
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


def allowed(user: User, permission: str) -> bool:
    """Whether the user's role has the permission."""
    return permission in PERMISSIONS.get(user.role, READER)


def require(permission: str) -> Any:
    """A dependency that answers 403 without the permission."""

    async def check(user: CurrentUser) -> None:
        if not allowed(user, permission):
            raise HTTPException(status_code=403, detail="Not allowed")

    return Depends(check)


@router.post("/register", status_code=201)
async def register(session: Session, body: Registration) -> dict[str, str]:
    """Make an account."""
    user = User(email=body.email, hashed_password=await run_in_threadpool(passwords.hash, body.password))
    session.add(user)
    try:
        await session.commit()
    except IntegrityError as error:
        raise HTTPException(status_code=409, detail="There is such an account") from error
    return {"id": str(user.id)}


@router.post("/login")
async def login(session: Session, form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    """A token for the right password."""
    user = (await session.exec(select(User).where(col(User.email) == form.username))).first()
    if user is None or not await run_in_threadpool(passwords.verify, form.password, user.hashed_password):
        raise HTTPException(status_code=401, detail="Wrong address or password")
    claims = {"sub": str(user.id), "exp": datetime.now(UTC) + LIFE}
    return {"access_token": jwt.encode(claims, SECRET, algorithm=ALGORITHM), "token_type": "bearer"}
