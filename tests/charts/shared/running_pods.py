"""Pods of a release that are up for the length of a `with` block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from local_pod import LocalPod


@contextmanager
def running(pods: Sequence[LocalPod]) -> Iterator[None]:
    """Start them together, as a cluster does, until their startup probes pass; end them after.

    Each must end by itself within the time that it has for that, whatever the test did with it.
    """
    started: list[LocalPod] = []
    try:
        for pod in pods:
            pod.start()
            started.append(pod)
        for pod in pods:
            pod.wait_until_started()
        yield
    finally:
        codes = {pod.name: pod.stop() for pod in reversed(started)}
    assert codes == dict.fromkeys(codes, 0)
