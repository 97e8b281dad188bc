"""Find and load the orchestrator plugins installed beside floe, by entry point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, requires
from typing import Any

from floe_core.foundation.entry_points import distribution_of, installed_points, named_failure
from floe_core.foundation.errors import PluginError
from floe_core.foundation.extras import DISTRIBUTION, install_command
from floe_core.plugin_interfaces import FLOE_API_VERSION, OrchestratorPlugin

GROUP = "floe.orchestrators"


@dataclass(frozen=True, slots=True)
class InstalledPlugin:
    """One entry point of the group. `distribution` is the name and version of its package."""

    name: str
    target: str
    distribution: str


def installed() -> list[str]:
    """Return the names of the installed plugins, sorted, for `plugins.orchestrator.type`."""
    return sorted(installed_points(GROUP))


def describe() -> list[InstalledPlugin]:
    """Return every installed plugin in the order of `installed()`, without importing any."""
    return [
        InstalledPlugin(name, point.value, distribution_of(point))
        for name, point in sorted(installed_points(GROUP).items())
    ]


def load(name: str, settings: Mapping[str, Any] | None = None) -> OrchestratorPlugin:
    """Return a new plugin of that name, configured with its settings.

    Raises:
        PluginError: The plugin is not installed, can't be imported, or is for another floe.
    """
    point = installed_points(GROUP).get(name)
    if point is None:
        raise PluginError(unknown_plugin(name))
    plugin = _construct(point)
    _check_attributes(plugin, point)
    plugin.configure(settings or {})
    return plugin


def unknown_plugin(name: str) -> str:
    """Return the error message for a plugin that is not installed; it lists those that are."""
    names = installed()
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    choices = ", ".join(names) or "none"
    how = f"; `{install_command(name)}` installs it" if _is_extra(name) else ""
    return f"no orchestrator plugin named '{name}'; {hint}installed here: {choices}{how}"


def _is_extra(name: str) -> bool:
    """Return whether a plugin of that name is an extra of floe's own distribution."""
    wanted = f"{DISTRIBUTION}-{name}=="
    return any(text.startswith(wanted) for text in requires(DISTRIBUTION) or ())


def _construct(point: EntryPoint) -> OrchestratorPlugin:
    where = f"orchestrator plugin '{point.name}' ({distribution_of(point)}, {point.value})"
    with named_failure(where):
        plugin = point.load()()
    if not isinstance(plugin, OrchestratorPlugin):
        raise PluginError(f"{where} is not an OrchestratorPlugin but {type(plugin).__name__}")
    return plugin


def _check_attributes(plugin: OrchestratorPlugin, point: EntryPoint) -> None:
    where = f"orchestrator plugin '{point.name}' ({distribution_of(point)})"
    missing = [a for a in ("name", "version", "floe_api_version") if not _text_attribute(plugin, a)]
    if missing:
        raise PluginError(f"{where} lacks {', '.join(missing)}; each must be a text")
    if not _is_compatible(plugin.floe_api_version):
        raise PluginError(
            f"{where}, version {plugin.version}, was made for floe API {plugin.floe_api_version}; "
            f"this floe has {FLOE_API_VERSION}. Install a version of either that fits the other."
        )


def _text_attribute(plugin: OrchestratorPlugin, name: str) -> str:
    value = getattr(plugin, name, "")
    return value if isinstance(value, str) else ""


def _is_compatible(theirs: str) -> bool:
    """Return whether core supports API version "X.Y": the same X and no newer Y.

    >>> _is_compatible("1.0"), _is_compatible("2.0"), _is_compatible("one")
    (True, False, False)
    """
    parts = theirs.split(".")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        return False
    ours = tuple(int(part) for part in FLOE_API_VERSION.split("."))
    return int(parts[0]) == ours[0] and int(parts[1]) <= ours[1]
