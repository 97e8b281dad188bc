"""Keep a step's cost in line with the number of its assets.

For each output Dagster asks the step's context anew for the keys of all outputs, so that its time
grows with their square: 90 ms an asset at 3,000 assets. The answer does not change during a step.
"""

from __future__ import annotations

from dagster import OpExecutionContext


def compute_output_keys_once(context: OpExecutionContext) -> None:
    """Let this step's context answer from memory; nothing else knows of it.

    A Dagster without that method is left as it is: slower, never wrong.
    """
    step_context = context.get_step_execution_context()
    compute = getattr(step_context, "get_output_asset_keys", None)
    if compute is not None:
        keys = compute()
        step_context.get_output_asset_keys = lambda: keys  # type: ignore[method-assign]
