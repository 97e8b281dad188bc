"""Schedules at an fsspec URL, for processes that share no disk."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from floe_core.errors import EnvironmentProblemError
from floe_core.schedules.schedule_override import Overrides, overrides_in, text_of
from floe_core.service_probe import without_secrets

KEPT_VERSIONS = 5
ATTEMPTS = 20
_DIGITS = 12


class ObjectScheduleStore:
    """A folder of numbered objects below a URL; the highest number is what holds.

    A change is a new object under the next number that must not exist yet (fsspec's
    `pipe_file(mode="create")`). Where the file system makes that one step, as S3 and Google Cloud
    Storage do, of two writers one gets the number and the other reads and tries again: nothing is
    lost. Where it looks first and then writes, two writers in the same instant can lose one change.
    An object store shows an object whole or not at all.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def place(self) -> str:
        """The URL without secrets."""
        return without_secrets(self.url)

    def read(self) -> Overrides:
        """See `ScheduleStore.read`."""
        files, root = self._open()
        return self._latest(files, root)[1]

    def change(self, changed: Callable[[Overrides], Overrides]) -> None:
        """See `ScheduleStore.change`."""
        files, root = self._open()
        for _ in range(ATTEMPTS):
            number, overrides = self._latest(files, root)
            text = text_of(changed(overrides))
            try:
                self._create(files, _object(root, number + 1), text)
            except FileExistsError:
                continue
            self._forget_old(files, root, number + 1)
            return
        raise self._busy()

    def _create(self, files: Any, name: str, text: str) -> None:
        with suppress(NotImplementedError):
            files.makedirs(name.rpartition("/")[0], exist_ok=True)
        try:
            files.pipe_file(name, text.encode(), mode="create")
        except FileExistsError:
            raise
        except (OSError, ValueError) as error:
            raise self._problem("written", error) from error

    def _latest(self, files: Any, root: str) -> tuple[int, Overrides]:
        """Return the highest number and what it holds; (0, nothing) at the beginning."""
        for _ in range(ATTEMPTS):
            try:
                # A listing that was kept from before shows neither our own last write nor others'.
                files.invalidate_cache(root)
                numbers = self._numbers(files, root)
                if not numbers:
                    return 0, {}
                text = files.cat_file(_object(root, numbers[-1]))
            except FileNotFoundError:
                # Others have changed the schedules many times since it was listed.
                continue
            except (OSError, ValueError) as error:
                raise self._problem("read", error) from error
            return numbers[-1], overrides_in(text, self.place)
        raise self._busy()

    def _numbers(self, files: Any, root: str) -> list[int]:
        try:
            found = files.ls(root, detail=False)
        except FileNotFoundError:
            return []
        names = (str(path).rpartition("/")[2].removesuffix(".json") for path in found)
        return sorted(int(name) for name in names if name.isdecimal())

    def _forget_old(self, files: Any, root: str, newest: int) -> None:
        """Remove versions that no reader can be about to read any more."""
        for number in self._numbers(files, root):
            if number <= newest - KEPT_VERSIONS:
                with suppress(FileNotFoundError):
                    files.rm_file(_object(root, number))

    def _open(self) -> tuple[Any, str]:
        try:
            from fsspec.core import url_to_fs  # type: ignore[import-untyped]
        except ImportError:
            raise EnvironmentProblemError(
                f"{self.place}: a schedule store at a URL needs the package fsspec, and the one "
                "for that kind of URL, such as s3fs or gcsfs; install them"
            ) from None
        try:
            files, root = url_to_fs(self.url)
        except (ImportError, ValueError, OSError) as error:
            raise self._problem("opened", error) from error
        return files, str(root)

    def _busy(self) -> EnvironmentProblemError:
        return EnvironmentProblemError(
            f"{self.place}: others changed the schedules {ATTEMPTS} times meanwhile; try again"
        )

    def _problem(self, action: str, error: Exception) -> EnvironmentProblemError:
        return EnvironmentProblemError(
            f"{self.place}: the schedules cannot be {action} ({type(error).__name__}: {error})"
        )


def _object(root: str, number: int) -> str:
    return f"{root}/{number:0{_DIGITS}d}.json"
