"""Wait for changes of a product's files."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from floe_core.foundation.extras import needed_extra
from floe_dev.product_files import left_in, sources_among, work_of_dbt

with needed_extra("dev", "`floe dev`"):
    from watchfiles import Change, DefaultFilter, watch

# An editor that saves several files, or one file in several steps, is done by then.
SETTLE_MILLISECONDS = 80
LOOK_MILLISECONDS = 1000


class SourceFilter(DefaultFilter):
    """Lets through only files from which the products in some folders may be compiled."""

    def __init__(self, folders: Sequence[Path]) -> None:
        super().__init__()
        # Of two folders one in the other, a file is the inner one's.
        self._folders = sorted(folders, key=lambda folder: -len(folder.parts))

    def __call__(self, change: Change, path: str) -> bool:
        """Return whether a change is of interest."""
        changed = Path(path)
        folder = next((each for each in self._folders if changed.is_relative_to(each)), None)
        is_inside = folder is not None
        parts = changed.relative_to(folder).parts if folder is not None else (changed.name,)
        if not parts or not super().__call__(change, path):
            return False
        top, below = left_in(is_top=is_inside), left_in(is_top=False)
        if folder is not None and not work_of_dbt(folder).isdisjoint((changed, *changed.parents)):
            return False
        return (
            parts[0] not in top
            and not below.intersection(parts)
            and any(sources_among([changed.name], below))
        )


def wakes(
    products: Sequence[Path], outside: Sequence[Path], stop: threading.Event
) -> Iterator[bool]:
    """Yield True at first and whenever a file may have changed, and False once a second otherwise.

    `products` are the folders of products; `outside` are files and folders elsewhere. Files are
    looked at once a second: to watch one, its whole folder would have to be watched, which may be a
    home folder.
    """
    yield True
    folders = [path for path in outside if path.is_dir()]
    files = [path for path in outside if not path.is_dir()]
    before = [*map(_state, files)]
    found = watch(
        *products,
        *folders,
        watch_filter=SourceFilter(products),
        debounce=4 * SETTLE_MILLISECONDS,
        step=SETTLE_MILLISECONDS,
        stop_event=stop,
        rust_timeout=LOOK_MILLISECONDS,
        yield_on_timeout=True,
    )
    for changed in found:
        now = [*map(_state, files)]
        yield bool(changed) or now != before
        before = now


def _state(file: Path) -> tuple[int, int] | None:
    try:
        at = file.stat()
    except OSError:
        return None
    return at.st_mtime_ns, at.st_size
