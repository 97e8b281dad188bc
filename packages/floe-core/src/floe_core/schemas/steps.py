"""What a step of a product is: a process, what it reads, and what it writes."""

from __future__ import annotations

from floe_core.schemas.frozen import Frozen


class Step(Frozen):
    """The process of a step; the rest of it is in the node of the same id.

    `command` is a program and its arguments; `python` is `module:function` instead, which the
    Python that runs floe calls. `image` runs as a pod, with `command` in place of its entrypoint if
    there is one. `sources` are the ids of the dbt sources that it writes. `datasets`
    are the names of what else it writes, `inputs` of what it reads from other steps: a name, or a
    URL such as `s3://bucket/path`.
    """

    unique_id: str
    command: tuple[str, ...] = ()
    python: str = ""
    image: str = ""
    sources: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
