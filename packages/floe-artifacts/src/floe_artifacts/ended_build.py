"""What one build contributes to the artifacts of its run, without the secrets of the product."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from floe_artifacts.manifests import manifest_of_run, with_compiled_code
from floe_artifacts.merging import part_of_build, run_results, sources_json, without_results
from floe_artifacts.rows import rows_of_run
from floe_artifacts.run_files import Json, RunFiles, read_json
from floe_artifacts.run_set import MANIFEST, RESULTS, SOURCES
from floe_core.execution.node_selection import wanted_nodes
from floe_core.execution.record.journal import record_of
from floe_core.runs.build_events import NodeResult, RunStatus
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import DBT_MANIFEST_FILE, CompiledArtifacts
from floe_core.secrets.redactor import Redactor
from floe_core.storage.state_folder import run_place

_SCHEMA = "https://schemas.getdbt.com/dbt/run-results/v6.json"


class EndedBuild:
    """A build that has ended, and the files that it left on this machine."""

    def __init__(
        self, artifacts: CompiledArtifacts, request: BuildRequest, ending: RunStatus
    ) -> None:
        self.artifacts = artifacts
        self.request = request
        self._ending = ending
        self._files = RunFiles(run_place(artifacts.folder, request.run_id))
        self._reported: set[str] = set()

    @cached_property
    def redactor(self) -> Redactor:
        """What hides the secrets of the product."""
        return redactor_of(self.artifacts)

    @property
    def is_last_of_run(self) -> bool:
        """Whether no other build of the run is to follow, as far as this one knows."""
        if self._ending != "success":
            return self._ending == "failed"
        wanted = {*wanted_nodes(self.artifacts, self.request), *self.request.beside}
        built = {node.unique_id for node in self.artifacts.built}
        return wanted & built <= {*self._reported, *self._disabled}

    def part(self) -> bytes:
        """Return what this build knows of its run; see `part_of_build`."""
        builds, measurements = self._files.builds(), self._files.measurements()
        rows = rows_of_run(
            (result for result in self._results.values() if result.unique_id in self._of_dbt),
            builds,
            self._manifest,
            attempt=self.request.attempt,
            dbt_version=self.artifacts.dbt.version,
        )
        rows = {i: replace(row, content=self._shown(row.content)) for i, row in rows.items()}
        moment = datetime.now(UTC).isoformat()
        return self._to_bytes(part_of_build(rows, builds, measurements, moment))

    def merge(self, parts: list[Json]) -> Mapping[str, bytes]:
        """Return the artifacts of the run that consists of these parts."""
        results = run_results(parts, self._without_call)
        self._reported = {row["unique_id"] for row in results["results"]}
        found = {MANIFEST: manifest_of_run(self._manifest, results), RESULTS: results}
        sources = sources_json(parts)
        if sources is not None:
            found[SOURCES] = sources
        return {name: self._to_bytes(content) for name, content in found.items()}

    def without_secrets(self, content: bytes) -> bytes:
        """Return a JSON file of dbt's without the secrets of the product."""
        return self._to_bytes(json.loads(content))

    @cached_property
    def _results(self) -> Mapping[str, NodeResult]:
        """Node id -> its last result in the run, so far as it is known here."""
        record = record_of(self.artifacts, self.request.run_id)
        settled = {result.unique_id: result for result in self.request.settled}
        return {**settled, **record.results}

    @cached_property
    def _of_dbt(self) -> frozenset[str]:
        """The nodes that dbt has results of."""
        return frozenset(node.unique_id for node in self.artifacts.built) - self._disabled

    @cached_property
    def _disabled(self) -> frozenset[str]:
        return frozenset(i for i, result in self._results.items() if result.is_disabled)

    @cached_property
    def _manifest(self) -> Json:
        """dbt's last manifest of the run; that of compile time if the run did not call dbt."""
        compiled = self.artifacts.folder / DBT_MANIFEST_FILE
        found = self._files.manifest() or read_json(compiled) or {}
        return with_compiled_code(found, self._files.compiled_code)

    @property
    def _without_call(self) -> Json:
        """Return run_results.json, but for the results, of a run that did not call dbt to build."""
        compilations = self._files.compilations()
        if compilations:
            return without_results(compilations[-1].content)
        now = f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"
        metadata: Json = {
            "dbt_schema_version": _SCHEMA,
            "dbt_version": self.artifacts.dbt.version,
            "generated_at": now,
            "invocation_id": None,
            "env": {},
        }
        return {"metadata": metadata, "elapsed_time": 0.0, "args": {}}

    def _shown(self, row: Json) -> Json:
        message = row.get("message")
        return {**row, "message": self.redactor.text(message)} if message else row

    def _to_bytes(self, content: Any) -> bytes:
        text = json.dumps(content)
        if self.redactor.hide_known(text) != text:
            # In the text alone, a secret of digits could be a part of a number.
            text = json.dumps(self.redactor.hide_known_in_tree(content))
        return text.encode()
