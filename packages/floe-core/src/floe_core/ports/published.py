"""Publish and read compiled products: in a folder, or at an fsspec URL."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from floe_core.atomic_files import write_together
from floe_core.errors import EnvironmentProblemError
from floe_core.schemas.artifacts_reader import artifacts_in, read_artifacts
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.secrets.references import UnsetVariableError, resolve
from floe_core.service_probe import without_secrets

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
        files, root = self._open()
        try:
            text = files.cat_file(f"{root}/{ARTIFACTS_FILE}")
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise self._problem("read", error) from error
        return artifacts_in(text, f"{self.place}/{ARTIFACTS_FILE}")

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
        files, root = self._open()
        try:
            for name in names:
                with suppress(NotImplementedError):
                    files.makedirs(f"{root}/{name}".rpartition("/")[0], exist_ok=True)
                files.pipe_file(f"{root}/{name}", content)
        except (OSError, ValueError) as error:
            raise self._problem("written", error) from error
        return names

    def _open(self) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]

            files, root = url_to_fs(self._url)
            files.invalidate_cache(root)
        except (ImportError, ValueError, OSError) as error:
            raise self._problem("opened", error) from error
        return files, str(root)

    def _problem(self, action: str, error: Exception) -> EnvironmentProblemError:
        return EnvironmentProblemError(f"{self.place}: cannot be {action}: {error}")
