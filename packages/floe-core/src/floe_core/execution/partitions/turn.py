"""Let one build at a time build partitions of a product, whatever the warehouse allows."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.execution.partitions.plan import PartitionPlan
from floe_core.execution.warehouse_lock import take_turn
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.partitions.store import lease_of
from floe_core.storage.shared_lease import LeaseHeldError, SharedLease
from floe_core.storage.state_folder import state_folder

_FILE = "partitions.lock"


@dataclass(frozen=True, slots=True)
class Turn:
    """A build's turn at a product's partitions.

    `warning` says why builds on other machines may have a turn at the same time, "" if none may.
    """

    product: str = ""
    lease: SharedLease | None = None
    warning: str = ""

    def check(self) -> None:
        """Check that no other build has taken over.

        Raises:
            EnvironmentProblemError: One may have.
        """
        if self.lease is not None and self.lease.is_lost:
            raise EnvironmentProblemError(
                f"another build may build partitions of {self.product}: this one was too late to "
                "say in the store of their states that it is alive; run it again"
            )


@contextmanager
def sole_builder(
    plan: PartitionPlan | None, project_dir: Path, timeout: float, tick: datetime | None
) -> Iterator[Turn]:
    """Wait for other builds of partitions that share the state folder, or the store of states.

    See `sole_writer`.

    Raises:
        EnvironmentProblemError: Another build still builds partitions after `timeout` seconds.
    """
    if plan is None or not plan.partitions:
        yield Turn()
        return
    lock = FileLock(state_folder(project_dir) / _FILE, thread_local=False)
    deadline = time.monotonic() + timeout
    try:
        take_turn(lock, tick, timeout)
    except Timeout:
        raise _busy(plan, timeout) from None
    with ExitStack() as stack:
        stack.callback(lock.release)
        warning = ""
        lease = lease_of(plan.artifacts, f"{socket.gethostname()}, process {os.getpid()}")
        try:
            if lease is not None:
                lease.acquire(max(0.0, deadline - time.monotonic()))
                stack.callback(lease.release)
        except LeaseHeldError as error:
            raise _busy(plan, timeout, f" ({error})") from None
        except EnvironmentProblemError as error:
            warning = f"builds on other machines may build the same partitions: {error}"
            lease = None
        yield Turn(plan.artifacts.product.name, lease, warning)


def _busy(plan: PartitionPlan, timeout: float, who: str = "") -> EnvironmentProblemError:
    what = f"another build{who} builds partitions of {plan.artifacts.product.name}"
    return EnvironmentProblemError(
        f"{what}, for more than {timeout:.0f} s; one builds them at a time"
    )
