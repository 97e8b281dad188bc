"""Drop the schemas of sides at the end of a run, and those of killed runs.

Before a side runs, the name that its schemas share is recorded in the product's state folder,
beside a lock that the process holds. The lock ends with the process: a name whose lock is free
belongs to a killed run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.files import write_together
from floe_core.storage.state_folder import journal_folder, place_below, state_folder
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.credentials import place_of
from floe_core.warehouse.warehouse import Warehouse
from floe_parity.sides.scratch import Scratch

Tell = Callable[[str], None]


@contextmanager
def dropped_afterwards(
    product_dir: Path, artifacts: CompiledArtifacts, scratch: Scratch, tell: Tell
) -> Iterator[None]:
    """Drop the side's schemas when the block ends, however it ends, and those of killed runs.

    The latter are also dropped before the block; `tell` receives their names. Processes of a killed
    run may live a little longer than it, so its schemas are dropped again afterwards.

    Raises:
        EnvironmentProblemError: The warehouse can't be reached, or the state folder not written.
    """
    owner = scratch.owner
    journal = journal_folder(product_dir, owner)
    place = place_of(artifacts.dbt, artifacts.folder)
    with ExitStack() as locks:
        killed = _lock_killed(journal, owner, place, locks, tell)
        with open_warehouse(artifacts.dbt, artifacts.folder) as warehouse:
            _drop_and_report(warehouse, killed, owner, tell)
            _report_others(warehouse, owner, journal, tell)
        _write_down(journal, scratch.base, place, locks)
        try:
            yield
        finally:
            with open_warehouse(artifacts.dbt, artifacts.folder) as warehouse:
                drop(warehouse, [*killed, scratch.base])
            _forget(journal, [*killed, scratch.base])


def drop_left(product_dir: Path, artifacts: CompiledArtifacts, owner: str, tell: Tell) -> None:
    """Drop the schemas of killed runs; `tell` receives their names.

    Raises:
        EnvironmentProblemError: The warehouse can't be reached.
    """
    journal = place_below(state_folder(product_dir), owner)
    with ExitStack() as locks:
        killed = _lock_killed(
            journal, owner, place_of(artifacts.dbt, artifacts.folder), locks, tell
        )
        if not killed:
            return
        with open_warehouse(artifacts.dbt, artifacts.folder) as warehouse:
            _drop_and_report(warehouse, killed, owner, tell)
        _forget(journal, killed)


def _drop_and_report(warehouse: Warehouse, killed: list[str], owner: str, tell: Tell) -> None:
    for schema in drop(warehouse, killed):
        tell(f"dropped the schema {schema}, left by a {owner} run that was killed")


def _forget(journal: Path, bases: Iterable[str]) -> None:
    for base in bases:
        _entry(journal, base).unlink()
        _lock_file(journal, base).unlink()


def drop(warehouse: Warehouse, bases: Iterable[str]) -> list[str]:
    """Drop the schemas of sides, with all that is in them; return their names."""
    found = [schema for base in bases for schema in warehouse.list_schemas(base)]
    for schema in found:
        warehouse.drop_schema(schema)
    return found


def _write_down(journal: Path, base: str, place: str, locks: ExitStack) -> None:
    locks.enter_context(FileLock(_lock_file(journal, base)))
    write_together(journal, {_entry(journal, base).name: json.dumps({"in": place}).encode()})


def _lock_killed(journal: Path, owner: str, place: str, locks: ExitStack, tell: Tell) -> list[str]:
    """Return the names that killed runs recorded, and take their locks."""
    found = []
    for entry in sorted(journal.glob(f"{Scratch.prefix(owner)}*.json")):
        base = entry.stem
        try:
            locks.enter_context(FileLock(_lock_file(journal, base), timeout=0))
        except Timeout:
            continue
        where = json.loads(entry.read_bytes())["in"]
        if where == place:
            found.append(base)
        else:
            tell(f"a {owner} run that was killed may have left schemas {base}* in {where}")
    return found


def _report_others(warehouse: Warehouse, owner: str, journal: Path, tell: Tell) -> None:
    """Report schemas that are in no journal here: of a run elsewhere, which may be alive."""
    prefix = Scratch.prefix(owner)
    known = [entry.stem for entry in journal.glob(f"{prefix}*.json")]
    others = [s for s in warehouse.list_schemas(prefix) if not any(base in s for base in known)]
    if others:
        tell(
            f"there are schemas of {owner} runs that were started elsewhere: {', '.join(others)}; "
            "drop them unless those are still running"
        )


def _entry(journal: Path, base: str) -> Path:
    return journal / f"{base}.json"


def _lock_file(journal: Path, base: str) -> Path:
    return journal / f"{base}.lock"
