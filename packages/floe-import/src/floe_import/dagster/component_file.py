"""Read a `defs.yaml` with a DbtProjectComponent, and write the definitions that replace it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from floe_core.user_yaml.source_map import Document, Location, read_document
from floe_import.dbt_commands.command_line import read_command
from floe_import.drafts import GroupDraft
from floe_import.python.values import has_template
from floe_import.report import Finding, Place, Verdict, changed, exact, finding_of, unknown

TYPE = "dagster_dbt.DbtProjectComponent"
_ROOT = re.compile(r"^\{\{\s*(?:context\.)?project_root\s*\}\}/?")
_NO_RULE = unknown("no rule reads it: decide what it is to become")
_KEPT = {"select": "select", "exclude": "exclude"}
# Replaced by the component, or added to what the translator says.
_REPLACED, _ADDED = ("group_name", "owners"), ("tags",)


@dataclass
class ComponentFile:
    """A component file that was read: its draft, and a finding for each of its keys.

    `named` are arguments of `floe_assets`, `spec` those that each asset's spec is given, and
    `settings` those of the translator, as their Python source.
    """

    document: Document
    draft: GroupDraft
    folder: str = ""
    findings: list[Finding] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)
    spec: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The component file."""
        return self.document.path

    def items(self, location: Location) -> Iterator[tuple[str, Any, Place]]:
        """Yield the keys of a mapping with their values and places."""
        mapping: Any = self.document.data
        for part in location:
            mapping = mapping[part]
        for key, value in mapping.items():
            spot = self.document.spots[(*location, key)]
            yield str(key), value, Place(str(self.file), spot.key_line, spot.key_column)

    def say(self, code: str, construct: str, at: Place, verdict: Verdict) -> None:
        """Report a key; what is unknown leaves the component undecided."""
        self.draft.is_undecided |= verdict.disposition == "unknown"
        self.findings.append(finding_of(code, construct, at, verdict))

    def text(self) -> str:
        """Return the source of the definitions that take the component's place."""
        settings = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        translator = f"Translator(DagsterDbtTranslatorSettings({settings}))"
        parts = [f"    {self.folder},", f"    translator={translator},"]
        parts += [f"    {name}={value}," for name, value in self.named.items()]
        return _TEMPLATE.format(
            name=self.file.name,
            spec=self._call("replace", _REPLACED) + self._call("merge", _ADDED),
            arguments="\n".join(parts),
        )

    def _call(self, verb: str, names: tuple[str, ...]) -> str:
        given = [f"{name}={text}" for name, text in self.spec.items() if name in names]
        return f".{verb}_attributes({', '.join(given)})" if given else ""


_TEMPLATE = '''"""What {name} defined, built by floe."""

from pathlib import Path

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings
from floe_orchestrator_dagster import floe_assets


class Translator(DagsterDbtTranslator):
    """The translation of the component."""

    def get_asset_spec(self, manifest, unique_id, project):
        """Return the spec of a node."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec{spec}


dbt_assets = floe_assets(
{arguments}
)
defs = dg.Definitions(assets=[dbt_assets])
'''


def read_component(file: Path) -> ComponentFile | None:
    """Return what a component file says, None if it has no dbt project.

    Raises:
        InvalidProductError: It is not valid YAML.
        EnvironmentProblemError: It can't be read.
    """
    document = read_document(file, str(file))
    if document.data.get("type") != TYPE:
        return None
    draft = GroupDraft(Place(str(file), 1, 1), file.absolute().parent.name, orchestrator="dagster")
    draft.installs_packages = False
    found = ComponentFile(document, draft)
    for key, value, at in found.items(()):
        if key == "type":
            found.say("DGC001", key, at, exact("its definitions take the component's place"))
        elif key == "attributes" and isinstance(value, dict):
            for each in found.items((key,)):
                _read_attribute(found, *each)
        elif key == "requirements":
            found.say("DGC002", key, at, exact("it says what the component needs to load"))
        else:
            found.say("DGC000", key, at, _NO_RULE)
    return found


