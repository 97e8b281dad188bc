"""Fill in the environment variables in dbt's configuration files."""

from __future__ import annotations

import os

from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment


def render_environment(text: str) -> str:
    """Return a text of a dbt file with its `{{ env_var(...) }}` filled in, as dbt does.

    Raises:
        ValueError: A variable without a default is not set, or the Jinja is wrong.
    """
    if "{" not in text:
        return text
    environment = SandboxedEnvironment()
    for name in ("as_text", "as_native", "as_bool", "as_number"):
        environment.filters[name] = str
    try:
        return environment.from_string(text).render(env_var=_env_var)
    except TemplateError as error:
        raise ValueError(f"{text}: {error}") from None


def _env_var(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ValueError(f"the environment variable {name} is not set, and has no default")
    return value
