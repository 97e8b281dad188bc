"""Writes updates into a ledger until it is done, one line for each that is written."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from floe_core.ports.ledger import Ledger
from floe_core.ports.record import Update

place, name, begin, end = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
ledger = Ledger(place)
for number in range(begin, end):
    run_id = f"{name}-{number}"
    update = Update(number=0, moment=datetime.now(UTC), run_id=run_id)
    # One port that both writers update, and one that is this update's alone.
    ledger.add_updates("crm", ["shared@1", f"{run_id}@1"], update)
    print(number, flush=True)