def _read_attribute(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    reader = _READERS.get(key)
    if reader is None:
        found.say("DGC000", key, at, _NO_RULE)
    elif key != "project" and has_template(value):
        found.say("DGC100", key, at, unknown("Dagster renders its template: decide its value"))
    elif key in _MAPPINGS and not isinstance(value, dict):
        found.say("DGC000", key, at, unknown("it is not a mapping: decide what it is to become"))
    else:
        reader(found, key, value, at)


def _project(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    if isinstance(value, dict):
        for name, each, place in found.items(("attributes", "project")):
            if name == "project_dir":
                _project_dir(found, str(each), place)
            elif name in ("target", "profile", "profiles_dir") and not has_template(each):
                setattr(found.draft, name, str(each))
                found.say("DGC101", name, place, exact("the profile and target of dbt"))
            else:
                found.say("DGC000", name, place, _NO_RULE)
    else:
        _project_dir(found, str(value), at)


def _project_dir(found: ComponentFile, text: str, at: Place) -> None:
    folder = found.file.absolute().parent
    if _ROOT.match(text):
        root = next((p for p in folder.parents if (p / "pyproject.toml").exists()), None)
        text = str((root or folder) / _ROOT.sub("", text)) if root else text
    if has_template(text):
        found.say("DGC100", "project", at, unknown("Dagster renders its path: decide where it is"))
        return
    found.draft.project = os.path.normpath(folder / text)
    relative = os.path.relpath(found.draft.project, folder)
    found.folder = f"Path(__file__).parent / {relative!r}"
    found.say("DGC101", "project", at, exact("the folder of the product"))


def _kept(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    if value:
        found.named[_KEPT[key]] = repr(str(value))
    found.say("DGC102", key, at, exact("an argument of floe_assets"))


def _op(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    for name, each, place in found.items(("attributes", key)):
        if name in ("name", "tags"):
            found.named["name" if name == "name" else "op_tags"] = repr(each)
            found.say("DGC103", f"op.{name}", place, exact("an argument of floe_assets"))
        else:
            found.say("DGC000", f"op.{name}", place, _NO_RULE)


def _cli_args(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    words = value
    if not isinstance(words, list) or not all(isinstance(each, str) for each in words):
        found.say("DGC104", key, at, unknown("it is not a list of words: decide what dbt runs"))
        return
    draft = found.draft
    for word in read_command(words, draft):
        found.say(word.code, word.text, at, word.verdict)
    if any([draft.only, draft.select, draft.exclude, draft.selector, draft.full_refresh]):
        found.say("DGC104", key, at, unknown("it narrows the assets: decide on their `select`"))


def _include_metadata(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    for each in value if isinstance(value, list) else [value]:
        if each == "row_count":
            found.say("DGC105", each, at, exact("materializations have `dagster/row_count`"))
        else:
            found.say("DGC105", str(each), at, changed("`columns=` of floe_assets says what of it"))


def _translation(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    for name, each, place in found.items(("attributes", key)):
        if name in (*_REPLACED, *_ADDED):
            found.spec[name] = repr(each)
            found.say("DGC106", f"translation.{name}", place, exact("the translator sets it"))
        else:
            said = unknown("write it as a method of a DagsterDbtTranslator")
            found.say("DGC106", f"translation.{name}", place, said)


def _settings(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    for name, each, place in found.items(("attributes", key)):
        found.settings[name] = repr(each)
        found.say("DGC107", f"{key}.{name}", place, exact("a setting of the translator"))


def _prepare(found: ComponentFile, key: str, value: Any, at: Place) -> None:
    found.say("DGC108", key, at, exact("`floe compile` prepares the project"))


_MAPPINGS = ("op", "translation", "translation_settings")
_READERS = {
    "project": _project,
    "select": _kept,
    "exclude": _kept,
    "op": _op,
    "cli_args": _cli_args,
    "include_metadata": _include_metadata,
    "translation": _translation,
    "translation_settings": _settings,
    "prepare_if_dev": _prepare,
}
