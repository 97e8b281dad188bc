"""The folder and the settings of a local Airflow."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HEARTBEAT_SECONDS = 60
USER = "floe"
DATABASE = "airflow.db"


@dataclass(frozen=True, slots=True)
class Home:
    """An AIRFLOW_HOME of floe's own, and the address of the Airflow in it."""

    folder: Path
    port: int
    password: str
    follows_schedules: bool = False

    @classmethod
    def prepare(cls, folder: Path, *, follows_schedules: bool = False, port: int = 0) -> Home:
        """Prepare this folder as a home, with a new password, and return it; port 0 is any."""
        password = secrets.token_urlsafe(24)
        home = cls(folder.absolute(), port or _free_port(), password, follows_schedules)
        home.dags.mkdir(parents=True, exist_ok=True)
        home._write_password()
        return home

    @property
    def dags(self) -> Path:
        """The folder in which Airflow looks for DAG files."""
        return self.folder / "dags"

    @property
    def database(self) -> Path:
        """The file of Airflow's metadata database."""
        return self.folder / DATABASE

    @property
    def output(self) -> Path:
        """The file with the output of all its processes."""
        return self.folder / "output.log"

    @property
    def url(self) -> str:
        """The URL of its API."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of its processes, without the settings of any other Airflow."""
        kept = {name: value for name, value in inherited.items() if not _is_of_airflow(name)}
        hosts = [kept.get("NO_PROXY", kept.get("no_proxy", "")), "127.0.0.1", "localhost"]
        no_proxy = ",".join(host for host in hosts if host)
        return {**kept, "NO_PROXY": no_proxy, "no_proxy": no_proxy, **self._settings()}

    def _write_password(self) -> None:
        path = self._passwords
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({USER: self.password}, file)

    @property
    def _passwords(self) -> Path:
        return self.folder / "passwords.json"

    def _settings(self) -> dict[str, str]:
        sections = {
            "core": {
                "load_examples": "False",
                "executor": "LocalExecutor",
                "parallelism": "4",
                "dags_folder": str(self.dags),
                "simple_auth_manager_users": f"{USER}:admin",
                "simple_auth_manager_passwords_file": str(self._passwords),
                "execution_api_server_url": f"{self.url}/execution/",
                "fernet_key": "",
                # A recompiled product runs as it is now, not as it was half a minute ago.
                "min_serialized_dag_update_interval": "0",
            },
            # Without the timeout, a long write would end scheduler and triggerer.
            "database": {"sql_alchemy_conn": f"sqlite:///{self.database}?timeout=60"},
            "api": {
                "host": "127.0.0.1",
                "port": str(self.port),
                "base_url": self.url,
                "workers": "1",
                "secret_key": secrets.token_urlsafe(24),
            },
            "api_auth": {"jwt_secret": secrets.token_urlsafe(48)},
            "logging": {"base_log_folder": str(self.folder / "logs")},
            "scheduler": {
                # If runs are requested one by one, a tick that passes meanwhile starts no run.
                "use_job_schedule": str(self.follows_schedules),
                "scheduler_idle_sleep_time": "0.2",
                "enable_health_check": "False",
                # How long a task of a killed worker counts as running; Airflow's default is 300 s.
                "task_instance_heartbeat_timeout": str(HEARTBEAT_SECONDS),
            },
            "dag_processor": {
                "refresh_interval": "3",
                "parsing_processes": "1",
                # How soon it prints what came of each file.
                "print_stats_interval": "5",
            },
            "openlineage": {"disabled": "True"},
            "usage_data_collection": {"enabled": "False"},
            "metrics": {"statsd_on": "False"},
        }
        settings = {
            f"AIRFLOW__{section.upper()}__{name.upper()}": value
            for section, values in sections.items()
            for name, value in values.items()
        }
        return {"AIRFLOW_HOME": str(self.folder), "PYTHONUNBUFFERED": "1", **settings}


def _is_of_airflow(name: str) -> bool:
    return name.startswith("AIRFLOW__") or name in ("AIRFLOW_HOME", "AIRFLOW_CONFIG")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
