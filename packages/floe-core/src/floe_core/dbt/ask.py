"""Ask dbt something and wait for the answer; afterwards, it has no warehouse open here."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from floe_core.dbt.call import DbtCall
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schemas.nodes import Node

if TYPE_CHECKING:
    from floe_core.dbt.internals import Manifest


LISTED_TYPES = ("model", "seed", "snapshot", "test", "unit_test")


@dataclass(frozen=True, slots=True)
class Answer:
    """What dbt answered. `problem` is why it failed, in its words, "" if it did not.

    `lines` are those of `dbt ls`; `manifest` is that of `dbt parse` beside floe, and `warnings` are
    what that dbt warned of.
    """

    problem: str
    lines: list[str]
    manifest: Manifest | None
    warnings: tuple[str, ...] = ()


def ask_dbt(call: DbtCall, manifest: Manifest | None) -> Answer:
    """Call dbt quietly and return its answer; a program cannot be given the `manifest`.

    Raises:
        EnvironmentProblemError: dbt is missing, or could not read or write a file.
    """
    return _ask_program(call) if call.executable else _ask_library(call, manifest)


def _ask_library(call: DbtCall, manifest: Manifest | None) -> Answer:
    from floe_core.dbt.library import invoke_library

    said: dict[str, list[str]] = {"error": [], "warn": []}

    def keep(message: Any) -> None:
        if message.info.level in said:
            said[message.info.level].append(message.info.msg)

    # `dbt ls` prints in any case; the result is returned as a value.
    with call.in_this_process(), redirect_stdout(io.StringIO()):
        outcome = invoke_library([*call.arguments, "--quiet"], manifest, [keep])
    if isinstance(outcome.exception, KeyboardInterrupt):
        # dbt returns it like any of its own errors.
        raise outcome.exception
    if isinstance(outcome.exception, OSError):
        raise EnvironmentProblemError(f"dbt could not do its work: {outcome.exception}")
    problem = "" if outcome.success else reason_of(outcome.exception, said["error"])
    found: Any = outcome.result
    lines, parsed = (found, None) if isinstance(found, list) else ([], found)
    return Answer(problem, lines, parsed, tuple(said["warn"]))


def _ask_program(call: DbtCall) -> Answer:
    try:
        done = subprocess.run(
            [*call.command_line(), "--quiet"],
            cwd=call.folder,
            env=call.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        what = f"execution.dbtExecutable: {call.executable}: {error.strerror}"
        raise EnvironmentProblemError(what) from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return Answer(done.stdout + done.stderr if done.returncode else "", lines, None)


def list_command(nodes: Iterable[Node], keys: Sequence[str] = ("unique_id",)) -> list[str]:
    """Return the first arguments of a `dbt ls` that prints these keys of all nodes of a build.

    dbt before 1.11 has no functions, and rejects that resource type.
    """
    has_functions = any(node.resource_type == "function" for node in nodes)
    kinds = (*LISTED_TYPES, *(("function",) if has_functions else ()))
    types = [text for kind in kinds for text in ("--resource-type", kind)]
    return ["ls", "--output", "json", "--output-keys", *keys, *types]


def reason_of(exception: BaseException | None, errors: Iterable[str]) -> str:
    """Return why a dbt command failed: the errors that it reported, then what ended it.

    dbt reports details before the exception, and the exception itself once more.

    >>> reason_of(ValueError("not valid"), ["no such column", "Encountered an error: not valid"])
    'no such column\\nnot valid'
    """
    last = "" if exception is None else str(exception).strip()
    texts = (text.strip() for text in errors)
    details = [text for text in texts if not last or (last not in text and text not in last)]
    return "\n".join([*details, *([last] if last else [])])


_LAST_LINES = 8


def install_packages(executable: str, project: Path) -> None:
    """Run `dbt deps`, which keeps to the versions of package-lock.yml if there is one.

    Raises:
        EnvironmentProblemError: It failed, for instance because a package cannot be downloaded.
    """
    with TemporaryDirectory(prefix="floe-deps-") as logs:
        call = DbtCall(executable, project, ("deps", "--log-path", logs), {})
        done = subprocess.run(
            call.command_line(),
            cwd=project,
            env=call.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        lines = (done.stdout.strip() or done.stderr.strip()).splitlines()[-_LAST_LINES:]
        raise EnvironmentProblemError("\n".join(["`dbt deps` failed:", *lines]))
