"""Load an entry point again and again, each time without one of the names that floe borrows.

`python load_without.py ENTRY_POINT DOOR LIBRARY` prints what each was, and "" or why it failed.
"""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from borrowed_names import Name, borrowed_names, without


def loads_without_each(entry_point: Path, door: Path, library: str) -> dict[str, str]:
    """Return the names that a door borrows -> why a file does not load without it, "" if it does.

    In a process of its own, since a file is to be loaded as if for the first time.
    """
    command = [sys.executable, __file__, str(entry_point), str(door), library]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=entry_point.parent
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def main(entry_point: str, door: str, library: str) -> None:
    """Try each name, and all of them together."""
    names = borrowed_names(Path(door), library)
    package = Path(door).parent.name
    tries = {".".join(name): [name] for name in names} | {"all of them": names}
    runpy.run_path(entry_point)
    print(json.dumps({told: _outcome(entry_point, package, gone) for told, gone in tries.items()}))


def _outcome(entry_point: str, package: str, gone: list[Name]) -> str:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
    with ExitStack() as stack:
        for name in gone:
            # A module that is gone has taken its names along.
            if sys.modules.get(name[0], ...) is not None:
                stack.enter_context(without(*name))
        try:
            runpy.run_path(entry_point)
        except (ImportError, AttributeError) as error:
            return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
