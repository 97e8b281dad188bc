"""The calls of floe that replace the user's."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from floe_import.drafts import GroupDraft
from floe_import.python.arguments import Argument
from floe_import.python.modules import Module
from floe_import.python.values import REFERENCE, EnvText, is_plain
from floe_import.rewriting.edits import SourceText

_POSITIONAL = ("product", "folder")
_IN_AIRFLOW_3 = {"schedule_interval": "schedule", "concurrency": "max_active_tasks"}


@dataclass
class CallWriter:
    """Writes what replaces a call of a module.

    `imports` collects the lines that it needs, and `unwritten` the arguments that can't be passed.
    """

    module: Module
    replaced: ast.AST
    imports: set[str]
    unwritten: list[Argument]

    def call(self, made: Sequence[tuple[GroupDraft, str]], indent: str) -> str:
        """Return the call that replaces a group: a DAG of a product, or a group of tasks.

        `made` are its draft and the name of its product; in a loop, those of each turn. `indent` is
        what its line begins with.
        """
        draft = made[0][0]
        if draft.orchestrator == "prefect":
            return self._flow(made, indent)
        if draft.orchestrator == "dagster":
            return self._assets(draft, indent)
        name = "load_product_dag" if draft.is_own_dag else "floe_task_group"
        self.imports.add(f"from floe_orchestrator_airflow import {name}")
        turns = [(each.turn, self._arguments(each, product)) for each, product in made]
        return _laid_out(name, _chosen_arguments(turns), indent)

    def _arguments(self, draft: GroupDraft, product: str) -> dict[str, str]:
        """Return name -> source, for each argument of a call for Airflow."""
        found = {"product": repr(product)} if draft.is_own_dag else {}
        found["folder"] = self._folder(draft)
        if draft.job is not None:
            found["job"] = repr(draft.job)
        if draft.group_id is not None:
            found["group_id"] = self._text(draft.group_id)
        for each in draft.kept_of_call:
            if each.name != "default_args":
                found[_IN_AIRFLOW_3.get(each.name, each.name)] = self._text(each)
        if defaults := self._default_args(draft):
            found["default_args"] = defaults
        return found

    def _assets(self, draft: GroupDraft, indent: str) -> str:
        """Return the assignment that replaces a function of `dbt_assets`."""
        self.imports.add("from floe_orchestrator_dagster import floe_assets")
        kept = {each.name: self._text(each) for each in draft.kept_of_call}
        if draft.translator is not None:
            translator = self._text(draft.translator)
        else:
            # With it, keys, groups and code versions are those of dagster-dbt.
            self.imports.add("from dagster_dbt import DagsterDbtTranslator")
            translator = "DagsterDbtTranslator()"
        named = {"translator": translator, "name": repr(draft.name), **kept}
        parts = [self._folder(draft), *(f"{name}={text}" for name, text in named.items())]
        return f"{draft.name} = {_laid_out('floe_assets', parts, indent)}"

    def _flow(self, made: Sequence[tuple[GroupDraft, str]], indent: str) -> str:
        self.imports.add("from floe_orchestrator_prefect import floe_flow")
        turns = []
        for draft, _ in made:
            job = {"job": repr(draft.job)} if draft.job is not None else {}
            turns.append((draft.turn, {"folder": self._folder(draft), **job}))
        arguments = _chosen_arguments(turns)
        if not made[0][0].is_coroutine:
            return f"{_laid_out('floe_flow', arguments, indent)}()"
        self.imports.add("import asyncio")
        return f"{_laid_out('asyncio.to_thread(floe_flow', arguments, indent)})"

    def _default_args(self, draft: GroupDraft) -> str:
        whole = [each for each in draft.kept_of_call if each.name == "default_args"]
        texts = [self._text(each) for each in whole]
        single = [f"{each.name!r}: {self._text(each)}" for each in draft.kept_of_tasks]
        if not single:
            return texts[0] if texts else ""
        return "{" + ", ".join([*(f"**{text}" for text in texts), *single]) + "}"

    def _folder(self, draft: GroupDraft) -> str:
        if draft.folder is not None:
            return self._beside(draft.folder) or self._text(draft.folder)
        if "$" not in draft.project:
            return repr(draft.project)
        return self._of_environment(draft.project)

    def _beside(self, folder: Argument) -> str:
        """Return a folder of the user's repository that another file names, relative to this one.

        "" for any other: the path there may begin at that file.
        """
        path, roots = folder.value, {str(root) for root in self.module.roots}
        is_here = isinstance(path, str) and any(path.startswith(f"{root}/") for root in roots)
        if self._is_seen(folder) or not is_here:
            return ""
        self.imports.add("from pathlib import Path")
        here = str(self.module.path.absolute().parent)
        return f"Path(__file__).parent / {posixpath.relpath(path, here)!r}"

    def _of_environment(self, text: str) -> str:
        """Return the source of a text with environment variables, which may have defaults."""
        self.imports.add("import os")
        if ":-" not in text:
            return f"os.path.expandvars({str(text)!r})"
        parts, end = [], 0
        for found in REFERENCE.finditer(text):
            parts += [repr(text[end : found.start()]), _variable(found)]
            end = found.end()
        source = " + ".join(each for each in [*parts, repr(text[end:])] if each != "''")
        return f"os.path.expandvars({source})" if "$" in REFERENCE.sub("", text) else source

    def _is_seen(self, argument: Argument) -> bool:
        """Return whether the source of an argument means the same where the call is written."""
        module = self.module
        if argument.node is None or argument.module is not module:
            return False
        for name in (each for each in ast.walk(argument.node) if isinstance(each, ast.Name)):
            owner = module.owner_of(name.id, name)
            is_here = owner is module.owner_of(name.id, self.replaced)
            if not is_here and not module.is_in(owner, argument.node):
                return False
        return True

    def _text(self, argument: Argument) -> str:
        """Return the source of an argument, or its value if its names mean nothing here."""
        if argument.node is not None and self._is_seen(argument):
            return SourceText(self.module.text).text_of(argument.node)
        if isinstance(argument.value, EnvText):
            return self._of_environment(argument.value)
        if is_plain(argument.value):
            return repr(argument.value)
        if isinstance(argument.node, ast.expr):
            self.unwritten.append(argument)
        return repr(None)


def _variable(found: re.Match[str]) -> str:
    name, default = found[1], found[2]
    return f"os.environ[{name!r}]" if default is None else f"os.getenv({name!r}, {default!r})"


def _chosen_arguments(
    turns: Sequence[tuple[tuple[str, str | int] | None, Mapping[str, str]]],
) -> list[str]:
    """Return the arguments of a call; `turns` have what tells each of them, and name -> source."""
    names = {key: None for _, given in turns for key in given}
    parts = [(key, _chosen([(turn, given.get(key)) for turn, given in turns])) for key in names]
    return [text if key in _POSITIONAL else f"{key}={text}" for key, text in parts]


def _chosen(texts: Sequence[tuple[tuple[str, str | int] | None, str | None]]) -> str:
    """Return a source, or where the turns of a loop have others, what chooses between them.

    `texts` are what tells each turn from the others, and its source, None where it has none.
    """
    first = texts[0][0]
    if first is None or len({text for _, text in texts}) == 1:
        return str(texts[0][1])
    by_value = {turn[1]: text for turn, text in texts if turn is not None}
    if all(text == repr(value) for value, text in by_value.items()):
        return first[0]
    listed = ", ".join(f"{value!r}: {text}" for value, text in by_value.items())
    return f"{{{listed}}}[{first[0]}]"


def _laid_out(name: str, arguments: list[str], indent: str) -> str:
    """Return a call on one line, or with one line for each argument if it is long."""
    short = f"{name}({', '.join(arguments)})"
    if len(indent + short) <= 90 and "\n" not in short:
        return short
    lines = [f"{name}(", *(f"{indent}    {each}," for each in arguments), f"{indent})"]
    return "\n".join(lines)
