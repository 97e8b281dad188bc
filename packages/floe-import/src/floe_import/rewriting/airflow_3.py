"""Write a DAG file for Airflow 3: ruff knows what it no longer accepts, and what replaces it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from floe_import.python.modules import Module
from floe_import.python.values import Symbol, Value
from floe_import.report import Finding, Place, Verdict, changed, finding_of, unknown
from floe_import.rewriting.dag_file import without_dead_code

_RULES = "AIR301,AIR302,AIR311,AIR312"
_NOT_CHECKED = unknown(
    "it is not checked for Airflow 3: install floe-orchestration[import], and import again"
)


@dataclass(frozen=True)
class _Outdated:
    """What ruff says of a line."""

    message: str
    line: int
    column: int

    @property
    def construct(self) -> str:
        return self.message.split("`")[1] if self.message.count("`") > 1 else "Airflow 3"


def write_for_airflow_3(module: Module, text: str) -> tuple[str, list[Finding]]:
    """Return a text in the place of a module's as Airflow 3 takes it, and what that changes."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    fixed = _run(ruff, text, "--fix-only", "--unsafe-fixes") if ruff else None
    if ruff is None or fixed is None:
        return text, [finding_of("FLI013", "file", Place(str(module.path)), _NOT_CHECKED)]
    in_use = {each.message for each in _outdated(ruff, text)}
    left = {each.message for each in _outdated(ruff, fixed)}
    findings = [
        finding_of(
            "FLI013",
            each.construct,
            Place(str(module.path), each.line, each.column),
            _verdict(each.message, is_left=each.message in left),
        )
        for each in _outdated(ruff, module.text)
        if each.message in in_use
    ]
    return without_dead_code(module, fixed, _is_of_airflow) if findings else text, findings


def _verdict(message: str, *, is_left: bool) -> Verdict:
    said = message.rstrip("; ").split("; ")[0]
    if not is_left:
        return changed(f"{said}: the written file has what replaces it")
    is_ignored = "still works" in message
    return changed(said) if is_ignored else unknown(f"{said}: decide what replaces it")


def _is_of_airflow(value: Value) -> bool:
    """Return whether an import that nothing reads goes: its module may be gone."""
    return isinstance(value, Symbol) and value.name.startswith("airflow.")


def _outdated(ruff: str, text: str) -> list[_Outdated]:
    found = json.loads(_run(ruff, text, "--output-format=json") or "[]")
    places = [(each["message"], each["location"]) for each in found]
    return [_Outdated(said, at["row"], at["column"]) for said, at in places]


def _run(ruff: str, text: str, *options: str) -> str | None:
    """Return what ruff prints about a text, None if it can't check it."""
    command = [ruff, "check", f"--select={_RULES}", "--isolated", "--preview", *options]
    done = subprocess.run(
        [*command, "--quiet", "--no-cache", "--exit-zero", "-"],
        input=text.encode(),
        capture_output=True,
        check=False,
    )
    return done.stdout.decode() if done.returncode == 0 else None
