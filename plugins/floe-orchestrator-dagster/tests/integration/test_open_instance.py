"""Runs that start at the same time in a new folder."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from floe_orchestrator_dagster.local.open_instance import open_instance


def test_instances_are_opened_at_the_same_time(tmp_path: Path) -> None:
    for home in (tmp_path / str(number) for number in range(5)):
        home.mkdir()
        start = threading.Barrier(4)

        def runs(home: Path = home, start: threading.Barrier = start) -> int:
            start.wait()
            with open_instance(home) as instance:
                return len(instance.get_runs())

        with ThreadPoolExecutor(4) as threads:
            waiting = [threads.submit(runs) for _ in range(4)]
            assert [each.result() for each in waiting] == [0, 0, 0, 0]
