"""The folder for the state of a product's runs, wherever the product's own folder is."""

from __future__ import annotations

import errno
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from floe_core.foundation.errors import EnvironmentProblemError, FloeError
from floe_core.storage.files import read_regular, write_together, write_whole

_ARTIFACTS, _FLOE, _DBT_PROJECT = "compiled_artifacts.json", "floe.yaml", "dbt_project.yml"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class ProductIdentity:
    """A product's name, and the name of its dbt project, "" if that is not known."""

    name: str
    dbt_project: str


def identity_of(folder: Path) -> ProductIdentity | None:
    """Return the product in a folder: from its artifacts, or from floe.yaml before a compile.

    None if neither names one.
    """
    folder = folder.absolute()
    for read, file in ((_read_compiled, _ARTIFACTS), (_read_written, _FLOE)):
        try:
            at = (folder / file).stat()
        except OSError:
            continue
        found = read(folder, at.st_mtime_ns, at.st_size)
        if found is not None and _NAME.fullmatch(found.name):
            return found
    return None


@lru_cache(maxsize=64)
def _read_compiled(folder: Path, modified: int, size: int) -> ProductIdentity | None:
    """Return the identity in the artifacts; the last two arguments are those of the file read."""
    try:
        fields = json.loads((folder / _ARTIFACTS).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return _identity(_member(fields, "product", "name"), _member(fields, "dbt", "project_name"))


@lru_cache(maxsize=64)
def _read_written(folder: Path, modified: int, size: int) -> ProductIdentity | None:
    """Return the identity in the user's files; the last two arguments are those of floe.yaml."""
    from floe_core.user_yaml.dbt_yaml import read_dbt_document
    from floe_core.user_yaml.source_map import read_document

    try:
        spec = read_document(folder / _FLOE, _FLOE).data
        project = read_dbt_document(folder / _DBT_PROJECT, _DBT_PROJECT).data
    except (FloeError, OSError):
        return None
    return _identity(_member(spec, "metadata", "name"), _member(project, "name"))


def _identity(name: Any, dbt_project: Any) -> ProductIdentity | None:
    project = dbt_project if isinstance(dbt_project, str) else ""
    return ProductIdentity(name, project) if isinstance(name, str) else None


def _member(fields: Any, *keys: str) -> Any:
    for key in keys:
        fields = fields.get(key) if isinstance(fields, dict) else None
    return fields


STATE_DIR_VARIABLE = "FLOE_STATE_DIR"
# Records which product a folder below FLOE_STATE_DIR belongs to.
OWNER_FILE = "product.json"
_RUNS = "runs"


def state_folder(project_dir: Path) -> Path:
    """Return the folder for a product's runs, created if missing and ignored by git.

    `.floe` inside the compiled folder, or `$FLOE_STATE_DIR/<product name>` if that is set, for
    folders that are not writable.

    Raises:
        EnvironmentProblemError: The folder cannot be created or written.
    """
    folder = state_place(project_dir)
    try:
        make_ignored(folder)
    except OSError as error:
        raise _not_writable(folder, error.strerror) from error
    _note_owner(folder, project_dir)
    return folder


def make_ignored(folder: Path) -> None:
    """Create a folder that git ignores, if it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        write_whole(ignore, b"*\n")


def state_place(project_dir: Path) -> Path:
    """Return where a product's state is, or would be; create nothing. See `place_below`."""
    chosen = os.environ.get(STATE_DIR_VARIABLE)
    if not chosen:
        return place_below(project_dir, ".floe")
    identity = identity_of(project_dir)
    return Path(chosen) / (identity.name if identity else project_dir.absolute().name)


def run_folder(project_dir: Path, run_id: str) -> Path:
    """Return the folder of one run, created if missing. Any text is valid as a run id.

    Raises:
        EnvironmentProblemError: The folder cannot be created.
    """
    folder = place_below(state_folder(project_dir), _of_run(run_id))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error.strerror) from error
    return folder


def place_below(state: Path, name: str) -> Path:
    """Return the place of a folder below that of the state, to write to; create nothing.

    Raises:
        EnvironmentProblemError: A link is in its place, or on the way to it.
    """
    place = state
    for part in PurePath(name).parts:
        place /= part
        if place.is_symlink():
            raise EnvironmentProblemError(
                f"{place}: is a link, which floe does not follow; remove it"
            )
    return place


def run_place(project_dir: Path, run_id: str) -> Path:
    """Return where the folder of one run is, or would be; create nothing."""
    return state_place(project_dir) / _of_run(run_id)


def runs_place(project_dir: Path) -> Path:
    """Return where the folders of all runs are, or would be; create nothing."""
    return state_place(project_dir) / _RUNS


def journal_folder(project_dir: Path, name: str) -> Path:
    """Return a folder of the state folder for what a killed command leaves, created if missing.

    Raises:
        EnvironmentProblemError: The folder cannot be created or written.
    """
    folder = place_below(state_folder(project_dir), name)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise _not_writable(folder, error.strerror) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _not_writable(folder, os.strerror(errno.EACCES))
    return folder


def shared_state(project_dir: Path) -> str:
    """Return what is wrong if a product of the same name has the same state; "" if none has.

    Products are told apart by their dbt projects, since the path of a folder may change with each
    version of a product.
    """
    identity, folder = identity_of(project_dir), state_place(project_dir)
    owner = _owner(folder / OWNER_FILE)
    if identity is None or not identity.dbt_project or owner in ("", identity.dbt_project):
        return ""
    return (
        f"{folder} belongs to another product named {identity.name}, with the dbt project {owner} "
        f"instead of {identity.dbt_project}: their runs and reuse are mixed up; rename one, or set "
        f"another {STATE_DIR_VARIABLE}; if the dbt project was renamed, remove "
        f"{folder / OWNER_FILE}"
    )


def _of_run(run_id: str) -> str:
    """Return the folder of a run below that of the state.

    >>> [_of_run(each) for each in ("r-1", "..", "../x", "")]
    ['runs/r-1', 'runs/%2E%2E', 'runs/..%2Fx', 'runs/%']
    """
    name = quote(run_id, safe=" ")
    return f"{_RUNS}/{name if name.strip('.') else name.replace('.', '%2E') or '%'}"


def _note_owner(folder: Path, project_dir: Path) -> None:
    """Record the product in its folder below `FLOE_STATE_DIR`, unless one is recorded there."""
    if not os.environ.get(STATE_DIR_VARIABLE) or (folder / OWNER_FILE).exists():
        return
    identity = identity_of(project_dir)
    if identity is not None:
        # A folder that cannot be written is reported by what needs to write to it.
        with suppress(EnvironmentProblemError):
            write_together(folder, {OWNER_FILE: _text_of(identity)})


def _text_of(identity: ProductIdentity) -> bytes:
    fields = {"product": identity.name, "dbt_project": identity.dbt_project}
    return (json.dumps(fields) + "\n").encode()


def _owner(file: Path) -> str:
    """Return the dbt project of the recorded product, "" if none is known."""
    try:
        fields = json.loads(read_regular(file))
    except (OSError, EnvironmentProblemError, ValueError, RecursionError):
        return ""
    found = fields.get("dbt_project") if isinstance(fields, dict) else ""
    return found if isinstance(found, str) else ""


def _not_writable(folder: Path, reason: str | None) -> EnvironmentProblemError:
    return EnvironmentProblemError(
        f"{folder}: cannot be written ({reason}); set {STATE_DIR_VARIABLE} to a folder that can"
    )
