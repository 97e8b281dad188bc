"""Check whether installed versions are compatible, by the ranges in the distributions."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    distributions,
    packages_distributions,
    requires,
    version,
)

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as normalized

from floe_core import plugin_registry
from floe_core.cli.doctor.finding import Finding
from floe_core.foundation.errors import PluginError
from floe_core.foundation.extras import DISTRIBUTION, install_command
from floe_orchestration.namesakes import PACKAGES, is_ours

SUBJECT = "versions"
LIBRARY, DBT = "dbt-core", "dbt"


def check_versions() -> list[Finding]:
    """Return the installed versions, and every requirement that they do not meet."""
    checked = [DISTRIBUTION, *_plugins(), *_adapters()]
    problems = [found for name in checked for found in _find_unmet(name)]
    return [_installed_versions(checked), *_rivals(), *_plugins_that_load(), *problems]


def _installed_versions(checked: list[str]) -> Finding:
    names = sorted({name for each in checked for name in (each, *_shown_requirements(each))})
    versions = ", ".join(f"{name} {version(name)}" for name in names if _is_installed(name))
    return Finding(SUBJECT, "ok", f"Python {platform.python_version()}, {versions}")


def _rivals() -> Iterator[Finding]:
    """Yield our import packages that a distribution of another project installs, too."""
    for package, owners in sorted(packages_distributions().items()):
        if package not in PACKAGES:
            continue
        for owner in sorted({each for each in owners if not is_ours(each)}):
            what = f"{owner} {version(owner)} installs {package}, which is floe's own"
            yield Finding(SUBJECT, "problem", what, f"pip uninstall {owner}, and reinstall floe")


def _shown_requirements(name: str) -> Iterator[str]:
    """Yield what floe's distributions are based on: dbt and the orchestrators."""
    shown = ("dbt-core", "dagster", "apache-airflow", "prefect", "duckdb")
    yield from (each.name for each in _requirements(name) if each.name in shown)


def _plugins() -> list[str]:
    return [each.distribution.split(" ")[0] for each in plugin_registry.describe()]


def _adapters() -> list[str]:
    """Return the installed dbt adapters, of whatever warehouse."""
    names = {normalized(each.metadata["Name"] or "") for each in distributions()}
    return sorted(name for name in names if name.startswith("dbt-") and _is_adapter(name))


def _is_adapter(name: str) -> bool:
    """Return whether a distribution is an adapter: it needs dbt's package for them, or did so."""
    needed = {normalized(each.name) for each in _requirements(name)}
    return bool(needed & {"dbt-adapters", LIBRARY}) and name not in (LIBRARY, "dbt-adapters")


def _find_unmet(name: str) -> Iterator[Finding]:
    for wanted in _requirements(name):
        what, fix = "", f"pip install '{wanted}'"
        if not _is_installed(wanted.name):
            what = f"{name} needs {wanted}, which is not installed"
        elif not wanted.specifier.contains(version(wanted.name), prereleases=True):
            what = f"{name} takes {wanted}, and {version(wanted.name)} is installed"
        if what:
            yield Finding(SUBJECT, "problem", what, fix)


def _requirements(name: str) -> list[Requirement]:
    """Return the requirements of a distribution here, without its extras."""
    if not _is_installed(name):
        return []
    found = [Requirement(text) for text in requires(name) or ()]
    needed = [each for each in found if _holds(each, "")]
    # Extras are not requested by name: their installed packages must be in range.
    return needed + [
        e for e in found if e.name == LIBRARY and _holds(e, DBT) and _is_installed(LIBRARY)
    ]


def _holds(wanted: Requirement, extra: str) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({"extra": extra})


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def _plugins_that_load() -> Iterator[Finding]:
    described = plugin_registry.describe()
    if not described:
        fix = install_command("dagster")
        yield Finding(SUBJECT, "problem", "no orchestrator plugin is installed", fix)
    for each in described:
        try:
            plugin_registry.load(each.name)
        except PluginError as error:
            fix = f"upgrade or remove {each.distribution}"
            yield Finding(SUBJECT, "problem", str(error), fix)
