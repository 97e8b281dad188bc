"""The one file that an orchestrator reads: everything a plugin may use of a product."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from floe_core.schemas.artifacts_fields import (
    ARTIFACTS_FILE,
    DBT_MANIFEST_FILE,
    SCHEMA_VERSION,
    ArtifactsFields,
    OrchestratorChoice,
    Product,
)
from floe_core.schemas.environments import in_environment
from floe_core.schemas.stored_artifacts import load_fields
from floe_core.storage.environment_choice import chosen_environment

__all__ = (
    "ARTIFACTS_FILE",
    "DBT_MANIFEST_FILE",
    "SCHEMA_VERSION",
    "CompiledArtifacts",
    "OrchestratorChoice",
    "Product",
)


class CompiledArtifacts(ArtifactsFields):
    """A compiled product. Equal inputs give equal bytes: no clock, no absolute path, sorted keys.

    `resources` maps a workload size to the manifest's override of its resources.
    `dbt_manifest_sha256` is the hash of the bytes of `target/manifest.json`; `tzdata_version` is
    the version of the time zone database that schedules were checked against. `environments` are
    those of the manifest by name; `environment` is the one whose values these artifacts have, "" in
    a compiled folder. `partitions` is None for a product without. `dbt_files` is None if dbt's
    artifacts of a run stay where it ran. `ports` are the ports that other
    products may read. `ledger` is where updates of ports are written: a folder relative to the
    compiled folder, or a URL; "" for none.
    """

    def in_chosen_environment(self) -> Self:
        """Return these artifacts with the values of the environment named by FLOE_ENV.

        Raises:
            UsageError: There is no such environment.
        """
        chosen = in_environment(self, chosen_environment())
        return chosen if self._project_dir is None else chosen.bound_to(self._project_dir)

    @classmethod
    def load(cls, project_dir: Path | str) -> Self:
        """Read a compiled folder and bind the artifacts to it; FLOE_ENV chooses an environment.

        Raises:
            UsageError: FLOE_ENV names an environment that does not exist.
            StaleProductError: A file is missing, damaged, of a newer major version, or
                `target/manifest.json` is not the one that was compiled.
        """
        return load_fields(cls, Path(project_dir)).in_chosen_environment()

    @classmethod
    def load_product(cls, product_name: str, project_dir: Path | str) -> Self:
        """Read the compiled folder of a product and bind the artifacts to it.

        Raises:
            StaleProductError: As for `load`, or the folder holds another product.
        """
        from floe_core.foundation.errors import Problem, StaleProductError

        artifacts = cls.load(project_dir)
        found = artifacts.product.name
        if found != product_name:
            what = f"it is of product '{found}', not '{product_name}'"
            fix = f"load '{found}', or run `floe compile` in the folder of '{product_name}'"
            raise StaleProductError(
                [Problem(what, fix, file=str(Path(project_dir) / ARTIFACTS_FILE))]
            )
        return artifacts
