"""Find the profiles.yml of a run, and get its credentials from dbt's adapter."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.process_environment import environment_with
from floe_core.schemas.policies import DbtProject
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE, plain_file
from floe_core.warehouse.internals import dbt_error, make_credentials, read_profiles, render_output
from floe_core.warehouse.outside_values import set_outside_values

if TYPE_CHECKING:
    from floe_core.warehouse.internals import Credentials


def profiles_dir(dbt: DbtProject, project_dir: Path) -> Path:
    """Return the folder with the profiles.yml of a compiled product."""
    return project_dir / dbt.profiles_dir if dbt.profiles_dir else dbt_profiles_dir()


def dbt_profiles_dir() -> Path:
    """Return the folder where dbt looks for profiles.yml, other than the project's folder."""
    named = os.environ.get("DBT_PROFILES_DIR")
    return Path(named).expanduser() if named else Path.home() / ".dbt"


# Settings of dbt itself, not of the connection.
_NOT_OF_CREDENTIALS = ("type", "threads")


def credentials_of(
    dbt: DbtProject, project_dir: Path, changes: Mapping[str, Any] | None = None
) -> Credentials:
    """Return the credentials that dbt would use, `env_var()` filled in, with these changes.

    Raises:
        EnvironmentProblemError: A variable is not set, the profile is wrong or not there, or the
            adapter is not installed beside floe.
    """
    set_outside_values(dbt)
    errors = dbt_error()
    try:
        output = {**_render(dbt, project_dir), **(changes or {})}
        fields = {key: output[key] for key in output if key not in _NOT_OF_CREDENTIALS}
        return make_credentials(dbt.adapter, fields)
    except errors as error:
        raise EnvironmentProblemError(f"dbt: {without_secrets(str(error), dbt)}") from error


def place_of(dbt: DbtProject, project_dir: Path) -> str:
    """Return the server and database of the profile, to show to people."""
    if plain := plain_file(dbt, project_dir):
        return plain.place
    credentials = credentials_of(dbt, project_dir)
    return f"{dbt.adapter} {credentials.unique_field}/{credentials.database}"


def without_secrets(text: str, dbt: DbtProject) -> str:
    """Return a message of dbt or a warehouse without secrets."""
    return Redactor(known_secrets(dbt.profile).values()).text(text.strip())


def _render(dbt: DbtProject, project_dir: Path) -> dict[str, Any]:
    with environment_with({PROJECT_DIR_VARIABLE: str(project_dir)}):
        return render_output(_raw_profile(dbt), dbt.profile_name, dbt.target_name)


def _raw_profile(dbt: DbtProject) -> dict[str, Any]:
    """Return the profile; one not copied because of its secrets is read where dbt finds it."""
    if dbt.profiles_dir:
        return {"target": dbt.target_name, "outputs": {dbt.target_name: dbt.profile}}
    return dict(read_profiles(str(dbt_profiles_dir())).get(dbt.profile_name) or {})
