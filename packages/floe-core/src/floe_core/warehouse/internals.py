"""The one module with the dbt names for reading a warehouse; dbt does not promise to keep them.

dbt has no public way to connect to the warehouse of a profile, and there is no simpler one:
without a name, reading tables fails with a message that says so. Runs need none of them.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.extras import install_command

if TYPE_CHECKING:
    from dbt.adapters.contracts.connection import Credentials as Credentials


def dbt_error() -> type[Exception]:
    """Return the base class of the errors of dbt and its adapters."""
    with _names_of_dbt():
        from dbt_common.exceptions import DbtBaseException

    found: type[Exception] = DbtBaseException
    return found


def render_output(raw: Mapping[str, Any], profile: str, target: str) -> dict[str, Any]:
    """Return the fields of a profile's target, `env_var()` filled in, as dbt does."""
    with _names_of_dbt():
        from dbt.config.profile import Profile
        from dbt.config.renderer import ProfileRenderer
        from dbt_common.context import set_invocation_context

    set_invocation_context(os.environ)
    _, output = Profile.render_profile(dict(raw), profile, target, ProfileRenderer({}))
    return dict(output)


def read_profiles(folder: str) -> dict[str, Any]:
    """Return the profiles of a folder's profiles.yml, as dbt reads it."""
    with _names_of_dbt():
        from dbt.config.profile import read_profile

    return dict(read_profile(folder))


def make_credentials(adapter: str, fields: Mapping[str, Any]) -> Credentials:
    """Return an adapter's credentials, validated by the adapter."""
    with _names_of_dbt():
        from dbt.adapters.factory import load_plugin

    kind = load_plugin(adapter)
    given = kind.translate_aliases(dict(fields))
    kind.validate(given)
    return kind.from_dict(given)


def connection_manager(adapter: str, credentials: Credentials) -> Any:
    """Return the connection manager of an adapter."""
    with _names_of_dbt():
        from dbt.adapters.factory import get_adapter_class_by_name
        from dbt.mp_context import get_mp_context

    manager: Any = get_adapter_class_by_name(adapter).ConnectionManager
    # A manager uses only the credentials of a run's configuration.
    return manager(SimpleNamespace(credentials=credentials), get_mp_context())


@contextmanager
def adapter_with_macros(adapter: str, credentials: Credentials, folder: Path) -> Iterator[Any]:
    """Yield a connected adapter that can call dbt's own macros; `folder` is an empty one for dbt.

    dbt has one adapter of a kind in a process: this one takes the place of another.
    """
    with _names_of_dbt():
        from dbt.adapters.factory import get_adapter, register_adapter, reset_adapters
        from dbt.config.profile import Profile
        from dbt.config.runtime import RuntimeConfig, load_project
        from dbt.context.providers import generate_runtime_macro_context
        from dbt.flags import set_from_args
        from dbt.mp_context import get_mp_context
        from dbt.parser.manifest import ManifestLoader
        from dbt_common.context import set_invocation_context
        from dbt_common.events.event_manager_client import cleanup_event_logger

    set_invocation_context(os.environ)
    cleanup_event_logger()
    (folder / "dbt_project.yml").write_text("name: floe\nversion: 1.0.0\nprofile: floe\n")
    # What dbt reads of a command line.
    given = {"project_dir": str(folder), "profiles_dir": str(folder), "vars": {}, "threads": 1}
    arguments = Namespace(**given, profile=None, target=None, which="run-operation")
    set_from_args(arguments, None)
    profile = Profile.from_credentials(credentials, 1, "floe", "floe")
    project = load_project(str(folder), version_check=False, profile=profile, cli_vars={})
    config = RuntimeConfig.from_parts(project, profile, arguments)
    # dbt keeps the adapter of its last command, which may be of another warehouse.
    reset_adapters()
    register_adapter(config, get_mp_context())
    try:
        found = get_adapter(config)
        found.set_macro_resolver(
            ManifestLoader.load_macros(
                config, found.connections.set_query_header, base_macros_only=True
            )
        )
        found.set_macro_context_generator(generate_runtime_macro_context)
        with found.connection_named("floe"):
            yield found
    finally:
        reset_adapters()


def has_cursors(connections: Any) -> bool:
    """Return whether queries of a connection manager return cursors of the Python DB API.

    Those of BigQuery and ClickHouse do not: their managers fetch rows in their own way.
    """
    with _names_of_dbt():
        from dbt.adapters.sql import SQLConnectionManager

    return getattr(type(connections), "execute", None) is SQLConnectionManager.execute


def duckdb_environment(credentials: Credentials) -> Any:
    """Return DuckDB as dbt-duckdb opens it, with everything that a profile attaches and loads."""
    with _names_of_dbt():
        from dbt.adapters.duckdb.environments import create

    return create(credentials)


def require_adapter(adapter: str) -> None:
    """Raise if tables can't be read, since dbt-core 1.x or its adapter is not beside floe.

    Raises:
        EnvironmentProblemError: It is so.
    """
    with _names_of_dbt():
        import_module("dbt.config.profile")
        import_module(f"dbt.adapters.{adapter}")


@contextmanager
def _names_of_dbt() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise EnvironmentProblemError(
            "tables are read through dbt's adapter, a Python package, whichever dbt runs the "
            f"product, and it can't be imported here ({error}): install dbt-core 1.x with the "
            f"adapter of the warehouse, such as `{install_command('duckdb')}`"
        ) from error
