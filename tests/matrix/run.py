"""The order of the matrix: first everybody looks, then what changes nothing, then what uses rows up, then creates."""

from collections.abc import Iterator

from tests.matrix import grouping
from tests.matrix.cells import Cell
from tests.matrix.changing import Writer, me_writes
from tests.matrix.looking import Looker, document_cell, me_cells, page_cells
from tests.matrix.world import World


def looking(world: World, account: str = "users") -> Iterator[Cell]:
    """Every cell that looks."""
    for role in world.order:
        for shape in world.shapes.values():
            looker = Looker(world, role, shape)
            yield from looker.cells()
            yield from grouping.cells(looker)
        yield from me_cells(world, role, world.shapes[account])
        yield from page_cells(world, role)
        yield document_cell(world, role, account)


def changing(world: World, account: str = "users") -> Iterator[Cell]:
    """Every cell that writes."""
    everybody = [Writer(world, role, shape) for role in world.order for shape in world.shapes.values()]
    for one in everybody:
        yield from one.still()
    for role in world.order:
        yield from me_writes(world, role, world.shapes[account])
    for one in everybody:
        yield from one.used_up()
    for one in everybody:
        yield from one.made()
