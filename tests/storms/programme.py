"""The storms by name, and how one is played: its work, then the audit."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2

from tests.storms import carts, crashes, mixed, reading, selling, turning
from tests.storms.stage import Length, Stage

Work = Callable[[Stage, Length], Awaitable[None]]

STORMS: dict[str, Work] = {
    "one-unit": selling.one_unit,
    "many-buyers": selling.many_buyers,
    "one-key": selling.one_key,
    "no-key": selling.no_key,
    "crossed-carts": selling.crossed_carts,
    "stock-edits": selling.stock_edits,
    "price-and-sight": selling.price_and_sight,
    "cart-edits": carts.cart_edits,
    "cancel-often": turning.cancel_often,
    "cancel-against-ship": turning.cancel_against_ship,
    "cancel-against-notice": turning.cancel_against_notice,
    "notices-at-once": turning.notices_at_once,
    "read-your-write": reading.read_your_write,
    "mixed": mixed.mixed,
    "terminated": crashes.terminated,
    "kill-nine": crashes.kill_nine,
}


@dataclass(frozen=True)
class Played:
    """How a storm went: what broke its promise, what the audit found, and what was answered."""

    name: str
    seconds: float
    broken: str
    findings: list[str]
    seen: dict[str, int]


def play(stage: Stage, name: str, length: Length) -> Played:
    """One storm, then the audit."""
    stage.seen.clear()
    start, broken = time.perf_counter(), ""
    try:
        asyncio.run(_run(STORMS[name], stage, length))
    except (AssertionError, httpx2.TransportError) as error:
        broken = f"{type(error).__name__}: {error}\n{stage.shop.log()[-2000:]}"
    seconds = time.perf_counter() - start
    return Played(name, seconds, broken, stage.inside.audit(), dict(sorted(stage.seen.items())))


async def _run(work: Work, stage: Stage, length: Length) -> None:
    await work(stage, length)
