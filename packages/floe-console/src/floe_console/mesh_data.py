"""The state of a platform as `floe mesh --json` prints it and its page reads it."""

from __future__ import annotations

from dataclasses import asdict
from importlib.resources import files
from typing import Any

from floe_console.mesh import JobState, Mesh, OfferedPort, ProductState
from floe_core.cli.pages.html_page import fill_page


def as_data(found: Mesh) -> dict[str, Any]:
    """Return the mesh as plain data: products by name, moments in ISO 8601."""
    return {
        "platform": found.name,
        "cycle": list(found.cycle),
        "problem": found.problem,
        "products": [product_as_data(each) for each in found.products],
    }


def product_as_data(product: ProductState) -> dict[str, Any]:
    """Return one product as plain data."""
    return {
        **{
            name: getattr(product, name)
            for name in ("name", "problem", "version", "orchestrator", "owner", "description")
        },
        "reads": list(product.reads),
        "not_offered": list(product.not_offered),
        "ports": [_port_as_data(each) for each in product.ports],
        "jobs": [_job_as_data(each) for each in product.jobs],
    }


def _port_as_data(offered: OfferedPort) -> dict[str, object]:
    update = offered.last_update
    return {
        "port": offered.key,
        "description": offered.port.description,
        "columns": [column.model_dump() for column in offered.port.columns],
        "consumers": list(offered.consumers),
        "last_update": update.model_dump(mode="json") if update else None,
        "unknown": offered.unknown,
    }


def _job_as_data(job: JobState) -> dict[str, object]:
    start, trigger = job.last_start, job.trigger
    return {
        **{
            key: value for key, value in asdict(job).items() if key not in ("trigger", "last_start")
        },
        "next_tick": job.next_tick.isoformat() if job.next_tick else None,
        "trigger": trigger.model_dump(mode="json") if trigger else None,
        "last_start": start.model_dump(mode="json") if start else None,
    }


def mesh_page(found: Mesh) -> str:
    """Return the page: a house symbol for each product, with the details of the selected one."""
    return fill_page(
        files("floe_console") / "mesh_page.html", {"platform": found.name}, as_data(found)
    )
