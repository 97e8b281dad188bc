"""Read a compiled folder: ignore fields of a newer minor version, be strict about the rest."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from floe_core.foundation.errors import EnvironmentProblemError, Problem, StaleProductError
from floe_core.foundation.garbage_collection import collector_at_rest
from floe_core.schemas.artifacts_fields import (
    ARTIFACTS_FILE,
    DBT_MANIFEST_FILE,
    SCHEMA_VERSION,
    ArtifactsFields,
)

A = TypeVar("A", bound=ArtifactsFields)
_VERSION = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}")
RECOMPILE = "run `floe compile` in the product folder"


def load_fields(model: type[A], project_dir: Path) -> A:
    """Return the artifacts of a compiled folder, bound to it. See `CompiledArtifacts.load`."""
    file = project_dir / ARTIFACTS_FILE
    artifacts = read_fields(model, file)
    _check_jobs(artifacts, file)
    _check_dbt_project(artifacts, project_dir)
    _check_dbt_manifest(artifacts, project_dir)
    return artifacts.bound_to(project_dir)


def read_fields(model: type[A], file: Path) -> A:
    """Return the artifacts of a file, bound to no folder. See `read_artifacts`."""
    return fields_in(model, _read_bytes(file), file)


def fields_in(model: type[A], text: bytes, shown_as: Path) -> A:
    """Return the artifacts in a text. See `artifacts_in`."""
    with collector_at_rest():
        return _validate(model, _json_in(model, text, shown_as), shown_as)


def _json_in(model: type[ArtifactsFields], text: bytes, path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 0)
        raise _stale(f"it is not complete JSON ({error})", path, line) from None
    except RecursionError:
        raise _stale("it is nested too deep to be read", path) from None
    if not isinstance(fields, dict):
        raise _stale("it holds no JSON object", path)
    return _of_readable_version(model, fields, path)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _stale("the file is missing", path) from None
    except OSError as error:
        raise EnvironmentProblemError(f"{path}: cannot be read: {error.strerror}") from error


def _of_readable_version(
    model: type[ArtifactsFields], fields: dict[str, Any], path: Path
) -> dict[str, Any]:
    """Return the fields that this floe knows; refuse a version that it cannot interpret."""
    version = fields.get("schema_version")
    if not (isinstance(version, str) and _VERSION.fullmatch(version)):
        raise _stale(
            f"schema_version is {repr(version)[:80]}, not a version such as {SCHEMA_VERSION}", path
        )
    major, _, minor = version.partition(".")
    our_major, our_minor = (int(part) for part in SCHEMA_VERSION.split("."))
    if int(major) != our_major:
        raise StaleProductError(
            [
                Problem(
                    what=f"schema version {version}, but this floe reads {our_major}.x",
                    fix=f"install the floe that wrote it, or {RECOMPILE} with this one",
                    file=str(path),
                )
            ]
        )
    return _drop_unknown_fields(model, fields, path) if int(minor) > our_minor else fields


def _drop_unknown_fields(
    model: type[ArtifactsFields], fields: dict[str, Any], path: Path
) -> dict[str, Any]:
    """Return the fields without those that a newer minor version added, at any depth."""
    dropped: list[str] = []
    while True:
        try:
            model.model_validate(fields)
        except ValidationError as error:
            extra = [e["loc"] for e in error.errors() if e["type"] == "extra_forbidden"]
            if not extra:
                break
            for location in extra:
                _drop(fields, location)
                dropped.append(".".join(str(step) for step in location))
        else:
            break
    if dropped:
        names = ", ".join(sorted(set(dropped)))
        what = f"written by a newer floe; left out what this one does not know: {names}"
        warnings.warn(f"{path}: {what}", stacklevel=2)
    return fields


def _drop(fields: Any, location: tuple[int | str, ...]) -> None:
    for step in location[:-1]:
        fields = fields[step]
    fields.pop(location[-1], None)


def _validate(model: type[A], fields: dict[str, Any], path: Path) -> A:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise StaleProductError(
            Problem(
                what=f"{'.'.join(str(step) for step in found['loc'])}: {found['msg'].lower()}",
                fix=RECOMPILE,
                file=str(path),
            )
            for found in error.errors()
        ) from None


def _check_jobs(artifacts: ArtifactsFields, path: Path) -> None:
    for job in artifacts.jobs:
        unknown = [each for each in job.node_ids or () if each not in artifacts.by_id]
        if unknown:
            raise _stale(
                f"job '{job.name[:80]}' runs {unknown[0][:200]}, which is not a node", path
            )


def _check_dbt_project(artifacts: ArtifactsFields, project_dir: Path) -> None:
    if not artifacts.dbt.profiles_dir:
        # It stays where dbt finds it.
        return _check_is_there(project_dir / "dbt_project.yml")
    folder = Path(artifacts.dbt.profiles_dir)
    if folder.is_absolute() or ".." in folder.parts:
        what = f"dbt.profiles_dir: {str(folder)[:200]} is outside of the product's folder"
        raise _stale(what, project_dir / ARTIFACTS_FILE)
    _check_is_there(project_dir / folder / "profiles.yml")
    _check_is_there(project_dir / "dbt_project.yml")


def _check_is_there(path: Path) -> None:
    try:
        is_there = path.is_file()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        raise _stale("the file is missing", path)


def _check_dbt_manifest(artifacts: ArtifactsFields, project_dir: Path) -> None:
    path = project_dir / DBT_MANIFEST_FILE
    if hashlib.sha256(_read_bytes(path)).hexdigest() != artifacts.dbt_manifest_sha256:
        what = "it is not the dbt manifest that the product was compiled with"
        fix = f"{RECOMPILE}; other calls of dbt there need a --target-path of their own"
        raise _stale(what, path, fix=fix)


def _stale(what: str, path: Path, line: int = 0, fix: str = RECOMPILE) -> StaleProductError:
    return StaleProductError([Problem(what=what, fix=fix, file=str(path), line=line)])
