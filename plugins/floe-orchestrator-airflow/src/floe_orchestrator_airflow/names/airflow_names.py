"""The names of a product's parts on Airflow: DAGs, tasks, runs and XComs, and the file it parses.

Tasks are named after nodes and groups: short if unambiguous, unique, and valid in Airflow. Every
process of Airflow imports this, through the timetable, so it imports nothing that takes long.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from floe_core.plugin_api.powers import EntryPointFile
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.nodes import Node
    from floe_core.schemas.partitions import Partitions
    from floe_core.schemas.policies import Job


FILENAME = "dag.py"

_DAG_FILE = '''"""The Airflow DAGs of the product {product}, written by `floe compile`.

Airflow looks for the words "airflow" and "dag" in a file. What the DAGs hold is read from
compiled_artifacts.json in {where}.
"""

from pathlib import Path

from airflow.sdk import DAG

from floe_orchestrator_airflow import load_product_dags

DAGS: list[DAG] = load_product_dags("{product}", {folder})
globals().update({{dag.dag_id: dag for dag in DAGS}})
'''

# XComs of the build task that report its progress.
PROGRESS_HEAD = "floe_progress"
# When the current try of the build began, in seconds since 1970.
BUILD_BEGAN = "floe_began"

PARTITION_KEYS = "partition_keys"

_MARK = "__epoch-"

BUILD = "dbt_build"
OUTCOME = "outcome"
MAX_LENGTH = 200

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.\-]")


def task_ids(nodes: Iterable[Node]) -> dict[str, str]:
    """Return node id -> task id, in the order of the nodes.

    A task has its node's name, with its package or the whole id if names clash with each other or
    with floe's own tasks.
    """
    remaining = list(nodes)
    found: dict[str, str] = {}
    taken = {BUILD, OUTCOME}
    for naming in (_label, _label_in_package, _whole_id):
        proposals = {node.unique_id: _fit(naming(node)) for node in remaining}
        counts = Counter(proposals.values())
        clear = {i for i, name in proposals.items() if counts[name] == 1 and name not in taken}
        found.update((i, proposals[i]) for i in proposals if i in clear)
        taken.update(proposals[i] for i in clear)
        remaining = [node for node in remaining if node.unique_id not in clear]
    found.update((node.unique_id, _add_hash(node.unique_id)) for node in remaining)
    return {node_id: found[node_id] for node_id in sorted(found)}


def group_task_ids(names: Sequence[str]) -> dict[str, str]:
    """Return name of a group -> task id, in the order given."""
    taken = {BUILD, OUTCOME}
    found: dict[str, str] = {}
    for name in names:
        fitted = _fit(name)
        found[name] = _add_hash(name) if fitted in taken else fitted
        taken.add(found[name])
    return found


def _label(node: Node) -> str:
    return node.label


def _label_in_package(node: Node) -> str:
    return f"{node.package}.{node.label}"


def _whole_id(node: Node) -> str:
    return node.unique_id


def _fit(text: str) -> str:
    fitted = _FORBIDDEN.sub("_", text)
    return fitted if len(fitted) <= MAX_LENGTH else _add_hash(text)


def _add_hash(text: str) -> str:
    digest = sha256(text.encode()).hexdigest()[:12]
    return f"{_FORBIDDEN.sub('_', text)[: MAX_LENGTH - 13]}_{digest}"


def dag_id(artifacts: CompiledArtifacts, job: Job) -> str:
    """Return the product's name for the job of the same name, `<product>.<job>` for others."""
    product = artifacts.product.name
    return product if job.name == product else f"{product}.{job.name}"


def owned_run_id(run_id: str, epoch: int) -> str:
    """Return the id of a run that has to claim its tick.

    >>> owned_run_id("scheduled__2026-11-30T06:00:00+00:00", 2)
    'scheduled__2026-11-30T06:00:00+00:00__epoch-2'
    """
    return f"{run_id}{_MARK}{epoch}"


def has_to_claim(run_id: str) -> bool:
    """Return whether the run of an id has to claim its tick."""
    return _MARK in run_id


def keyed_partitions(artifacts: CompiledArtifacts, job: Job) -> Partitions | None:
    """Return the partitions of a job whose runs have their key, None if runs have none.

    They have one only if `plugins.orchestrator.config` of the manifest asks for it: an asset event
    of such a run starts no DAG that is not partitioned itself.
    """
    wants_keys = artifacts.orchestrator.config.get(PARTITION_KEYS)
    return artifacts.partitions_of(job) if wants_keys else None


def segment_key(attempt: int, number: int) -> str:
    """Return the key of a segment of progress; segments count from 0 in each attempt."""
    return f"{PROGRESS_HEAD}_{attempt}_{number}"


def entry_point_text(product_name: str, folder: Path | None = None) -> str:
    """Return the text of the file; only the product's name in it varies.

    With a `folder`, return a file that is elsewhere and loads the product from that folder.
    """
    where = "this folder, which may be moved as a whole" if folder is None else "that folder"
    place = "Path(__file__).resolve().parent" if folder is None else f"Path({str(folder)!r})"
    return _DAG_FILE.format(product=product_name, folder=place, where=where)


def dag_file(product_name: str) -> EntryPointFile:
    """Return the file that Airflow parses to find the DAGs of a product in its folder."""
    from floe_core.plugin_api.powers import EntryPointFile

    return EntryPointFile(FILENAME, entry_point_text(product_name))


def is_entry_point(path: Path, product_name: str) -> bool:
    """Return whether a file is the one that floe writes for the product, not the team's own."""
    return path.read_text("utf-8", errors="replace").endswith(entry_point_text(product_name))
