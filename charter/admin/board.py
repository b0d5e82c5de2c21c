"""The dashboard: the declared cards, each under the caller's ``list`` decision on its resource.

A card is there for whoever may list the rows and sees every field that it is made of; its rows are theirs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import selectinload
from starlette.datastructures import URL
from starlette.requests import Request

from charter.admin.cells import cell, related_attributes
from charter.admin.plot import Plot, plot
from charter.admin.rows import RULE
from charter.admin.sight import Sight, sight_of
from charter.admin.values import money_text
from charter.admin.visit import visit
from charter.cards import First, Number, Split, Trend
from charter.catalog import Shown
from charter.query.dates import Hour, Minute
from charter.services import Services

Run = Callable[[Select[Any]], Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and in how many per cent it differs from the stretch before (None: nothing to compare with)."""

    shape = "figure"
    title: str
    value: str
    unit: str
    change: int | None = None
    before: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar for each day."""

    shape = "trend"
    title: str
    plot: Plot
    scale: tuple[str, ...]
    unit: str


@dataclass(frozen=True, slots=True)
class Part:
    """One word of a split: how many rows, how much of the most, and the list of them."""

    word: str
    count: int
    share: float
    tone: str
    link: URL


@dataclass(frozen=True, slots=True)
class Parts:
    """How many rows have each word."""

    shape = "split"
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """A few rows; each with the page that it has."""

    shape = "rows"
    title: str
    headings: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[URL | None, tuple[Any, ...]], ...]
    everything: URL


async def board(services: Services, run: Run, request: Request) -> list[Any]:
    """Every card that the caller may see, in the order of the declarations, figures first."""
    sights = [sight_of(services, entry) for entry in services.catalog.entries.values() if entry.cards]
    makers = [
        Maker(sight, run, request, shown) for sight in sights for shown in sight.entry.cards if _sees(sight, shown)
    ]
    found = [await _MAKERS[type(make.shown.card)](make, make.shown.card) for make in makers]
    return sorted(found, key=lambda card: (Figure, Bars, Parts, Rows).index(type(card)))


def _sees(sight: Sight, shown: Shown) -> bool:
    return sight.may("list") and shown.fields <= sight.fields("list")


@dataclass(frozen=True, slots=True)
class Maker:
    """One card in the making."""

    sight: Sight
    run: Run
    request: Request
    shown: Shown

    @property
    def model(self) -> Any:
        return self.sight.entry.resource.model

    def column(self, name: str) -> ColumnElement[Any]:
        """A column of the rows."""
        return self.sight.entry.fields[name].expression

    def asking(self, *what: Any) -> Select[Any]:
        """A statement about all rows that the caller may list."""
        return select(*what).select_from(self.model).execution_options(**{RULE: "list"})

    def within(self, *conditions: ColumnElement[bool]) -> list[ColumnElement[bool]]:
        """These conditions, and that of the card.

        Measures of some days are filtered by it, where it could narrow the statement: so the planner has nothing to
        choose by but the days, which lead the index of the cards. It would rather take one that has not all columns.
        """
        return [*conditions, *([] if self.shown.condition is None else [self.shown.condition])]

    def is_money(self, name: str) -> bool:
        return bool(name) and self.sight.entry.fields[name].kind == "money"

    def unit(self, name: str) -> str:
        return self.sight.services.settings.currency if self.is_money(name) else ""

    def text(self, name: str, value: float) -> str:
        """An amount with a comma at each thousand."""
        if not self.is_money(name):
            return f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
        whole, point, rest = money_text(round(value), self.unit(name)).partition(".")
        return f"{int(whole):,}{point}{rest}" if whole.lstrip("-") != "0" else f"{whole}{point}{rest}"

    def list_of(self, **narrowed: str) -> URL:
        url = self.request.url_for("admin:list", identity=self.sight.entry.name)
        return url.include_query_params(**narrowed) if narrowed else url


def begin_of(days: int, now: datetime, zone: tzinfo) -> datetime:
    """The moment at which so many days began, today's included."""
    return datetime.combine(now.astimezone(zone).date() - timedelta(days=days - 1), time(), zone)


