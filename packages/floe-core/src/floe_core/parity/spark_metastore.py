"""The metastore of Spark sessions that is a folder beside production.

Without other settings, Spark looks for it in the folder where a session starts. Parity and checks
of a change start sessions in folders of their own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from floe_core.compiler.profile import Profile
from floe_core.execution.warehouse_lock import file_of_one_writer

_URL = "javax.jdo.option.ConnectionURL"
_SESSION = "session"


class SparkMetastore:
    """The metastore of a profile, whose relative paths start from `home`."""

    def __init__(self, profile: Profile, home: Path) -> None:
        folder = file_of_one_writer(profile.output, home)
        self._folder = folder if folder is not None and folder.is_dir() else None

    def lead(self, profile: Profile) -> Profile:
        """Return the profile with the place of the metastore, if that is a folder."""
        is_session = profile.adapter == "spark" and profile.output.get("method") == _SESSION
        if self._folder is None or not is_session:
            return profile
        settings = dict(profile.output.get("server_side_parameters") or {})
        names = [name for name in settings if name.endswith(_URL)] or [f"spark.hadoop.{_URL}"]
        url = f"jdbc:derby:;databaseName={self._folder.absolute()};create=true"
        settings |= dict.fromkeys(names, url)
        return replace(profile, output={**profile.output, "server_side_parameters": settings})
