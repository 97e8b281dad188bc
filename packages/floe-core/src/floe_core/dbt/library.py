"""The dbt that is installed beside floe as a Python library: dbt-core 1.x."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from floe_core.dbt.internals import forget_deprecations, release_adapters, release_warehouse
from floe_core.dbt.lighter_dbt import (
    direct_flag_sources,
    json_at_once,
    remembered_defaults,
    remembered_syntax,
)
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.extras import install_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dbt.cli.main import dbtRunner, dbtRunnerResult

    from floe_core.dbt.internals import Manifest

NO_DBT = (
    "there is no dbt to run this product with: install dbt-core 1.x with the adapter of the "
    f"warehouse beside floe, such as `{install_command('duckdb')}`, or name a dbt program, "
    "such as dbt 2, in `execution.dbtExecutable` of floe.yaml"
)


def library_version() -> str:
    """Return the version of dbt-core, "" if it is not installed."""
    return installed_version("dbt-core")


def installed_version(package: str) -> str:
    """Return the version of a package installed beside floe, "" if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def load_runner() -> type[dbtRunner]:
    """Import dbt and return its runner.

    Raises:
        EnvironmentProblemError: It is not installed, can't be imported, or is not a library.
    """
    try:
        from dbt.cli.main import dbtRunner
    except ImportError as error:
        found = library_version()
        why = f" (dbt-core {found} can't be used as a library: {error})" if found else ""
        raise EnvironmentProblemError(NO_DBT + why) from error
    except Exception as error:
        raise EnvironmentProblemError(_broken_dbt(error)) from error
    runner: type[dbtRunner] = dbtRunner
    return runner


def _broken_dbt(error: Exception) -> str:
    """Return what is wrong with a dbt that Python finds and cannot import."""
    python = ".".join(map(str, sys.version_info[:2]))
    what = f"dbt-core {library_version()} can't be imported by Python {python}: {error}"
    if sys.version_info >= (3, 14) and library_version().startswith(("1.10.", "1.11.")):
        return f"{what}; on Python 3.14, install dbt-core 1.12, or mashumaro 3.17 beside this one"
    return f"{what}; install a dbt-core and an adapter that support this Python"


def invoke_library(
    arguments: Sequence[str], manifest: Manifest | None, callbacks: Sequence[Callable[[Any], None]]
) -> dbtRunnerResult:
    """Run one dbt command as a new dbt process would, and leave no warehouse open in this one.

    Raises:
        EnvironmentProblemError: See `load_runner`.
    """
    runner = load_runner()
    forget_deprecations()
    with remembered_defaults(), remembered_syntax(), direct_flag_sources(), json_at_once():
        try:
            return runner(manifest=manifest, callbacks=list(callbacks)).invoke(list(arguments))
        finally:
            release_warehouse()
            release_adapters()
