"""A session of random edits with a `floe dev`, beside plain dbt in a copy of the project.

After each edit both sides build. What differs is noted, and the session goes on from plain dbt's
tables, so that each difference counts once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psutil
import yaml
from dev_session import Dev
from edited_shop import OF_FLOE, SOURCES, Edits, restore, sources_of
from warm_floe import dbt, floe, folder_of_floe

PROFILE = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 1}}}\n"
ALL = (*SOURCES, *OF_FLOE)
STATES = {
    "dagster": {"success": "SUCCESS", "failed": "FAILURE"},
    "prefect": {"success": "COMPLETED", "failed": "FAILED"},
    "airflow": {"success": "success", "failed": "failed"},
}
# When a file is saved during a run: a line of `floe run` begins so.
SAVED_AT = {"early": ("running shop",), "during": ("  1/", " 1/")}
# Columns that dbt fills with the moment of a run.
OF_THE_MOMENT = ("dbt_scd_id", "dbt_updated_at", "dbt_valid_from")


@dataclass
class Sample:
    """What a session's processes hold: bytes of memory for each kind of process, and files.

    `own` is the memory of `floe dev` itself.
    """

    memory: dict[str, int] = field(default_factory=dict)
    files: int = 0
    threads: int = 0
    own: int = 0

    @property
    def lasting(self) -> int:
        """The memory without that of the process of the next run, which may still be importing."""
        return sum(size for kind, size in self.memory.items() if "launched_run" not in kind)


@dataclass
class EditSession:
    """`kept` are the files of the last state in which everything succeeded on both sides."""

    dev: Dev
    plain: Path
    orchestrator: str
    edits: Edits
    differences: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    runs: int = 0
    wrong_turns: int = 0
    kept: dict[str, bytes] = field(default_factory=dict)
    what: str = ""
    # How the last build ended: plain dbt's exit code, floe's, and how many nodes there were.
    ended: tuple[int | None, int, int] = (None, 0, 0)
    _shown: int = 0

    @property
    def ours(self) -> Path:
        return self.dev.folder

    def begin(self) -> None:
        self.plain.mkdir()
        self.kept = sources_of(self.ours, ALL)
        (self.plain / "profiles.yml").write_text(PROFILE)

    def turn(self) -> None:
        """Edit, once or more often, perhaps wait until it is taken up, and build on both sides."""
        chance = self.edits.chance
        if self.wrong_turns and chance.random() < 0.3 * self.wrong_turns:
            self.what, self.wrong_turns = "restore", 0
            restore(self.ours, self.kept, ALL)
        else:
            self.what = "+".join(self.edits.edit() for _ in range(chance.choice([1, 1, 1, 2, 3])))
        if chance.random() < 0.5:
            time.sleep(chance.choice([0.1, 0.5, 1.5]))
        if chance.random() < 0.15:
            floe(chance.choice(["plan", "show"]), self.ours)
        kinds = ["all", "select", "job", "during", "early"]
        self._build(chance.choices(kinds, [6, 3, 2, 2, 1])[0])
        if chance.random() < 0.12:
            self._compare_with_compile()
        self.samples.append(sample_of(self.dev))

    def latest(self) -> str:
        """Return what the latest turn did, and the memory after it."""
        new, self._shown = self.differences[self._shown :], len(self.differences)
        sample = self.samples[-1]
        counts = f"{len(self.samples)} turns, {self.edits.number} edits, {self.runs} runs"
        ended = "plain dbt {}, floe {}, {} nodes".format(*self.ended)
        held = f"{sample.lasting // 10**6} MB, {sample.files} files, {sample.threads} threads"
        return "\n".join([f"{counts}: {self.what}: {ended}; {held}", *new])

    def _build(self, how: str) -> None:
        if how == "early":
            self._save_as_it_starts()
            how = "all"
        now = sources_of(self.ours, ALL)
        restore(self.plain, sources_of(self.ours))
        options, spec = self._options(how), _spec_of(self.ours)
        if spec is None:
            code, found, said = self._run_ours(options, how)
            self._expect(code, 1, f"floe.yaml is wrong: {said}")
            self.ended = (None, code, 0)
            self.wrong_turns += 1
            return
        theirs, expected = self._run_plain(options, spec)
        code, found, said = self._run_ours(options, how)
        self.ended = (theirs, code, len(expected or ()))
        self._compare(code, found, theirs, expected, said)
        if code == 0 and how == "all":
            self.kept, self.wrong_turns = now, 0
        elif code != 0:
            self.wrong_turns += 1

    def _save_as_it_starts(self) -> None:
        """Save a file as a run starts to read them: it builds the state before, or the one after."""
        before = floe("plan", self.ours)
        code, found, said = self._run_ours([], "early")
        if before.returncode == 0 and "run_id" not in found:
            self._note(f"saved as it started, it ends with {code}: {said}")
        if (self.ours / "shop.duckdb").exists():
            shutil.copy(self.ours / "shop.duckdb", self.plain / "shop.duckdb")

    def _options(self, how: str) -> list[str]:
        chance, spec = self.edits.chance, _spec_of(self.ours)
        if how == "select":
            name = self.edits.a_model().stem
            return ["--select", chance.choice(["{}", "+{}", "{}+", "@{}"]).format(name)]
        if how == "job" and spec and (jobs := spec.get("jobs")):
            return ["--job", chance.choice(jobs)["name"]]
        return ["--full-refresh"] if chance.random() < 0.1 else []

    def _run_ours(self, options: list[str], how: str) -> tuple[int, dict[str, Any], str]:
        self.runs += 1
        process = subprocess.Popen(
            [Path(folder_of_floe()) / "floe", "run", self.ours, "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        assert process.stdout is not None
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith(SAVED_AT.get(how, ("never",))):
                self.what += f", {how} {self.edits.edit_models()}"
                how = ""
        printed = process.stdout.read()
        code = process.wait(120)
        found = json.loads(printed) if printed.startswith("{") else {}
        return code, found, "".join(said)

    def _run_plain(
        self, options: list[str], spec: dict[str, Any]
    ) -> tuple[int, dict[str, str] | None]:
        """Return dbt's exit code and node -> status, None if it did not come to that."""
        results = self.plain / "target/run_results.json"
        results.unlink(missing_ok=True)
        if options[:1] == ["--job"]:
            [select] = [j["select"] for j in spec["jobs"] if j["name"] == options[1]]
            options = ["--select", select]
        given = spec.get("vars")
        vars_ = ["--vars", json.dumps(given)] if given else []
        done = dbt("build", "--no-partial-parse", *options, *vars_, cwd=self.plain, check=False)
        if not results.exists():
            return done.returncode, None
        found = json.loads(results.read_text())["results"]
        return done.returncode, {each["unique_id"]: each["status"] for each in found}

    def _compare(
        self,
        code: int,
        found: dict[str, Any],
        theirs: int,
        expected: dict[str, str] | None,
        said: str,
    ) -> None:
        if not expected:
            # It does not parse, or nothing is selected.
            is_wrong = code == 0 or (theirs != 0 and code != 1)
            if is_wrong or "run_id" in found:
                self._note(f"dbt ends with {theirs} and builds nothing, floe with {code}: {said}")
            return
        self._expect(code, 1 if theirs else 0, said)
        nodes = {i: s for i, s in found.get("nodes", {}).items() if not i.startswith("step.")}
        if nodes != expected:
            both = {i: (nodes.get(i), expected.get(i)) for i in {*nodes, *expected}}
            self._note(f"nodes: { {i: s for i, s in both.items() if s[0] != s[1]} } {said}")
        if self._tables(self.ours) != (tables := self._tables(self.plain)):
            mine = self._tables(self.ours)
            names = sorted(n for n in {*mine, *tables} if mine.get(n) != tables.get(n))
            shown = [(n, mine.get(n), tables.get(n)) for n in names[:2]]
            self._note(f"tables {names}: {shown}")
            shutil.copy(self.plain / "shop.duckdb", self.ours / "shop.duckdb")
        if "run_id" in found:
            self._compare_with_orchestrator(found)

    def _compare_with_orchestrator(self, found: dict[str, Any]) -> None:
        status = "success" if found["status"] == "success" else "failed"
        want = (found["run_id"], STATES[self.orchestrator][status])
        latest = latest_run(self.dev.pages, self.orchestrator)
        self._expect(latest, want, "the latest run of the orchestrator")

    def _compare_with_compile(self) -> None:
        if _spec_of(self.ours) is None:
            return
        # What `floe dev` has compiled last; a run would have it do so.
        here = floe("plan", self.ours)
        out = self.plain.parent / "compiled"
        shutil.rmtree(out, ignore_errors=True)
        done = floe("compile", self.ours, "--out", out)
        self._expect(here.returncode, done.returncode, f"plan {here.stderr}, {done.stderr}")
        if done.returncode == 0:
            names = [p.relative_to(out) for p in out.rglob("*") if p.is_file()]
            kept = [n for n in names if n.suffix != ".msgpack" and n.name != ".floe-copy"]
            differ = [str(n) for n in kept if not _is_same(out / n, self.ours / n)]
            self._expect(differ, [], "files unlike those of `floe compile --out`")
            if differ:
                shutil.copytree(
                    self.ours,
                    self.plain.parent / f"differs-{self.edits.number}",
                    symlinks=True,
                    ignore=shutil.ignore_patterns(".floe"),
                )
                shutil.copytree(out, self.plain.parent / f"fresh-{self.edits.number}")
            self._compare_jobs()

    def _compare_jobs(self) -> None:
        """The orchestrator comes to have the jobs of floe.yaml, and no other."""
        spec = _spec_of(self.ours) or {}
        want = sorted(["shop", *(each["name"] for each in spec.get("jobs") or ())])
        deadline = time.monotonic() + 60
        while (found := jobs_of(self.dev.pages, self.orchestrator)) != want:
            if time.monotonic() > deadline:
                self._note(f"jobs {found}, not {want}")
                return
            time.sleep(1)

    def _expect(self, found: object, want: object, what: str) -> None:
        if found != want:
            self._note(f"{found}, not {want}: {what}")

    def _note(self, text: str) -> None:
        self.differences.append(f"edit {self.edits.number} ({self.what}): {text}")

    def _tables(self, folder: Path) -> dict[str, Any]:
        if not (folder / "shop.duckdb").exists():
            return {}
        with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as warehouse:
            kinds = warehouse.execute(
                "select table_name, table_type from information_schema.tables"
            ).fetchall()
            return {name: (kind, *_rows(warehouse, name)) for name, kind in kinds}


