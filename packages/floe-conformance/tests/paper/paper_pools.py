"""How the paper orchestrator is asked for its pools: it has any that is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.service_probe import NoAnswerError, send_request, without_secrets
from floe_core.plugin_api.powers import PoolProblem
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class AsksForPools:
    """Asked for its pools, a service has to answer `paper`."""

    settings: Mapping[str, Any]

    def check_pools(self, artifacts: CompiledArtifacts) -> Sequence[PoolProblem]:
        url = self.settings["url"]
        try:
            answer = send_request("GET", url, deadline=self.end_of_pools())
        except NoAnswerError as error:
            raise EnvironmentProblemError(error.reason) from None
        if answer.body != b"paper":
            raise EnvironmentProblemError(self.no_paper(url))
        return []

    def end_of_pools(self) -> float:
        return monotonic() + 0.2

    def no_paper(self, url: str) -> str:
        return f"{without_secrets(url)} is no paper orchestrator; set url"
