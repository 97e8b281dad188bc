"""Skip work of dbt that has no visible effect, during a run or a parse.

Half of a node's CPU time goes into three things: events that are created for dbt's debug log and
then dropped, the search for a relation among all others of its schema, and the table of all macros
for each of a node's half a dozen Jinja contexts. dbt has no setting for them. What a project can
observe stays the same: results, artifacts, Jinja, SQL and messages.

Beside `internals.py`, only these modules use names that dbt does not promise to keep. Code of dbt
is replaced only if it is exactly what the replacement was written for (`known_source.py`); any
other code stays as it is, at its usual speed.
"""

from floe_core.dbt.lighter_dbt.defaults import remembered_defaults
from floe_core.dbt.lighter_dbt.flag_sources import direct_flag_sources
from floe_core.dbt.lighter_dbt.json_files import json_at_once
from floe_core.dbt.lighter_dbt.lighter_run import lighter_dbt
from floe_core.dbt.lighter_dbt.macro_syntax import remembered_syntax

__all__ = [
    "direct_flag_sources",
    "json_at_once",
    "lighter_dbt",
    "remembered_defaults",
    "remembered_syntax",
]
