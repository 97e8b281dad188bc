"""dbt's catalog and its documentation site, as `dbt docs generate` writes them after a run."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Mapping
from pathlib import Path

from floe_artifacts.run_set import CATALOG, SITE
from floe_core.dbt.ask import ask_dbt
from floe_core.dbt.invocation import command_invocation, invocation
from floe_core.dbt.messages import text_of_error
from floe_core.dbt.preloaded_manifest import preload_manifest
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import run_folder

# The site shows the code in the run's manifest.
_WORDS = ("docs", "generate", "--no-compile")
# It has no site of its own; dbt 1's reads its files.
_WORDS_OF_DBT_2 = ("compile", "--write-catalog")


def documentation(artifacts: CompiledArtifacts, request: BuildRequest) -> Mapping[str, bytes]:
    """Return dbt's catalog and, from dbt 1, its site; this reads the warehouse.

    Raises:
        EnvironmentProblemError: dbt fails, or is missing.
    """
    folder = run_folder(artifacts.folder, request.run_id)
    with tempfile.TemporaryDirectory(dir=folder, prefix="docs-") as work:
        words = _WORDS if artifacts.dbt.major_version < 2 else _WORDS_OF_DBT_2
        call = command_invocation(artifacts, request, words, Path(work))
        kept = invocation(artifacts, request, (), is_selected=False).parsed_file
        is_kept = kept and not call.executable
        parse = preload_manifest(artifacts.folder, artifacts.dbt.version, kept) if is_kept else None
        answer = ask_dbt(call, parse.manifest if parse else None)
        gc.collect()  # See `release_adapters`.
        if answer.problem:
            why = text_of_error(answer.problem).strip()
            raise EnvironmentProblemError(f"dbt {words[0]}: {why}")
        written = {path.name: path.read_bytes() for path in Path(work).glob("*.*")}
    if CATALOG not in written:
        raise EnvironmentProblemError(f"dbt {words[0]} wrote no {CATALOG}")
    return {name: written[name] for name in (SITE, CATALOG) if name in written}
