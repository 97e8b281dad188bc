"""Without one of dbt's names that reading tables takes, whoever wants to read them is told so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from borrowed_names import Name, borrowed_names, without

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.warehouse import internals

NOTHING: Any = SimpleNamespace()


def open_adapter() -> None:
    with internals.adapter_with_macros("duckdb", NOTHING, Path("/nowhere")):
        raise AssertionError("it was opened")


CALLS: dict[Name, Callable[[], object]] = {
    ("dbt.adapters.duckdb.environments", "create"): lambda: internals.duckdb_environment(NOTHING),
    ("dbt.adapters.factory", "get_adapter_class_by_name"): lambda: internals.connection_manager(
        "duckdb", NOTHING
    ),
    ("dbt.adapters.factory", "load_plugin"): lambda: internals.make_credentials("duckdb", {}),
    ("dbt.adapters.sql", "SQLConnectionManager"): lambda: internals.has_cursors(NOTHING),
    ("dbt.config.profile", "Profile"): lambda: internals.render_output({}, "shop", "dev"),
    ("dbt.config.profile", "read_profile"): lambda: internals.read_profiles("/nowhere"),
    ("dbt.config.renderer", "ProfileRenderer"): lambda: internals.render_output({}, "shop", "dev"),
    ("dbt.mp_context", "get_mp_context"): lambda: internals.connection_manager("duckdb", NOTHING),
    ("dbt_common.context", "set_invocation_context"): lambda: internals.render_output(
        {}, "shop", "dev"
    ),
    ("dbt.adapters.factory", "get_adapter"): open_adapter,
    ("dbt.adapters.factory", "register_adapter"): open_adapter,
    ("dbt.adapters.factory", "reset_adapters"): open_adapter,
    ("dbt.config.runtime", "RuntimeConfig"): open_adapter,
    ("dbt.config.runtime", "load_project"): open_adapter,
    ("dbt.context.providers", "generate_runtime_macro_context"): open_adapter,
    ("dbt.flags", "set_from_args"): open_adapter,
    ("dbt.parser.manifest", "ManifestLoader"): open_adapter,
    ("dbt_common.events.event_manager_client", "cleanup_event_logger"): open_adapter,
    ("dbt_common.exceptions", "DbtBaseException"): internals.dbt_error,
}


def test_these_are_all_that_are_borrowed() -> None:
    assert borrowed_names(Path(internals.__file__), "dbt", "dbt_common") == sorted(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_no_table_is_read_without_it(name: Name) -> None:
    with without(*name), pytest.raises(EnvironmentProblemError) as caught:
        CALLS[name]()
    assert str(caught.value).startswith("tables are read through dbt's adapter")
    assert name[1] in str(caught.value)
