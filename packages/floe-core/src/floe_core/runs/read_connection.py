"""What reads a connection of an orchestrator, for the credentials of a run."""

from collections.abc import Callable, Mapping
from typing import Any

# (name of the connection, dbt adapter) -> field -> value, by the adapter's names of the fields.
# Raises LookupError with what is wrong, such as that there is no connection of this name.
ReadConnection = Callable[[str, str], Mapping[str, Any]]
