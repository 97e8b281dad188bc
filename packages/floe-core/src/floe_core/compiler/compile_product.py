"""Compile a product: read its files, let dbt parse, resolve, and only then write."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from floe_core import plugin_registry
from floe_core.compiler.checks.choices import check_choices, choose_orchestrator
from floe_core.compiler.checks.losses import refuse_losses
from floe_core.compiler.code.code_hashes import hash_project
from floe_core.compiler.compiled_files import canonical_manifest, entry_point_of
from floe_core.compiler.copy_project import copy_project, removed_on_failure
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs, read_inputs, with_options
from floe_core.compiler.jobs.resolve_jobs import default_selector
from floe_core.compiler.profile import (
    HEADER,
    PROFILES_FILE,
    Profile,
    resolve_profile,
    stamp_of,
)
from floe_core.compiler.resolve_product import ResolvedProduct, resolve_product
from floe_core.compiler.settings import (
    ledger_from,
    plugin_settings,
    product_settings,
    tracing_settings,
)
from floe_core.dbt.preloaded_manifest import parsed_file
from floe_core.foundation.garbage_collection import seldom_collecting
from floe_core.foundation.stages import begin_stage
from floe_core.plugin_api.powers import EntryPointFile
from floe_core.schemas.artifacts_reader import COPY_MARK
from floe_core.schemas.compiled_artifacts import (
    ARTIFACTS_FILE,
    DBT_MANIFEST_FILE,
    CompiledArtifacts,
    OrchestratorChoice,
)
from floe_core.schemas.policies import DbtProject
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.storage.files import write_together
from floe_core.tracing.spans import CompileTrace
from floe_core.warehouse.dialects import dialect_of


@dataclass(frozen=True)
class CompiledProduct:
    """A compiled product not yet written. `files` maps a path in the folder to its content."""

    inputs: Inputs
    artifacts: CompiledArtifacts
    files: dict[str, bytes]
    destination: Path

    def write(self) -> CompiledArtifacts:
        """Write the folder, all files or none, and return the artifacts bound to it."""
        if self.destination == self.inputs.product_dir:
            write_together(self.destination, self.files)
        else:
            self._write_copy()
        return self.artifacts.bound_to(self.destination).in_chosen_environment()

    def _write_copy(self) -> None:
        with removed_on_failure(self.destination):
            copy_project(self.inputs, self.destination, frozenset(self.files), self._warehouses())
            write_together(self.destination, {COPY_MARK: b"", **self.files})

    def _warehouses(self) -> list[Path]:
        """Return the warehouse files of runs in the product's own folder; a copy gets its own."""
        others = (each.profile for each in self.artifacts.environments.values())
        return [
            file
            for profile in (self.artifacts.dbt.profile, *others)
            for file in dialect_of(str(profile.get("type"))).files_of_tables(
                profile, self.inputs.product_dir
            )
        ]


@dataclass(frozen=True)
class _Place:
    """Where to put the compiled folder, and how to treat missing products and existing files.

    See `prepare_product` and `compile_product`.
    """

    folder: Path
    change_profile: Callable[[Profile], Profile]
    keeps_entry_point: bool
    allows_missing: bool


def compile_product(
    product_dir: Path | str,
    *,
    orchestrator: str | None = None,
    out: Path | str | None = None,
    reuse: bool | None = None,
    on_notice: Callable[[str], None] = lambda notice: None,
    keeps_entry_point: bool = False,
) -> CompiledArtifacts:
    """Compile a product in its own folder, or into `out` as a self-contained copy.

    Writes compiled_artifacts.json, target/manifest.json, profiles.yml and the file that the
    orchestrator loads, all or none. `orchestrator` overrides the manifest's choice, `reuse` the
    setting in floe.yaml; `on_notice` receives notices that are not errors. With
    `keeps_entry_point`, an existing file of that name that floe did not write stays, and is not an
    error.

    Raises:
        InvalidProductError: The files of the product or the platform are wrong; it lists every
            problem.
        UsageError: `orchestrator` or `out` cannot be used.
        EnvironmentProblemError: A folder cannot be written, or a plugin does not load.
    """
    return prepare_product(
        product_dir,
        orchestrator=orchestrator,
        out=out,
        reuse=reuse,
        on_notice=on_notice,
        keeps_entry_point=keeps_entry_point,
    ).write()


