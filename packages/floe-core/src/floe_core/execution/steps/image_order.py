"""What a step with an image asks for; the entry point `floe.image_runners` runs it."""

from __future__ import annotations

import sys

from floe_core.foundation.entry_points import installed_points
from floe_core.schemas.frozen import Frozen

FACTS_VARIABLE = "FLOE_FACTS_FILE"


class ImageOrder(Frozen):
    """An image to run for a step; `variables` are the names of the variables passed on to it.

    `command` is empty if the image runs its own. `timeout_seconds` is 0 for no limit. `root_run_id`
    is the first of the runs that this one retries.
    """

    product: str
    step: str
    run_id: str
    root_run_id: str
    attempt: int
    image: str
    command: tuple[str, ...]
    variables: tuple[str, ...]
    facts_file: str
    timeout_seconds: int


def command_of(order: ImageOrder) -> tuple[str, ...]:
    """Return the command that runs the image and exits as its container does.

    It is `python -m MODULE ORDER`, with the module that the first entry point by name has.
    """
    runners = installed_points("floe.image_runners")
    return (sys.executable, "-m", runners[min(runners)].value, order.model_dump_json())
