"""Find the configured OpenLineage backend: by OpenLineage's own settings, or by the manifest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from floe_core.foundation.process_environment import is_true
from floe_core.schemas.policies import LineageSettings
from floe_core.secrets.references import resolve

CONFIG_FILE = "openlineage.yml"
_TRANSPORT_VARIABLES = ("OPENLINEAGE__TRANSPORT__", "OPENLINEAGE__TRANSPORT=")


def is_configured(settings: LineageSettings, project_dir: Path) -> bool:
    """Return whether a backend is configured. Cheap: imports nothing, reads no file."""
    if not settings.enabled or is_switched_off():
        return False
    return speaks_of_transport(project_dir) or bool(manifest_transport(settings))


def is_switched_off() -> bool:
    """Return whether `OPENLINEAGE_DISABLED` is true."""
    return is_true("OPENLINEAGE_DISABLED")


def speaks_of_transport(project_dir: Path) -> bool:
    """Return whether this process's environment names a backend, which overrides the manifest's.

    That is `OPENLINEAGE_URL`, `OPENLINEAGE__TRANSPORT...`, or a configuration file.
    """
    if os.environ.get("OPENLINEAGE_URL") or config_file(project_dir):
        return True
    return any(f"{name}=".startswith(_TRANSPORT_VARIABLES) for name in os.environ)


def config_file(project_dir: Path) -> Path | None:
    """Return the client's configuration file: the one named, or the first that it would find."""
    named = os.environ.get("OPENLINEAGE_CONFIG")
    places = [Path.cwd(), project_dir, Path.home() / ".openlineage"]
    candidates = [Path(named)] if named else [place / CONFIG_FILE for place in places]
    return next((path.absolute() for path in candidates if path.is_file()), None)


def manifest_transport(settings: LineageSettings) -> dict[str, Any]:
    """Return the transport that the manifest names, references to the environment unresolved.

    Its `config` is a transport (`type: http, url: ...`), or just a URL, or has one as `transport`.
    """
    config = settings.config
    if "transport" in config:
        return dict(config["transport"])
    if "type" in config:
        return dict(config)
    return {"type": "http", **config} if config.get("url") else {}


def resolve_transport(settings: LineageSettings) -> dict[str, Any]:
    """Return the manifest's transport with its values from the environment.

    Raises:
        UnsetVariableError: A variable it refers to is not set.
    """
    transport: dict[str, Any] = resolve(manifest_transport(settings))
    return transport
