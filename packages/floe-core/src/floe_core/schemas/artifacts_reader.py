"""Read compiled artifacts from elsewhere than a compiled folder that is to run."""

from __future__ import annotations

from pathlib import Path

from floe_core.schemas.artifacts_fields import ARTIFACTS_FILE
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.stored_artifacts import fields_in, read_fields

# Marks a folder that `floe compile --out` made, beside a copy of the product's own files.
COPY_MARK = "target/.floe-copy"


def load_copy(folder: Path) -> CompiledArtifacts | None:
    """Return the artifacts of a folder that `floe compile --out` made, None for any other folder.

    Raises:
        StaleProductError: The folder is such a copy, but cannot be read.
    """
    is_copy = (folder / COPY_MARK).exists()
    return CompiledArtifacts.load(folder) if is_copy else None


def read_artifacts(path: Path) -> CompiledArtifacts:
    """Return the artifacts of a compiled folder or of its artifacts file; read no other file.

    They are bound to no folder, so nothing can be run from them.

    Raises:
        StaleProductError: The file is missing, damaged, or of a newer major version.
    """
    file = path / ARTIFACTS_FILE if path.is_dir() else path
    return read_fields(CompiledArtifacts, file)


def artifacts_in(text: bytes, shown_as: str) -> CompiledArtifacts:
    """Return the artifacts in a text that does not come from a local file.

    Raises:
        StaleProductError: The text is damaged, or of a newer major version.
    """
    return fields_in(CompiledArtifacts, text, Path(shown_as))
