"""What a shell gets when it completes a command, from the program as a shell calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.compiler import compile_product

FLOE = Path(sys.executable).with_name("floe")
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
jobs: [{name: hourly, select: orders}, {name: weekly, select: customers}]
"""


def completed(folder: Path, words: str) -> list[str]:
    """Return what bash gets for the words typed so far."""
    number = len(words.split()) - (0 if words.endswith(" ") else 1)
    asked = {"_FLOE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(number)}
    done = subprocess.run(
        [FLOE],
        cwd=folder,
        env={**os.environ, **asked},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("floe run product --job ", ["hourly", "shop", "weekly"]),
        ("floe run product --job w", ["weekly"]),
        ("floe run product --select cust", ["customers"]),
        ("floe run product --select +o", ["+orders"]),
        ("floe run elsewhere --job ", []),
    ],
)
def test_names_of_the_product(
    words: str, expected: list[str], write_product: Callable[..., Path]
) -> None:
    folder = write_product(floe=SPEC, orders="select 1 as id", customers="select 1 as id")
    compile_product(folder)
    assert completed(folder.parent, words) == expected
