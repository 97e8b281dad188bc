"""Let one build at a time build partitions of a product, whatever the warehouse allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.execution.partitions.plan import PartitionPlan
from floe_core.execution.turns import take_turn
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.product_folder.state_folder import state_folder

_FILE = "partitions.lock"


@contextmanager
def sole_builder(
    plan: PartitionPlan | None, project_dir: Path, timeout: float, tick: datetime | None
) -> Iterator[None]:
    """Wait for other builds of partitions that have the same state folder; see `sole_writer`.

    Raises:
        EnvironmentProblemError: Another build still builds partitions after `timeout` seconds.
    """
    if plan is None or not plan.partitions:
        yield
        return
    lock = FileLock(state_folder(project_dir) / _FILE, thread_local=False)
    try:
        take_turn(lock, tick, timeout)
    except Timeout:
        raise EnvironmentProblemError(
            f"another build builds partitions of {plan.artifacts.product.name}, for more than "
            f"{timeout:.0f} s; one builds them at a time"
        ) from None
    try:
        yield
    finally:
        lock.release()
