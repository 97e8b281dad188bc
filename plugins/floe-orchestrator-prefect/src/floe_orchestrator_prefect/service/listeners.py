"""Name the automations that start when a product's flows run on a Prefect server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from floe_core.foundation.service_probe import NoAnswerError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.names.prefect_names import flow_name
from floe_orchestrator_prefect.service.run_history import (
    RefusedError,
    Server,
    flows_named,
    problem,
)

# More automations than any server has.
_MOST = 10_000


def listeners_of(
    artifacts: CompiledArtifacts, seconds: float, settings: Mapping[str, Any]
) -> list[str]:
    """See `ListenerReporter`."""
    names = sorted(flow_name(artifacts, job) for job in artifacts.jobs)
    try:
        server = Server.of(settings, seconds)
        own = [str(each["id"]) for each in flows_named(server, names)]
        if not own:
            raise RefusedError(f"it has no flow {names[0]}")
        wanted = {"flows": {"id": {"any_": own}}}
        own += [str(each["id"]) for each in server.pages("/deployments/filter", wanted, _MOST)]
        automations = server.pages("/automations/filter", {}, _MOST)
        return sorted(_listening(automations, {*own, *names}))
    except (RefusedError, NoAnswerError, KeyError, TypeError, ValueError) as error:
        raise problem(error) from None


def _listening(automations: Iterator[Mapping[str, Any]], own: set[str]) -> Iterator[str]:
    """Yield the automations whose trigger names a flow or a deployment of the product."""
    for each in automations:
        trigger = json.dumps(each["trigger"])
        if each["enabled"] and any(
            f'"{name}"' in trigger or f'.{name}"' in trigger for name in own
        ):
            yield f"the automation {each['name']}"
