"""Render a chart with the installed Helm."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError, UsageError

VARIABLE = "FLOE_HELM"


def find_engine(chart: Path) -> Path:
    """Return the `helm` to use: $FLOE_HELM, the one of PATH, or one fetched beside the chart.

    Raises:
        EnvironmentProblemError: There is none.
    """
    if named := os.environ.get(VARIABLE):
        if found := shutil.which(named):
            return Path(found)
        raise EnvironmentProblemError(f"{VARIABLE} names {named}, which is not a program here")
    if found := shutil.which("helm"):
        return Path(found)
    # A checkout has `make helm`, which leaves the engines two folders above the chart.
    for fetched in sorted(chart.resolve().parents[1].glob(".helm/*/helm"), reverse=True):
        return fetched
    raise EnvironmentProblemError(
        f"Helm is not installed here: install it, or set {VARIABLE} to where it is; "
        "`floe helm values` needs none"
    )


def template(chart: Path, values: str, release: str, namespace: str) -> str:
    """Return the manifests that Helm renders from the chart and these values.

    Raises:
        EnvironmentProblemError: There is no Helm, or it does not start.
        UsageError: Helm refuses; the error has its message.
    """
    command = [str(find_engine(chart)), "template", release, str(chart), "--values", "-"]
    command += ["--namespace", namespace]
    try:
        done = subprocess.run(command, input=values, capture_output=True, text=True, check=False)
    except OSError as error:
        raise EnvironmentProblemError(f"{command[0]} does not start: {error.strerror}") from error
    if done.returncode:
        raise UsageError(f"Helm refuses the chart {chart.name}: {done.stderr.strip()}")
    return done.stdout
