"""A step of a product: a process, what it reads, and what it writes."""

from __future__ import annotations

from floe_core.schemas.frozen import Frozen


class Step(Frozen):
    """The process of a step; the node of the same id holds the rest.

    `command` is a program and its arguments; `python` is a `module:function` instead, which is
    called by the Python that runs floe; `dbt` are the words of a dbt command. `image` runs as a
    pod, with `command`, if given, in place of its entrypoint. `sources` are the ids of the dbt
    sources that the step writes. `datasets` are the names of the other datasets that it writes,
    `inputs` of those that it reads from other steps: a name, or a URL such as `s3://bucket/path`.
    """

    unique_id: str
    command: tuple[str, ...] = ()
    python: str = ""
    dbt: tuple[str, ...] = ()
    image: str = ""
    sources: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
