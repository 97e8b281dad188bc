"""A text that several processes change atomically: in a folder, below a URL, or in PostgreSQL.

A change is a function from the old text to the new one. Concurrent changes are not lost: the
function sees them, and may be called more than once. A killed process leaves the old text or the
new one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.extras import needed_extra
from floe_core.foundation.service_probe import without_secrets
from floe_core.secrets.recognition import hide_shapes
from floe_core.storage.files import open_regular, write_together
from floe_core.storage.objects import ATTEMPTS, NumberedObjects, ObjectsBusyError, ObjectsError

LOCK_SECONDS = 30.0
CONNECT_SECONDS = 10
POSTGRES = ("postgresql://", "postgres://")
_TABLE = """
create table if not exists floe_shared_text (
    name text primary key, content bytea not null, changed_at timestamptz not null default now()
)
"""
_NUMBER_OF_LOCK = 7_061_205

Change = Callable[[bytes | None], bytes]


class SharedText(Protocol):
    """A named text in some place."""

    @property
    def place(self) -> str:
        """Where the text is, for messages, without secrets."""

    def read(self) -> bytes | None:
        """Return the text, None before the first change.

        Raises:
            EnvironmentProblemError: The text cannot be read.
        """

    def change(self, changed: Change) -> None:
        """Replace the text with the result of the function.

        Raises:
            EnvironmentProblemError: The text cannot be written; the old one stays.
        """


def shared_text(place: str, name: str, *, needs_folder: bool = True) -> SharedText:
    """Return the named text in a folder, below an fsspec URL, or in a PostgreSQL database.

    For `needs_folder` see `FileText`: a folder that machines share may be away.
    """
    if place.startswith(POSTGRES):
        return PostgresText(place, name)
    folder = place.removeprefix("file://").removeprefix("local://")
    if "://" in folder:
        return ObjectsText(f"{place.rstrip('/')}/{name}")
    return FileText(Path(folder) / f"{name}.json", needs_folder=needs_folder)


class FileText:
    """A regular file that is replaced as a whole; writers wait for a lock file beside it.

    With `needs_folder`, a folder that is missing is an error: its disk may be away, which must not
    look as if nothing was ever written. `advice` is for someone who cannot write it.
    """

    def __init__(self, path: Path, *, needs_folder: bool = False, advice: str = "") -> None:
        self.path = path
        self._needs_folder, self._advice = needs_folder, advice

    @property
    def place(self) -> str:
        """The file's path."""
        return str(self.path)

    def read(self) -> bytes | None:
        """See `SharedText.read`."""
        try:
            with open_regular(self.path, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            self._check_folder("read")
            return None
        except OSError as error:
            raise _problem(self, "read", error) from error

    def change(self, changed: Change) -> None:
        """See `SharedText.change`."""
        self._check_folder("written")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock", timeout=LOCK_SECONDS):
                write_together(self.path.parent, {self.path.name: changed(self.read())})
        except (OSError, Timeout) as error:
            raise _problem(self, "written", error, self._advice) from error

    def _check_folder(self, action: str) -> None:
        if self._needs_folder and not self.path.parent.is_dir():
            what = f"there is no folder {self.path.parent}; mount its disk, or create it"
            raise _problem(self, action, FileNotFoundError(what))


class ObjectsText:
    """Numbered objects below an fsspec URL; see `NumberedObjects`."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def place(self) -> str:
        """The URL without secrets."""
        return without_secrets(self.url)

    def read(self) -> bytes | None:
        """See `SharedText.read`."""
        with self._explained():
            return NumberedObjects(self.url).read()

    def change(self, changed: Change) -> None:
        """See `SharedText.change`."""
        with self._explained():
            NumberedObjects(self.url).change(changed)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Translate errors of the objects into problems of the text."""
        try:
            yield
        except ObjectsBusyError:
            raise EnvironmentProblemError(
                f"{self.place}: others changed it {ATTEMPTS} times meanwhile; try again"
            ) from None
        except ObjectsError as error:
            told = hide_shapes(f"{self.place}: {error.explain('it')}")
            raise EnvironmentProblemError(told) from error.cause


class PostgresText:
    """A row of the table `floe_shared_text`, which the first change creates."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name

    @property
    def place(self) -> str:
        """The URL without secrets, and the name."""
        return f"{without_secrets(self._url)}: {self._name}"

    def read(self) -> bytes | None:
        """See `SharedText.read`."""
        with self._connection("read") as connection, connection.cursor() as cursor:
            cursor.execute("select to_regclass('floe_shared_text')")
            if cursor.fetchone() == (None,):
                return None
            return self._content(cursor)

    def change(self, changed: Change) -> None:
        """See `SharedText.change`."""
        with self._connection("written") as connection, connection.cursor() as cursor:
            # Serializes changes, and the creation of the table, which PostgreSQL does not.
            cursor.execute("select pg_advisory_xact_lock(%s)", (_NUMBER_OF_LOCK,))
            cursor.execute(_TABLE)
            cursor.execute(
                "insert into floe_shared_text (name, content) values (%s, %s) on conflict (name) "
                "do update set content = excluded.content, changed_at = now()",
                (self._name, changed(self._content(cursor))),
            )

    def _content(self, cursor: Any) -> bytes | None:
        cursor.execute("select content from floe_shared_text where name = %s", (self._name,))
        row = cursor.fetchone()
        return None if row is None else bytes(row[0])

    @contextmanager
    def _connection(self, action: str) -> Iterator[Any]:
        """Yield a connection; commit its transaction at the end, or roll it back on an error."""
        with needed_extra("postgres", self.place):
            import psycopg2  # type: ignore[import-untyped]
        try:
            opened = psycopg2.connect(self._url, connect_timeout=CONNECT_SECONDS)
            with closing(opened), opened:
                yield opened
        except psycopg2.Error as error:
            raise _problem(self, action, error) from error


def _problem(
    text: SharedText, action: str, error: Exception, advice: str = ""
) -> EnvironmentProblemError:
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    if first.startswith("invalid dsn"):
        # The quoted part may come from the URL, such as a password that is not percent-encoded.
        first = first.partition('"')[0].rstrip(": ")
    return EnvironmentProblemError(
        f"{text.place}: cannot be {action}: {hide_shapes(first)}{advice}"
    )