async def _number(make: Maker, card: Number) -> Figure:
    measure = _measure(make, card)
    if not card.days:
        ((value,),) = await make.run(make.asking(measure).where(*make.within()))
        return Figure(card.title, make.text(card.field, value or 0), make.unit(card.field))
    now, on = datetime.now(UTC), make.column(card.on)
    begin = begin_of(card.days, now, visit().zone)
    back = timedelta(days=card.days)
    is_now, is_before = make.within(on >= begin), make.within(on >= begin - back, on < now - back)
    wanted = make.asking(measure.filter(*is_now), measure.filter(*is_before)).where(on >= begin - back)
    ((value, before),) = await make.run(wanted)
    change = round(100 * (float(value or 0) / float(before) - 1)) if before else None
    said = "yesterday at this time" if card.days == 1 else f"the {card.days} days before"
    return Figure(card.title, make.text(card.field, value or 0), make.unit(card.field), change, said)


def _measure(make: Maker, card: Number) -> Any:
    if card.how == "count":
        return func.count()
    column = make.column(card.field)
    return func.sum(column) if card.how == "sum" else func.avg(column)


async def _trend(make: Maker, card: Trend) -> Bars:
    zone, now, on = visit().zone, datetime.now(UTC), make.column(card.on)
    begin = begin_of(card.days, now, zone)
    days = [begin.date() + timedelta(days=place) for place in range(card.days)]
    part = (Hour if _is_hourly(days, zone) else Minute)(on).label("part")
    measure: Any = func.sum(make.column(card.field)) if card.field else func.count()
    measure = measure.filter(*make.within()) if make.within() else measure
    found = await make.run(make.asking(part, measure).where(on >= begin).group_by(part))
    values = dict.fromkeys(days, 0.0)
    for moment, amount in found:
        day = datetime.fromisoformat(moment if ":" in moment else f"{moment}:00").replace(tzinfo=UTC).astimezone(zone)
        if day.date() in values:
            values[day.date()] += float(amount or 0)
    labels = [f"{day:%b} {day.day}" for day in days]
    drawn = plot(labels, list(values.values()), [make.text(card.field, value) for value in values.values()])
    scale = tuple(make.text(card.field, round(mark)).removesuffix(".00") for mark in drawn.scale)
    return Bars(card.title, drawn, scale, make.unit(card.field))


def _is_hourly(days: Sequence[date], zone: tzinfo) -> bool:
    """Whether each of these days begins with an hour of UTC, so that hours can be put together to days."""
    begins = (datetime.combine(day, time(), zone).astimezone(UTC) for day in days)
    return all(moment.minute == 0 for moment in begins)


async def _split(make: Maker, card: Split) -> Parts:
    by = make.column(card.by)
    wanted = make.asking(by, func.count()).where(*make.within()).group_by(by)
    if card.days:
        wanted = wanted.where(make.column(card.on) >= begin_of(card.days, datetime.now(UTC), visit().zone))
    found = await make.run(wanted)
    counts = {str(getattr(word, "value", word)): count for word, count in found}
    tones: Mapping[str, str] = make.sight.entry.resource.admin.tones
    most = max([*counts.values(), 1])
    words = [*make.sight.choices(make.sight.entry.fields[card.by])]
    return Parts(
        card.title,
        tuple(
            Part(word, counts.get(word, 0), 100 * counts.get(word, 0) / most, tones.get(word, "plain"),
                 make.list_of(**{card.by: word}))
            for word in words
        ),
    )  # fmt: skip


async def _first(make: Maker, card: First) -> Rows:
    sight, model = make.sight, make.model
    names = [name for name in card.columns if sight.shows(name, "list")]
    column = make.column(card.order.removeprefix("-"))
    # Rows that tie come in the same direction, so that an index has them in order however many tie.
    terms = (column.desc(), model.id.desc()) if card.order.startswith("-") else (column, model.id)
    wanted = make.asking(model).where(*make.within()).order_by(*terms)
    for attribute in related_attributes(sight, names):
        wanted = wanted.options(selectinload(attribute))
    found = await make.run(wanted.limit(card.size))
    return Rows(
        card.title,
        tuple((sight.label(name), sight.is_amount(name)) for name in names),
        tuple((_page(make, row), tuple(cell(sight, row, name, short=True)[1] for name in names)) for (row,) in found),
        make.list_of(),
    )


def _page(make: Maker, row: Any) -> URL | None:
    if not make.sight.has_pages:
        return None
    return make.request.url_for("admin:details", identity=make.sight.entry.name, pk=str(row.id))


_MAKERS: Mapping[type, Callable[[Maker, Any], Awaitable[Any]]] = {
    Number: _number,
    Trend: _trend,
    Split: _split,
    First: _first,
}

__all__ = ["Bars", "Figure", "Parts", "Rows", "begin_of", "board"]
