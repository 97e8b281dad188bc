"""What readers and rules collect: groups of dbt tasks, before products are made of them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from floe_import.python.arguments import Argument
from floe_import.python.values import Value
from floe_import.report import Finding, Place


@dataclass
class GroupDraft:
    """A DbtDag, a DbtTaskGroup, a flow or a task that calls dbt: what it is to be in floe.

    `select` and `exclude` are terms of dbt's selection; `only` are the resource types that it
    builds, () for all. `tests` and `execution` are keys of floe.yaml. `project` is the text of the
    project's path, "" if it is not known, and `folder` its argument in the source; `group_id` is
    the argument that names a group of tasks, if it has another name. `kept_of_call` and
    `kept_of_tasks` are arguments that the written call passes on. `rendered` is what Cosmos's
    RenderConfig selects, None for other tools. A group `is_undecided` if something unknown decides
    what it does. `mode` is Cosmos's execution mode. `target` and `profile` name what a profiles.yml
    in `profiles_dir` offers. `turn` is what tells the turn of a loop that makes it from the others:
    an expression, and its value in this turn; None outside of loops. The written call makes a
    coroutine if the user's call `is_coroutine`. `emits_assets` is what the source says of assets,
    None if it says nothing, and `asset_user` a place that names one.
    """

    place: Place
    name: str
    orchestrator: str = "airflow"
    project: str = ""
    folder: Argument | None = None
    group_id: Argument | None = None
    translator: Argument | None = None
    project_name: str = ""
    select: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    selector: str = ""
    only: tuple[str, ...] = ()
    vars: dict[str, Any] = field(default_factory=dict)
    full_refresh: bool = False
    tests: str = ""
    execution: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    compute: dict[str, Any] = field(default_factory=dict)
    pool: str = ""
    profile: str = ""
    target: str = ""
    profiles_dir: str = ""
    installs_packages: bool = True
    is_own_dag: bool = False
    is_undecided: bool = False
    is_coroutine: bool = False
    kept_of_call: list[Argument] = field(default_factory=list)
    kept_of_tasks: list[Argument] = field(default_factory=list)
    rendered: dict[str, Any] | None = None
    mode: str = "LOCAL"
    job: str | None = None
    turn: tuple[str, str | int] | None = None
    emits_assets: bool | None = None
    asset_user: Place | None = None

    def keep(self, argument: Argument, of: Literal["call", "task"]) -> None:
        """Let the written call pass an argument on: as its own, or to its tasks."""
        kept = self.kept_of_call if of == "call" else self.kept_of_tasks
        kept[:] = [*(each for each in kept if each.name != argument.name), argument]


@dataclass(frozen=True)
class Reading:
    """The groups of a file by what makes each, and a finding for each construct.

    `is_old` tells the values of the tool, which the written file no longer needs.
    """

    groups: Sequence[tuple[ast.AST, GroupDraft]]
    findings: list[Finding]
    is_old: Callable[[Value], bool]
