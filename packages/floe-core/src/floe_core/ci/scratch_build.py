"""Build nodes in the scratch schemas; what they read beside each other is production's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from floe_core.alerts.report import DISABLED_VARIABLE
from floe_core.build_events import BuildEnded, BuildEvent, NodeResult
from floe_core.build_request import BuildRequest
from floe_core.ci.affected import RUN_ID
from floe_core.ci.compilations import Compilation
from floe_core.execution import build
from floe_core.failure_text import CULPRITS
from floe_core.process_environment import environment_with

# A check is not a run of the product: nobody hears of it.
_SILENT = {
    "OPENLINEAGE_DISABLED": "true",
    "OTEL_SDK_DISABLED": "true",
    DISABLED_VARIABLE: "true",
}


@dataclass
class Built:
    """What came of a build: node id -> result; `problem` is what no node is to blame for."""

    results: dict[str, NodeResult] = field(default_factory=dict)
    succeeded: bool = True
    problem: str = ""

    @property
    def has_culprit(self) -> bool:
        """Whether a node is to blame for a build that did not succeed."""
        return any(result.status in CULPRITS for result in self.results.values())


def build_in_scratch(
    scratch: Compilation,
    state: Path,
    node_ids: Iterable[str],
    on_event: Callable[[BuildEvent], None],
) -> Built:
    """Build these nodes by `dbt build --defer`; `state` is the folder of the base's manifest."""
    deferred = {
        "DBT_DEFER": "true",
        "DBT_FAVOR_STATE": "false",
        "DBT_STATE": str(state),
        "DBT_DEFER_STATE": str(state),
    }
    request = BuildRequest(
        scratch.job,
        RUN_ID,
        tuple(sorted(node_ids)),
        resume=False,
        may_reuse=False,
    )
    built = Built()
    # Nobody is to take what is built here for an update of a port.
    artifacts = scratch.artifacts.model_copy(update={"ports": (), "input_ports": ()})
    with (
        environment_with({**_SILENT, **deferred}),
        closing(build(artifacts.bound_to(scratch.artifacts.folder), request)) as events,
    ):
        for event in events:
            on_event(event)
            if isinstance(event, NodeResult):
                built.results[event.unique_id] = event
            elif isinstance(event, BuildEnded):
                built.succeeded, built.problem = event.succeeded, event.message
    return built
