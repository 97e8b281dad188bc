"""How much memory pods take while something happens."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil
from pod_process import PodProcess

_UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def in_bytes(quantity: str) -> int:
    """Return a quantity of memory in bytes.

    >>> in_bytes("2Ki")
    2048
    """
    return int(quantity[:-2]) * _UNITS[quantity[-2:]]


# What a task may take where nobody asked for more.
SMALL_TASK = in_bytes("512Mi")


def limit_of(pod: PodProcess) -> int:
    """Return the container's limit in bytes."""
    return in_bytes(pod.container["resources"]["limits"]["memory"])


@contextmanager
def watched(*pods: PodProcess) -> Iterator[dict[str, int]]:
    """Give pod -> the most bytes that it was seen with, which is filled as long as the block lasts.

    Memory that processes share counts once, as in a pod's own group.
    """
    most = dict.fromkeys((pod.name for pod in pods), 0)
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(0.3):
            for pod in pods:
                most[pod.name] = max(most[pod.name], _bytes(pod))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield most
    finally:
        is_over.set()
        watcher.join()


def over_their_limit(pods: list[PodProcess], most: Mapping[str, int]) -> dict[str, int]:
    """Return the bytes of those that were seen with more than they may have."""
    assert all(most.values())
    return {pod.name: most[pod.name] for pod in pods if most[pod.name] > limit_of(pod)}


def _bytes(pod: PodProcess) -> int:
    total = 0
    for process in pod.family():
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total
