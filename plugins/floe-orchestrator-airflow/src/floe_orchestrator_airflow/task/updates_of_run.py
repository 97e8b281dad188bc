"""The updates of ports that started a DAG run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset

from floe_core.ports.decision import updates_in

if TYPE_CHECKING:
    from airflow.sdk import Context

Updates = tuple[tuple[str, int], ...]


def updates_of_run(context: Context, asset: Asset) -> Updates:
    """Return each port, with the number of its last update, in the events of this asset.

    () for a run started by hand, by its timetable or by other assets.
    """
    events = context["triggering_asset_events"]
    found: dict[str, int] = {}
    for event in events.get(asset, ()):
        for port, number in updates_in(str(event.extra.get("payload", ""))).items():
            found[port] = max(number, found.get(port, 0))
    return tuple(sorted(found.items()))