def prepare_product(
    product_dir: Path | str,
    *,
    orchestrator: str | None = None,
    out: Path | str | None = None,
    reuse: bool | None = None,
    on_notice: Callable[[str], None] = lambda notice: None,
    refuses_losses: bool = True,
    change_profile: Callable[[Profile], Profile] = lambda profile: profile,
    dbt_executable: str | None = None,
    published: Mapping[str, str] = MappingProxyType({}),
    keeps_entry_point: bool = False,
    allows_missing: bool = False,
) -> CompiledProduct:
    """Compile a product and write nothing. See `compile_product`.

    With `refuses_losses` of False, concepts that the orchestrator can't express are accepted.
    `change_profile` maps the product's profile to the one to run with. `dbt_executable` overrides
    that of floe.yaml; "" is the dbt beside floe. `published` maps products to the places where they
    are published, overriding the manifest. With `allows_missing`, a port of an unpublished product
    is not an error.
    """
    folder = Path(product_dir).absolute()
    destination = Path(out).absolute() if out is not None else folder
    findings = Findings(on_notice)
    begin_stage("reading the product")
    with CompileTrace(folder.name, on_notice, Redactor(known_secrets().values()).text) as trace:
        inputs = read_inputs(folder, findings, goes_on=True)
        inputs = with_options(inputs, dbt_executable, reuse, published)
        trace.concerns(inputs.spec.metadata.name, tracing_settings(inputs.manifest))
        place = _Place(destination, change_profile, keeps_entry_point, allows_missing)
        compiled = _compile(inputs, orchestrator, place, findings)
        if refuses_losses:
            choice = compiled.artifacts.orchestrator
            plugin = plugin_registry.load(choice.name, choice.config)
            refuse_losses(compiled.artifacts, plugin, inputs, findings)
            findings.raise_if_any()
        return compiled


def _compile(
    inputs: Inputs, orchestrator: str | None, place: _Place, findings: Findings
) -> CompiledProduct:
    destination = place.folder
    name = choose_orchestrator(inputs, orchestrator, findings)
    check_choices(inputs, findings)
    profile = resolve_profile(inputs, destination == inputs.product_dir, findings)
    if profile is None or findings.end_before_dbt:
        findings.raise_if_any()
    assert profile is not None
    profile, resolved = place.change_profile(profile), None
    with findings.gather():
        entry_point = entry_point_of(
            name, inputs, place.folder, findings, keeps_theirs=place.keeps_entry_point
        )
    with findings.gather(), seldom_collecting():
        resolved = resolve_product(
            inputs,
            profile,
            place.change_profile,
            findings,
            allows_missing=place.allows_missing,
        )
    findings.raise_if_any()
    assert resolved is not None
    manifest = canonical_manifest(resolved.parsed.manifest)
    artifacts = _artifacts(inputs, name, profile, resolved, manifest)
    files = _files(artifacts, profile, resolved, manifest, entry_point)
    return CompiledProduct(inputs, artifacts, files, destination)


def _artifacts(
    inputs: Inputs,
    orchestrator: str,
    profile: Profile,
    resolved: ResolvedProduct,
    manifest: bytes,
) -> CompiledArtifacts:
    return CompiledArtifacts(
        orchestrator=OrchestratorChoice(name=orchestrator, config=plugin_settings(inputs.manifest)),
        dbt=DbtProject(
            project_name=inputs.dbt_project_name,
            profile_name=profile.name,
            target_name=profile.target,
            adapter=profile.adapter,
            version=resolved.parsed.manifest["metadata"]["dbt_version"],
            profiles_dir=profile.folder,
            profile=profile.output,
            executable=inputs.spec.execution.dbt_executable or "",
            default_selector=default_selector(resolved.parsed.manifest),
            vars=inputs.spec.vars,
            project_hash=hash_project(
                resolved.parsed.manifest, inputs.dbt_document.data, inputs.product_dir
            ),
            packages_path=inputs.packages_path,
            value_sources=dict(profile.value_sources),
            connection_reader=orchestrator if _reads_connection(inputs) else "",
        ),
        nodes=resolved.nodes,
        steps=resolved.steps,
        jobs=resolved.jobs.jobs,
        partitions=resolved.partitions,
        environments=resolved.environments.values,
        ports=resolved.ports.offered,
        input_ports=resolved.ports.read,
        ledger=ledger_from(inputs),
        dbt_manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        **product_settings(inputs),
    )


def _reads_connection(inputs: Inputs) -> bool:
    compute = inputs.manifest.plugins.compute
    named = (each.connection for each in inputs.manifest.environments.values())
    return any((compute and compute.connection, *named))


def _files(
    artifacts: CompiledArtifacts,
    profile: Profile,
    resolved: ResolvedProduct,
    manifest: bytes,
    entry_point: EntryPointFile | None,
) -> dict[str, bytes]:
    """Return path -> content; the artifacts, without which the folder is not valid, come last."""
    files = {DBT_MANIFEST_FILE: manifest}
    files |= {f"target/{name}": text.encode() for name, text in resolved.ports.files.items()}
    for job_name, cache in {"": resolved.parsed.cache, **resolved.jobs.caches}.items():
        if cache is not None:
            files[parsed_file(job_name)] = cache
    for name, cache in resolved.environments.caches.items():
        files[parsed_file(environment=name)] = cache
    if profile.folder:
        text = profile.to_yaml(resolved.environments.outputs)
        files[str(Path(profile.folder, PROFILES_FILE))] = text.encode()
    if entry_point is not None:
        text = entry_point.text
        files[entry_point.filename] = (HEADER + stamp_of(text) + text).encode()
    files[ARTIFACTS_FILE] = artifacts.to_json().encode()
    return files
