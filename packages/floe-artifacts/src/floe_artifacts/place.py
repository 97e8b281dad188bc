"""A place for files: a folder, or an fsspec URL. Each file is written as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import without_secrets
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.recognition import hide_shapes
from floe_core.secrets.references import UnsetVariableError, resolve
from floe_core.storage.files import write_together
from floe_core.storage.objects import Objects, ObjectsError


def place_of_product(artifacts: CompiledArtifacts, to: str) -> Place:
    """Return the place of a product, and of its environment, below the one that floe.yaml names.

    Raises:
        EnvironmentProblemError: It is named by a variable that is not set.
    """
    try:
        place = str(resolve(to))
    except UnsetVariableError as error:
        raise EnvironmentProblemError(f"artifacts.to of floe.yaml: {error}") from None
    if "://" not in place:
        place = str((artifacts.folder / Path(place).expanduser()).resolve())
    # Names of products have no dots.
    name = ".".join(filter(None, (artifacts.product.name, artifacts.environment)))
    return Place(place.rstrip("/")).below(name)


class Place:
    """The files directly in a folder, or directly below a URL.

    Every method raises EnvironmentProblemError if the place cannot be read or written.
    """

    def __init__(self, place: str) -> None:
        folder = place.removeprefix("file://").removeprefix("local://")
        self._is_url = "://" in folder
        self.address = place.rstrip("/") if self._is_url else folder

    @property
    def shown_as(self) -> str:
        """The folder or the URL, without secrets."""
        return without_secrets(self.address) if self._is_url else self.address

    def below(self, name: str) -> Place:
        """Return the place of this name in this one."""
        return Place(f"{self.address}/{name}")

    def list_names(self) -> list[str]:
        """Return the names of what is there, sorted; none if nothing is."""
        with self._explained("read"):
            if self._is_url:
                return sorted(Objects(self.address).list_names())
            try:
                return sorted(path.name for path in Path(self.address).iterdir())
            except FileNotFoundError:
                return []

    def read(self, name: str) -> bytes | None:
        """Return the content of a file, None if there is none of this name."""
        with self._explained("read"):
            if self._is_url:
                return Objects(self.address).read(name)
            try:
                return (Path(self.address) / name).read_bytes()
            except FileNotFoundError:
                return None

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, or replace them, in this order."""
        with self._explained("written"):
            if not self._is_url:
                write_together(Path(self.address), files)
                return
            objects = Objects(self.address)
            for name, content in files.items():
                objects.write(name, content)

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, if they are there, and a folder that is empty then."""
        with self._explained("written"):
            for name in names:
                if self._is_url:
                    Objects(self.address).remove(name)
                else:
                    (Path(self.address) / name).unlink(missing_ok=True)
        if not self._is_url:
            with suppress(OSError):
                Path(self.address).rmdir()

    @contextmanager
    def _explained(self, action: str) -> Iterator[None]:
        try:
            yield
        except ObjectsError as error:
            told = hide_shapes(f"{self.shown_as}: {error.explain('it')}")
            raise EnvironmentProblemError(told) from error.cause
        except OSError as error:
            what = f"{error.filename or self.address}: cannot be {action}: {error.strerror}"
            raise EnvironmentProblemError(what) from error
