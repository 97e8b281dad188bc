"""Build nodes in the scratch schemas; all their other inputs are read from production."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from floe_ci.affected import RUN_ID
from floe_ci.compilations import Compilation
from floe_core.execution import build
from floe_core.foundation.process_environment import environment_with
from floe_core.runs.build_events import CULPRITS, BuildEnded, BuildEvent, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_parity.sides.run_apart import prepare_run_apart

# A check is not a run of the product: it sends no lineage or traces either.
_SILENT = {"OPENLINEAGE_DISABLED": "true", "OTEL_SDK_DISABLED": "true"}


@dataclass
class Built:
    """The results of a build by node id; `problem` is a failure that no node caused."""

    results: dict[str, NodeResult] = field(default_factory=dict)
    succeeded: bool = True
    problem: str = ""

    @property
    def has_culprit(self) -> bool:
        """Whether a node caused the failure of the build."""
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
    apart = prepare_run_apart(scratch.artifacts.folder.with_name("shared"))
    built = Built()
    # Relations built here must not count as updates of a port.
    artifacts = scratch.artifacts.model_copy(update={"ports": (), "input_ports": ()})
    with (
        environment_with({**_SILENT, **apart, **deferred}),
        closing(build(artifacts.bound_to(scratch.artifacts.folder), request)) as events,
    ):
        for event in events:
            on_event(event)
            if isinstance(event, NodeResult):
                built.results[event.unique_id] = event
            elif isinstance(event, BuildEnded):
                built.succeeded, built.problem = event.succeeded, event.message
    return built
