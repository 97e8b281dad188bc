"""Checks of what runs write to the ledger about the product's ports."""

from __future__ import annotations

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import MODEL, NOTHING, MadeRun, MadeRuns, MakeRun
from floe_core.ports.ledger import Ledger
from floe_core.ports.record import Update


class PortChecks(MadeRuns):
    """A green run updates the ports that it built; a failed run updates none.

    A plugin that runs `floe_core.execution.build` gets this. Skipped if `run` is not implemented.
    """

    def test_a_green_run_updates_what_it_offers(self, ran: MakeRun) -> None:
        """The ledger has one update of the port, with the version of the product."""
        run = ran(NOTHING)
        assert run.recorded.succeeded
        [update] = updates(run)[kit_product.PORT]
        assert (update.number, update.version) == (1, "1.0.0")

    def test_a_failed_run_updates_nothing(self, ran: MakeRun) -> None:
        """Not even a port that it did build; that it was built is checked in `RunChecks`."""
        assert updates(ran(MODEL)) == {}


def updates(run: MadeRun) -> dict[str, tuple[Update, ...]]:
    """Return port -> its updates, from the ledger in the product's folder."""
    return Ledger(str(run.folder / "ledger"), is_local=True).read(kit_product.NAME).updates
