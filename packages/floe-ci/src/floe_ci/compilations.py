"""The product before and after a change, each compiled into a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from floe_core.compiler.compile_product import CompiledProduct, prepare_product
from floe_core.compiler.profile import Profile
from floe_core.schemas.compiled_artifacts import DBT_MANIFEST_FILE, CompiledArtifacts
from floe_core.storage.files import write_together
from floe_diff.data.places import Place

STATE_FILE = "manifest.json"


@dataclass(frozen=True)
class Compilation:
    """A compiled product; `manifest` is dbt's (v12), `source` the folder it was compiled from.

    `job` is the job that its nodes are built in.
    """

    artifacts: CompiledArtifacts
    manifest: Mapping[str, Any]
    source: Path
    job: str

    def write_state(self, folder: Path) -> Path:
        """Write dbt's manifest as `dbt --state` takes it, and return the folder.

        The compiled manifest has nulls for times and ids of a run, which dbt refuses.
        """
        fields = self.manifest["metadata"].items()
        metadata = {name: value for name, value in fields if value is not None}
        content = {**self.manifest, "metadata": metadata}
        folder.mkdir()
        write_together(folder, {STATE_FILE: json.dumps(content).encode()})
        return folder

    def place(self, name: str) -> Place:
        """Return where its tables are, under a name for people."""
        return Place(name, self.artifacts, self.manifest, self.artifacts.folder)


def compile_at(
    source: Path,
    folder: Path,
    change_profile: Callable[[Profile], Profile],
    check: Callable[[CompiledProduct], None] = lambda compiled: None,
    *,
    reuse: bool | None = None,
    job: str = "",
) -> Compilation:
    """Compile a copy of the product into `folder`. `check` may refuse it before it is written.

    `job` is the product's first if it is not given.

    Raises:
        InvalidProductError: The files of the product or the platform are wrong: every problem.
    """
    compiled = prepare_product(
        source, out=folder, refuses_losses=False, change_profile=change_profile, reuse=reuse
    )
    check(compiled)
    manifest = json.loads(compiled.files[DBT_MANIFEST_FILE])
    artifacts = compiled.write()
    return Compilation(artifacts, manifest, source, job or artifacts.jobs[0].name)
