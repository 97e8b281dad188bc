"""Spare dbt work whose outcome nobody can see, for as long as a run or a parse takes.

Half of the CPU time of a node goes into three things: events that are made for dbt's debug log and
then dropped, the search for a relation among all others of its schema, and the table of all macros
for each of the half a dozen Jinja contexts that a node has. dbt has no setting for them. What a
project can observe stays the same: results, artifacts, Jinja, SQL and messages.

Beside `internals.py`, the modules here are the door to names that dbt does not promise to keep.
Code of dbt's is replaced only where it is word for word what the replacement was written for
(`known_source.py`); any other stays as it is, and takes its time.
"""

from floe_core.execution.dbt.lighter_dbt.defaults import remembered_defaults
from floe_core.execution.dbt.lighter_dbt.flag_sources import direct_flag_sources
from floe_core.execution.dbt.lighter_dbt.lighter_run import lighter_dbt

__all__ = ["direct_flag_sources", "lighter_dbt", "remembered_defaults"]
