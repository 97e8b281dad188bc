"""The requests that a run makes to Airflow's REST API."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import httpx

from floe_core.foundation.errors import EnvironmentProblemError

PAGE = 100
TRIES = 5
# A backfill writes all ticks in one transaction, so it is refused more often than other changes.
TRIES_OF_BACKFILL = 20
PAUSE_SECONDS = 0.5
# More than the 60 s that Airflow waits for a locked SQLite file, after which it does respond.
TIMEOUT_SECONDS = 90
PING_SECONDS = 5


class RestError(EnvironmentProblemError):
    """A response other than a success. `status` is HTTP's, 0 if there was no complete response."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"HTTP {status}: {text[:500]}" if status else text)

    @property
    def is_of_database(self) -> bool:
        """Return whether Airflow's database refused, so that the request was rolled back.

        SQLite refuses at once, whatever the timeout, if a transaction that has read then writes and
        another wrote in between. Airflow 3.3 has a response of its own for that when it creates the
        runs of a backfill.
        """
        return (self.status == 500 and '"Database error"' in str(self)) or (
            self.status == 503 and "Database is locked" in str(self)
        )


class RestApi:
    """Airflow's API v2 at a URL, as a user of the simple auth manager.

    Threads may share one. It sends changes one at a time: Airflow commits its audit log on its
    event loop, and so can block the commit of a change that holds SQLite's lock until the 60 s are
    over.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        self._credentials = {"username": username, "password": password}
        self._token = ""
        self._changing = threading.Lock()
        # Not through a proxy: the API is on this machine. The server may close a connection that is
        # kept just as a change is sent, which must not be sent twice.
        none_kept = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(
            base_url=url, trust_env=False, follow_redirects=True, limits=none_kept
        )

    def log_in(self) -> None:
        """Get a token for the requests that follow."""
        self._token = self.request("POST", "/auth/token", self._credentials)["access_token"]

    def ping(self) -> None:
        """Raise if Airflow does not respond.

        Raises:
            RestError: It does not respond within a few seconds.
        """
        self._request_once("GET", "/api/v2/version", None, PING_SECONDS)

    def health(self) -> dict[str, str]:
        """Return component -> status, such as `scheduler` -> `healthy`."""
        found = self.request("GET", "/api/v2/monitor/health")
        return {name: (facts or {}).get("status") or "" for name, facts in found.items()}

    def warm_up(self) -> None:
        """Make Airflow build the API for tasks now, instead of at the first request to it."""
        self.request("GET", "/execution/health")

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """Return Airflow's data on a DAG; None before it was parsed."""
        try:
            return self.request("GET", f"/api/v2/dags/{quote(dag_id)}")
        except RestError as error:
            if error.status == 404:
                return None
            raise

    def import_errors(self) -> list[dict[str, Any]]:
        """Return the files that could not be parsed, with `filename` and `stack_trace`."""
        found = self.request("GET", "/api/v2/importErrors")
        errors: list[dict[str, Any]] = found["import_errors"]
        return errors

    def request_parse(self, file_token: str) -> None:
        """Request that a DAG file be parsed soon."""
        self.request("PUT", f"/api/v2/parseDagFile/{quote(file_token, safe='')}")

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG."""
        self.request("PATCH", f"/api/v2/dags/{quote(dag_id)}", {"is_paused": False})

    def ensure_pool(self, name: str, slots: int) -> None:
        """Create a pool, unless there is one of that name."""
        try:
            self.request("POST", "/api/v2/pools", {"name": name, "slots": slots})
        except RestError as error:
            if error.status != 409:
                raise

    def trigger(self, dag_id: str, logical_date: str | None, conf: dict[str, Any]) -> str:
        """Start a run and return its id."""
        # The run id is set here, so that a repeated request does not start a second run.
        run_id = f"manual__{datetime.now(UTC).isoformat()}_{uuid4().hex[:8]}"
        body = {"dag_run_id": run_id, "logical_date": logical_date, "conf": conf}
        try:
            self.request("POST", f"/api/v2/dags/{quote(dag_id)}/dagRuns", body)
        except RestError as error:
            if error.status != 409 or not self.has_run(dag_id, run_id):
                raise
        return run_id

    def has_run(self, dag_id: str, run_id: str) -> bool:
        """Return whether the run exists."""
        try:
            self.run(dag_id, run_id)
        except RestError as error:
            if error.status == 404:
                return False
            raise
        return True

    def backfill(self, dag_id: str, first: str, last: str) -> None:
        """Create a run for each tick from the first to the last, to run one after another.

        Airflow commits the backfill before it creates the runs, so if the database refuses the
        runs, the backfill may be left without any, and block the next one.
        """
        body = {"dag_id": dag_id, "from_date": first, "to_date": last, "max_active_runs": 1}
        for attempt in range(TRIES_OF_BACKFILL):
            try:
                self.request("POST", "/api/v2/backfills", body, tries=1)
            except RestError as error:
                if not error.is_of_database or attempt == TRIES_OF_BACKFILL - 1:
                    raise
                time.sleep(PAUSE_SECONDS)
                self._cancel_backfills(dag_id, first, last)
            else:
                return

    def _cancel_backfills(self, dag_id: str, first: str, last: str) -> None:
        wanted = (datetime.fromisoformat(first), datetime.fromisoformat(last))
        for found in self.request("GET", f"/api/v2/backfills?dag_id={quote(dag_id)}")["backfills"]:
            days = (found["from_date"], found["to_date"])
            if found["completed_at"] is None and wanted == tuple(map(datetime.fromisoformat, days)):
                self.request("PUT", f"/api/v2/backfills/{found['id']}/cancel")

    def runs_at(self, dag_id: str, logical_date: str) -> list[str]:
        """Return the ids of the runs of a DAG at this logical date."""
        when = quote(logical_date)
        query = f"logical_date_gte={when}&logical_date_lte={when}"
        found = self.request("GET", f"/api/v2/dags/{quote(dag_id)}/dagRuns?{query}")
        return [run["dag_run_id"] for run in found["dag_runs"]]

    def delete_run(self, dag_id: str, run_id: str) -> None:
        """Delete a run and its task instances."""
        self.request("DELETE", self._run_path(dag_id, run_id))

    def fail_run(self, dag_id: str, run_id: str) -> None:
        """End a run as failed; Airflow then ends its tasks, at their next heartbeats."""
        self.request("PATCH", self._run_path(dag_id, run_id), {"state": "failed"})

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return a run, with `state`, `start_date` and `end_date`.

        Requested as a list: for a single run Airflow reads all its tasks, and for a list of one
        DAG's runs it reads that DAG, which is too much to repeat during a long run.
        """
        wanted = {"dag_id_prefix_pattern": dag_id, "run_id_prefix_pattern": run_id}
        query = urlencode({**wanted, "order_by": "run_id", "limit": PAGE})
        for run in self.request("GET", f"/api/v2/dags/~/dagRuns?{query}")["dag_runs"]:
            if (run["dag_id"], run["dag_run_id"]) == (dag_id, run_id):
                found: dict[str, Any] = run
                return found
        raise RestError(404, f"the DAG {dag_id} has no run {run_id}")

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return all task instances of a run, with `task_id` and `state`."""
        found: list[dict[str, Any]] = []
        while True:
            query = f"limit={PAGE}&offset={len(found)}"
            page = self.request("GET", f"{self._run_path(dag_id, run_id)}/taskInstances?{query}")
            found += page["task_instances"]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def clear(self, dag_id: str, run_id: str, task_ids: list[str], *, downstream: bool) -> None:
        """Clear tasks of a run, and their downstream tasks if `downstream` is set."""
        body = {
            "dag_run_id": run_id,
            "task_ids": task_ids,
            "dry_run": False,
            "only_failed": False,
            "include_downstream": downstream,
            "reset_dag_runs": True,
        }
        self.request("POST", f"/api/v2/dags/{quote(dag_id)}/clearTaskInstances", body)

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int = 1) -> str:
        """Return the log of one attempt of a task, one message per line."""
        path = f"{self._run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/logs/{attempt}"
        content = self.request("GET", f"{path}?full_content=true")["content"]
        return "\n".join(_log_line(line) for line in content)

    @staticmethod
    def _run_path(dag_id: str, run_id: str) -> str:
        return f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"

    def request(
        self, method: str, path: str, body: Any = None, *, tries: int = TRIES
    ) -> dict[str, Any]:
        """Return the JSON response; repeat the request a few times if that is safe."""
        for attempt in range(tries):
            try:
                with nullcontext() if method == "GET" else self._changing:
                    return self._request_once(method, path, body)
            except RestError as error:
                broken = error.status == 0 and method == "GET"
                if not (broken or error.is_of_database) or attempt == tries - 1:
                    raise
                time.sleep(PAUSE_SECONDS)
        raise AssertionError("not reached")

    def _request_once(
        self, method: str, path: str, body: Any, seconds: float = TIMEOUT_SECONDS
    ) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        try:
            answer = self._client.request(method, path, json=body, headers=headers, timeout=seconds)
        except httpx.HTTPError as error:
            raise RestError(0, str(error) or type(error).__name__) from None
        if not answer.is_success:
            raise RestError(answer.status_code, answer.text)
        try:
            found: dict[str, Any] = answer.json() if answer.content else {}
        except ValueError:
            what = answer.headers.get("content-type", "something else")
            raise RestError(0, f"{answer.url} responds with {what}, not with JSON") from None
        return found


def _log_line(line: dict[str, Any]) -> str:
    """Return a log message with its errors."""
    errors = [f"{e.get('exc_type')}: {e.get('exc_value')}" for e in line.get("error_detail") or ()]
    return "\n".join([str(line.get("event", "")), *errors])
