"""Sessions of random edits on each orchestrator, beside plain dbt.

`FLOE_TEST_EDITS` is how many, and `FLOE_TEST_SEED` chooses others. The oracles are plain dbt,
the tables, the orchestrator's API, and a whole `floe compile`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import median

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from dev_session import alive, dev_of, left_of
from edit_session import EditSession, Sample
from edited_shop import Edits, write_shop

EDITS = int(os.environ.get("FLOE_TEST_EDITS", "5"))
SEED = int(os.environ.get("FLOE_TEST_SEED", "1"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600 + 60 * EDITS)]
# Memory at the end, relative to that of the first edits, and how many of those there have to be.
MOST_GROWTH, FEWEST = 1.15, 20


@pytest.mark.parametrize("orchestrator", ["dagster", "prefect", "airflow"])
def test_a_session_of_edits(
    orchestrator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    shop = tmp_path / "shop"
    write_shop(shop, orchestrator)
    with dev_of(shop) as dev:
        dev.await_line("pages, with the product")
        session = EditSession(dev, tmp_path / "plain", orchestrator, Edits(shop, SEED))
        session.begin()
        while session.edits.number < EDITS:
            session.turn()
            # For who watches a long session.
            print(session.latest(), flush=True)
        processes = dev.processes()
        assert dev.interrupt() == 130
        assert alive(processes) == []
    assert left_of(shop) == []
    assert not any("Traceback" in line for line in dev.lines), "\n".join(dev.lines)
    assert session.differences == []
    assert left_in(temporary, shop) == []
    is_flat(session.samples)


def left_in(temporary: Path, shop: Path) -> list[str]:
    """Return files that should be gone: temporary ones, and the place of the session.

    The lock of the port stays, which is of no session, and Prefect leaves empty folders.
    """
    found = (each for each in temporary.rglob("*") if each.is_file())
    files = [each for each in found if each.suffix != ".lock"]
    files += [shop / ".floe/dev.json", *shop.rglob("*.tmp"), *shop.rglob(".*.partial")]
    return [str(each) for each in files if each.exists()]


def is_flat(samples: list[Sample]) -> None:
    if len(samples) >= FEWEST:
        for held in ([each.lasting for each in samples], [each.own for each in samples]):
            first, last = median(held[4:10]), median(held[-6:])
            assert last <= MOST_GROWTH * first, (first, last, samples[9], samples[-1])
