"""Pods of a release that are up for the length of a `with` block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pod_process import PodProcess
from probes import wait_until_started

# The chart's own terminationGracePeriodSeconds.
GRACE_SECONDS = 60


@contextmanager
def running(pods: Sequence[PodProcess]) -> Iterator[list[PodProcess]]:
    """Start them together, as a cluster does, until their startup probes pass; end them after.

    Each must end well, by itself and in time, but for those that the test kills and puts into the
    list that it is given.
    """
    started: list[PodProcess] = []
    lost: list[PodProcess] = []
    try:
        for pod in pods:
            pod.start()
            started.append(pod)
        for pod in pods:
            wait_until_started(pod)
        yield lost
    finally:
        for pod in reversed(started):
            pod.stop(seconds=GRACE_SECONDS)
    ended = {pod.name: pod.exit_code() for pod in pods if pod not in lost}
    logs = [pod.log.read_text()[-2000:] for pod in pods if ended.get(pod.name)]
    assert ended == dict.fromkeys(ended, 0), (ended, logs)


def to_the_end(process: PodProcess, seconds: float = 240) -> bool:
    """Run a container to its end; return whether it ended well."""
    process.start()
    try:
        return process.wait(seconds) == 0
    finally:
        process.stop(seconds=0)


def ran(process: PodProcess) -> str:
    """Return "" if the container ends well, and else what it said."""
    return "" if to_the_end(process) else process.log.read_text()[-4000:]
