"""Publish and read compiled products: in a folder, or at an fsspec URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import without_secrets
from floe_core.schemas.artifacts_reader import artifacts_in, read_artifacts
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.secrets.recognition import hide_shapes
from floe_core.secrets.references import UnsetVariableError, resolve
from floe_core.storage.files import write_together
from floe_core.storage.objects import Objects, ObjectsError

VERSIONS = "versions"


class PublishedProduct:
    """The place of one published product; a relative path is relative to `base`.

    Raises:
        EnvironmentProblemError: It is named by a variable that is not set.
    """

    def __init__(self, place: str, base: Path) -> None:
        try:
            place = str(resolve(place))
        except UnsetVariableError as error:
            raise EnvironmentProblemError(f"products of the manifest: {error}") from None
        folder = place.removeprefix("file://").removeprefix("local://")
        self.is_url = "://" in folder
        self._url = place.rstrip("/")
        self.folder = (base / Path(folder).expanduser()).resolve()

    @property
    def place(self) -> str:
        """The place, to show to people; it contains no secret."""
        return without_secrets(self._url) if self.is_url else str(self.folder)

    def read(self) -> CompiledArtifacts | None:
        """Return the artifacts published last, bound to no folder; None if there are none.

        Raises:
            StaleProductError: They are damaged, or of a newer major version.
            EnvironmentProblemError: The place cannot be read.
        """
        if not self.is_url:
            is_there = (self.folder / ARTIFACTS_FILE).is_file()
            return read_artifacts(self.folder) if is_there else None
        with self._explained():
            content = Objects(self._url).read(ARTIFACTS_FILE)
        if content is None:
            return None
        return artifacts_in(content, f"{self.place}/{ARTIFACTS_FILE}")

    def publish(self, artifacts: CompiledArtifacts) -> list[str]:
        """Publish the artifacts, and a copy beside them under the product's version.

        Returns the files, relative to the place. The file that others read is written last, and is
        replaced as a whole.

        Raises:
            EnvironmentProblemError: The place cannot be written.
        """
        content = artifacts.to_json().encode()
        names = [f"{VERSIONS}/{artifacts.product.version}/{ARTIFACTS_FILE}", ARTIFACTS_FILE]
        if not self.is_url:
            write_together(self.folder, dict.fromkeys(names, content))
            return names
        with self._explained():
            objects = Objects(self._url)
            for name in names:
                objects.write(name, content)
        return names

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ObjectsError as error:
            told = hide_shapes(f"{self.place}: {error.explain('it')}")
            raise EnvironmentProblemError(told) from error.cause
