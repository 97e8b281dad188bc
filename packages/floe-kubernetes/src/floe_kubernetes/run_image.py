"""Run a step's image as a pod and exit as its container exits: `python -m ... ORDER`.

ORDER is JSON. The container's log is our standard output. SIGTERM and SIGINT delete the pod. What
the container writes to its termination log becomes the step's facts.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from floe_core.execution.steps.call import ImageOrder
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.files import write_whole
from floe_kubernetes.cluster import GRACE_SECONDS, Cluster, ClusterError
from floe_kubernetes.pod import (
    PodState,
    container_of_step,
    is_pod,
    labels_of,
    make_pod,
    name_pod,
    read_state,
)

TEMPLATE_VARIABLE = "FLOE_STEP_POD_TEMPLATE"
START_VARIABLE = "FLOE_STEP_POD_START_SECONDS"
# The cluster may have to add a node and pull the image.
START_SECONDS = 600
POLL_SECONDS = 1.0
TERMINATED = 128 + signal.SIGTERM
_LOST = 1


class _StoppedError(BaseException):
    """A signal requested a stop."""


def main() -> int:
    """Run the pod, and return the exit code of the step's container."""
    order = ImageOrder.model_validate_json(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        template = read_template()
        return _run(order, template, Cluster.of_template(template))
    except EnvironmentProblemError as error:
        print(error)
    except _StoppedError:
        return TERMINATED
    return _LOST


def read_template() -> dict[str, Any]:
    """Return the template for steps' pods, from the file that a variable names.

    Raises:
        EnvironmentProblemError: It can't be read.
    """
    named = os.environ.get(TEMPLATE_VARIABLE, "")
    if not named:
        return {}
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe").load(Path(named))
    except (OSError, YAMLError) as error:
        raise EnvironmentProblemError(f"{TEMPLATE_VARIABLE}={named}: {error}") from error
    if not is_pod(found):
        what = (
            "it has to be a Pod; metadata and spec are mappings, and containers is a list of them"
        )
        raise EnvironmentProblemError(f"{TEMPLATE_VARIABLE}={named}: {what}")
    template: dict[str, Any] = found
    return template


def _stop(*_: object) -> NoReturn:
    # Ignore further signals: the pod is being deleted.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise _StoppedError


def _run(order: ImageOrder, template: dict[str, Any], cluster: Cluster) -> int:
    _remove_left(order, cluster)
    name = name_pod(order)
    pod = make_pod(order, name, template, cluster.owner_reference())
    print(f"pod {name} in namespace {cluster.namespace}, image {order.image}", flush=True)
    try:
        cluster.create(pod)
        return _follow(order, name, container_of_step(pod["spec"])["name"], cluster)
    finally:
        _remove(name, cluster)


def _remove(name: str, cluster: Cluster) -> None:
    try:
        cluster.delete(name, patience=GRACE_SECONDS)
    except ClusterError as error:
        print(f"pod {name} could not be deleted: {error}", flush=True)


def _remove_left(order: ImageOrder, cluster: Cluster) -> None:
    """Remove the pods of earlier attempts, left behind by builds that were killed."""
    for name in cluster.list_names(labels_of(order)):
        print(f"pod {name} was left by an attempt that was killed: deleting it", flush=True)
        cluster.delete(name)
        while cluster.get(name) is not None:
            time.sleep(POLL_SECONDS)


def _follow(order: ImageOrder, name: str, container: str, cluster: Cluster) -> int:
    state = _await_start(name, cluster)
    log = _Log(name, container, cluster)
    while state.has_started:
        began = time.monotonic()
        log.show()
        state = _state(name, cluster)
        if state.exit_code is not None:
            break
        # A log that is cut off at once is requested again, but not in a tight loop.
        time.sleep(max(0.0, POLL_SECONDS - (time.monotonic() - began)))
    if state.facts:
        write_whole(Path(order.facts_file), state.facts.encode())
    if state.exit_code:
        print(f"the container ended: {state.reason or 'Error'}", flush=True)
    return _LOST if state.exit_code is None else state.exit_code


class _Log:
    """The log of a container, each line shown once however often the log is cut off."""

    def __init__(self, name: str, container: str, cluster: Cluster) -> None:
        self._name, self._container, self._cluster = name, container, cluster
        self._seen = ""
        self._may_be_read = True

    def show(self) -> None:
        """Print the new lines, until the container ends or the log is cut off."""
        if not self._may_be_read:
            return
        try:
            for line in self._cluster.log_lines(self._name, self._container, _since(self._seen)):
                stamp, _, text = line.partition(" ")
                if stamp > self._seen:
                    self._seen = stamp
                    print(text, flush=True)
        except ClusterError as error:
            self._may_be_read = False
            print(f"the log of the pod can't be shown: {error}", flush=True)


def _since(stamp: str) -> int | None:
    """Return how many seconds of a log to request again, to go on after the last line seen."""
    if not stamp:
        return None
    age = datetime.now(UTC) - datetime.fromisoformat(stamp)
    return max(1, int(age.total_seconds())) + 60


def _await_start(name: str, cluster: Cluster) -> PodState:
    """Return the container's first state once started or ended; print why it waits."""
    limit = float(os.environ.get(START_VARIABLE) or START_SECONDS)
    deadline = time.monotonic() + limit
    printed = ""
    while True:
        state = _state(name, cluster)
        if state.has_started or state.exit_code is not None:
            return state
        if state.reason != printed:
            printed = state.reason
            print(f"waiting: {printed}", flush=True)
        if state.is_hopeless or time.monotonic() > deadline:
            why = "" if state.is_hopeless else f" within {limit:g} s"
            raise EnvironmentProblemError(
                f"the container did not start{why}: {state.reason or 'no reason was given'}"
            )
        time.sleep(POLL_SECONDS)


def _state(name: str, cluster: Cluster) -> PodState:
    pod = cluster.get(name)
    if pod is None:
        return PodState(False, _LOST, "the pod was deleted")
    return read_state(pod)


if __name__ == "__main__":
    sys.exit(main())