def _rows(warehouse: duckdb.DuckDBPyConnection, name: str) -> tuple[object, ...]:
    try:
        told = warehouse.execute(f'select * from "{name}"')
    except duckdb.Error as error:
        # A view of what is gone.
        return (str(error),)
    columns = [(each[0], str(each[1])) for each in told.description or ()]
    kept = [n for n, (column, _) in enumerate(columns) if column not in OF_THE_MOMENT]
    rows = [
        tuple(bool(row[n]) if columns[n][0] == "dbt_valid_to" else row[n] for n in kept)
        for row in told.fetchall()
    ]
    return columns, sorted(rows, key=repr)


def _is_same(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def _spec_of(folder: Path) -> dict[str, Any] | None:
    """Return floe.yaml, None if an edit has made it wrong."""
    try:
        spec: dict[str, Any] = yaml.safe_load((folder / "floe.yaml").read_text())
    except yaml.YAMLError:
        return None
    if not isinstance(spec, dict):
        return None
    is_wrong = "metdata" in spec or (spec.get("schedule") or {}).get("cron") == "never"
    return None if is_wrong else spec


def latest_run(pages: str, orchestrator: str) -> tuple[str, str]:
    """Return the id and the state of the run that began last, from the orchestrator's own API."""
    if orchestrator == "dagster":
        query = "{ runsOrError(limit: 1) { ... on Runs { results { runId status } } } }"
        [run] = _post(f"{pages}/graphql", {"query": query})["data"]["runsOrError"]["results"]
        return run["runId"], run["status"]
    if orchestrator == "prefect":
        asked = {"limit": 1, "sort": "START_TIME_DESC"}
        [run] = _post(f"{pages}/api/flow_runs/filter", asked)
        return run["id"], run["state_type"]
    [run] = _of_airflow(pages, "dags/~/dagRuns?order_by=-start_date&limit=1")["dag_runs"]
    return run["dag_run_id"], run["state"]


def jobs_of(pages: str, orchestrator: str) -> list[str]:
    """Return the names of the jobs that the orchestrator has, as in floe.yaml."""
    if orchestrator == "dagster":
        # Nothing while the code location does not load.
        query = (
            "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"
        )
        found = _post(f"{pages}/graphql", {"query": query})["data"]["repositoriesOrError"]
        names = [job["name"] for each in found["nodes"] for job in each["jobs"]]
    elif orchestrator == "prefect":
        # A flow stays with its runs; a job is what has a deployment.
        flows = {each["id"]: each["name"] for each in _post(f"{pages}/api/flows/filter", {})}
        deployments = _post(f"{pages}/api/deployments/filter", {})
        names = [flows[each["flow_id"]] for each in deployments]
    else:
        names = [each["dag_id"] for each in _of_airflow(pages, "dags")["dags"]]
    own = [name.replace("__", ".") for name in names if not name.startswith("__")]
    return sorted(name.removeprefix("shop.").replace("_", "-") for name in own)


def _of_airflow(pages: str, path: str) -> Any:
    token = json.loads(urllib.request.urlopen(f"{pages}/auth/token").read())["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{pages}/api/v2/{path}", headers=headers)
    return json.loads(urllib.request.urlopen(request).read())


def _post(url: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return json.loads(urllib.request.urlopen(request).read())


def sample_of(dev: Dev) -> Sample:
    """Return what the session's processes hold now, shared memory counted once.

    Mapped files, such as libraries, are left out: the share of a process grows when another one
    that maps them ends, even one that is not of this session.
    """
    sample = Sample()
    for process in dev.processes():
        with suppress(OSError, psutil.Error):
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            [pss] = re.findall(r"^Pss_Anon:\s+(\d+) kB", text, re.MULTILINE)
            kind = _kind_of(process.cmdline())
            sample.memory[kind] = sample.memory.get(kind, 0) + 1024 * int(pss)
            if process.pid == dev.process.pid:
                sample.own = 1024 * int(pss)
                sample.files, sample.threads = process.num_fds(), process.num_threads()
    return sample


def _kind_of(words: list[str]) -> str:
    """Return a short name for processes that do the same: numbers and folders are left out."""
    text = " ".join(word for word in words[1:6] if not word.startswith("/"))
    return re.sub(r"[0-9a-f-]{8,}|\d+", "#", text)[:60]
