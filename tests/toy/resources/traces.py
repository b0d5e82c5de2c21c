"""Traces: what happened to notes. Only hooks write them."""

from charter import Field, Resource, Table


class Trace(Table, table=True):
    """Something that happened."""

    what: str = Field(max_length=20, write="never")
    title: str = Field(max_length=200, write="never")


traces = Resource(Trace, filter=("what", "title"), sort=("what",))
