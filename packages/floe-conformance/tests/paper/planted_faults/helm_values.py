"""Plugins broken in their Helm values."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from paper_orchestrator import PaperPlugin


class GivesObjectsAsHelmValues(PaperPlugin):
    caught_by = "test_helm_values_are_plain_and_not_empty"

    def get_helm_values(self) -> dict[str, Any]:
        return {**super().get_helm_values(), "home": Path("/opt/paper")}


class GivesNewHelmValuesEachTime(PaperPlugin):
    caught_by = "test_helm_values_are_the_same_each_time"

    def get_helm_values(self) -> dict[str, Any]:
        return {**super().get_helm_values(), "stamp": time.monotonic_ns()}


class AliasesItsHelmValues(PaperPlugin):
    """A copy of the outer dict only."""

    caught_by = "test_helm_values_are_nobody_elses"
    shared = {"image": {"tag": "1.0.0"}, "env": []}

    def get_helm_values(self) -> dict[str, Any]:
        return dict(self.shared)
