"""What runs write into the ledger of ports."""

from __future__ import annotations

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import MODEL, NOTHING, MadeRun, MadeRuns, MakeRun
from floe_core.ports.ledger import Ledger
from floe_core.ports.record import Update


class PortChecks(MadeRuns):
    """A green run updates the ports that it built, and no other run updates any.

    Whoever runs `floe_core.execution.build` writes them. Skipped where `run` is not supplied.
    """

    def test_a_green_run_updates_what_it_offers(self, ran: MakeRun) -> None:
        """Once, with the version of the product."""
        run = ran(NOTHING)
        assert run.recorded.succeeded
        [update] = updates(run)[kit_product.PORT]
        assert (update.number, update.version) == (1, "1.0.0")

    def test_a_failed_run_updates_nothing(self, ran: MakeRun) -> None:
        """Not even what it built beside what failed; whether it did is checked above."""
        assert updates(ran(MODEL)) == {}


def updates(run: MadeRun) -> dict[str, tuple[Update, ...]]:
    """Return port -> its updates, as the ledger beside the product has them."""
    return Ledger(str(run.folder / "ledger")).read(kit_product.NAME).updates
