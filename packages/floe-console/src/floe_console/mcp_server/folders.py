"""The folders of products whose code may be asked about."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from floe_console.data.refresh import Platform
from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.storage.state_folder import identity_of

SECONDS = 300.0


@dataclass(frozen=True)
class Folders:
    """Product -> the folder of its code; only these are ever compiled."""

    platform: Platform
    given: Mapping[str, Path] = field(default_factory=dict)

    def of(self, product: str) -> Path:
        """Return the folder of a product's code on this machine.

        Raises:
            UsageError: There is none.
        """
        if product in self.given:
            return self.given[product]
        artifacts = self.platform.known.artifacts.get(product)
        folder = artifacts.project_dir if artifacts else None
        if folder is None or not (folder / "dbt_project.yml").is_file():
            raise UsageError(
                f"the code of '{product}' is not on this machine; start `floe mcp` with "
                "--product FOLDER, or in the platform's own checkout"
            )
        return folder

    @classmethod
    def named(cls, platform: Platform, folders: Sequence[Path]) -> Folders:
        """Return the folders, each under the name of the product in it.

        Raises:
            UsageError: One holds no product.
        """
        found: dict[str, Path] = {}
        for folder in folders:
            identity = identity_of(folder)
            if identity is None:
                raise UsageError(f"--product {folder}: there is no floe.yaml that names a product")
            found[identity.name] = folder.absolute()
        return cls(platform, found)


def ask_child(question: str, **values: Any) -> dict[str, Any]:
    """Return what a process of its own answers: dbt's output must not reach this one's.

    Raises:
        EnvironmentProblemError: It does not answer in time.
        UsageError: It refuses; the text says why.
    """
    command = [sys.executable, "-m", "floe_console.mcp_server.child", question]
    try:
        done = subprocess.run(
            command,
            input=json.dumps(values, default=str),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentProblemError(f"no answer within {SECONDS:.0f} s") from None
    lines = done.stdout.splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    except ValueError:
        answer = {}
    if "refused" in answer:
        raise UsageError(str(answer["refused"]))
    if "answer" not in answer:
        raise EnvironmentProblemError(f"no answer: {done.stderr[-1000:]}")
    found: dict[str, Any] = answer["answer"]
    return found
