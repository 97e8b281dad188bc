#!/usr/bin/env python3
"""Kill processes of runs at random moments while dbt is running, and check what is left.

Each kind of process in the tree of a run is a victim, the one that was killed least often first; so
is the process that sends an alert. For each kill: the run is never green with a node that did not
pass; no process is left after ten seconds; the next run ends with the tables of plain dbt; a run
that did not succeed sends one alert, and the next one that of the recovery; and each run in lineage
has an end. Prints a line a kill, and a table at the end; exits 1 if anything failed. `--seed`
repeats a campaign's choices, not its timing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil

from floe_core.execution.record.journal import last_event
from floe_core.runs.build_events import BuildEnded
from floe_core.schemas import CompiledArtifacts
from floe_core.storage.spooling.spool import Spool
from floe_core.warehouse.table_contents import TableContents, read_tables
from floe_parity.sides.side import compile_side, run_side

FLOE = Path(sys.executable).with_name("floe")
ORCHESTRATORS = ("dagster", "airflow", "prefect")
LAYERS, WIDTH = 6, 3
SECONDS_TO_START, SECONDS_TO_END, SECONDS_TO_VANISH = 240, 300, 10
SECONDS_TO_END_AGAIN = 600
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 2}}
"""
FLOE_YAML = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: victim, version: 1.0.0}
platform: {manifest: manifest.yaml}
alerts: [{on: [failure, recovery, warning], to: "{{ env_var('CAMPAIGN_ALERTS') }}"}]
"""
SENDER = "alert sender"
FAILED, RECOVERED = "victim: run failed", "victim: run succeeded again"
SECONDS_FOR_ALERTS, SECONDS_FOR_MORE_ALERTS = 30, 2


@dataclass(frozen=True)
class Outcome:
    """One kill. `problems` are what must not be, none for a kill that was borne well."""

    orchestrator: str
    victim: str
    after_seconds: float
    run: str
    problems: tuple[str, ...]


class Receiver:
    """Keeps the titles of the alerts that are posted to it, each after a while."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.seconds = 0.0

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Listen; yield the URL for Apprise."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                posted = json.loads(self.rfile.read(int(self.headers["content-length"])))
                time.sleep(receiver.seconds)
                # Whoever was killed meanwhile did not learn that it arrived.
                with suppress(OSError):
                    self.send_response(200)
                    self.end_headers()
                receiver.titles.append(posted["title"])

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_port}/alerts"
        server.shutdown()

    def wait_for(self, expected: Sequence[str]) -> list[str]:
        """Return the titles once they are the expected ones, or the time is over."""
        deadline = time.monotonic() + SECONDS_FOR_ALERTS
        while not {*expected} <= {*self.titles} and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(SECONDS_FOR_MORE_ALERTS)
        return [*self.titles]


def main() -> None:
    """Run the campaign that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--on", choices=ORCHESTRATORS, action="append")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    chance = random.Random(chosen.seed)
    # Nobody listens there, so all lineage events wait on disk.
    os.environ["OPENLINEAGE_URL"] = "http://127.0.0.1:1"
    receiver = Receiver()
    outcomes: list[Outcome] = []
    with (
        tempfile.TemporaryDirectory(prefix="floe-kills-") as folder,
        receiver.listening() as os.environ["CAMPAIGN_ALERTS"],
    ):
        expected = tables_of_plain_dbt(write_product(Path(folder, "plain")), Path(folder, "dbt"))
        for orchestrator in chosen.on or ORCHESTRATORS:
            campaign = Campaign(orchestrator, chance, expected, receiver, Path(folder))
            outcomes += campaign.run(chosen.kills)
    print_table(outcomes)
    sys.exit(1 if any(outcome.problems for outcome in outcomes) else 0)


@dataclass
class Campaign:
    """The kills of one orchestrator."""

    orchestrator: str
    chance: random.Random
    expected: object
    receiver: Receiver
    folder: Path

    def run(self, kills: int) -> list[Outcome]:
        """Kill so often."""
        killed: Counter[str] = Counter()
        outcomes = []
        for number in range(kills):
            product = write_product(self.folder / f"{self.orchestrator}-{number}")
            outcome = self.kill_once(product, killed)
            outcomes.append(outcome)
            told = "; ".join(outcome.problems) or "well"
            print(
                f"{self.orchestrator} {number + 1}/{kills}: {outcome.victim} after "
                f"{outcome.after_seconds:.1f} s, run {outcome.run}: {told}",
                flush=True,
            )
            shutil.rmtree(product, ignore_errors=True)
        return outcomes

    def kill_once(self, product: Path, killed: Counter[str]) -> Outcome:
        """Start a run, kill one of its processes, and look at what follows."""
        self.receiver.titles.clear()
        # Every fifth: the run fails by itself, and whatever sends its alert is killed.
        is_sender = sum(killed.values()) % 5 == 4
        self.receiver.seconds = 2.0 if is_sender else 0.0
        environment = {**os.environ, **({"IS_BROKEN": "yes"} if is_sender else {})}
        run = subprocess.Popen(
            [FLOE, "run", product, "--on", self.orchestrator, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            env=environment,
        )
        began = time.monotonic()
        if is_sender:
            victim, name = wait_for_sender(product), SENDER
            processes = [victim]
        else:
            wait_until_dbt_runs(product, run)
            began = time.monotonic()
            time.sleep(self.chance.uniform(0.0, 6.0))
            processes = [psutil.Process(run.pid), *psutil.Process(run.pid).children(recursive=True)]
            victim, name = self.choose(product, processes, killed)
        after = time.monotonic() - began
        killed[name] += 1
        with suppress(psutil.NoSuchProcess):
            victim.kill()
        problems: list[str] = []
        try:
            shown, _ = run.communicate(timeout=SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            problems.append(f"the run did not end within {SECONDS_TO_END} s")
            os.killpg(run.pid, 9)
            shown = ""
        problems += left_behind(processes)
        told = status_of(shown, run.returncode)
        if told == "killed" and has_ended_well(product):
            told = "success"
        problems += problems_of_run(told, product, self.expected)
        self.receiver.seconds = 0.0
        problems += problems_of_next_run(product, self.orchestrator, self.expected)
        problems += self.problems_of_alerts(told, may_repeat=is_sender)
        problems += problems_of_lineage(product)
        return Outcome(self.orchestrator, name, after, told, tuple(problems))

    def choose(
        self, product: Path, processes: list[psutil.Process], killed: Counter[str]
    ) -> tuple[psutil.Process, str]:
        """Return a process of the kind that was killed least often, and the name of the kind."""
        names = {process: describe(process, product) for process in processes}
        least = min(killed[name] for name in names.values())
        victim = self.chance.choice([p for p in processes if killed[names[p]] == least])
        return victim, names[victim]

    def problems_of_alerts(self, told: str, *, may_repeat: bool) -> list[str]:
        """Return what is wrong with the alerts of the run and of the one after it.

        A sender that is killed does not learn that its alert arrived, and sends it again.
        """
        wanted = [] if told == "success" else [FAILED, RECOVERED]
        found = self.receiver.wait_for(wanted)
        found = list(dict.fromkeys(found)) if may_repeat else found
        return [] if found == wanted else [f"alerts: {found} instead of {wanted}"]


def wait_for_sender(product: Path) -> psutil.Process:
    """Return the process that sends the alert of a run that fails."""
    deadline = time.monotonic() + SECONDS_TO_START + SECONDS_TO_END
    while time.monotonic() < deadline:
        for process in psutil.process_iter(["cmdline", "cwd"]):
            words = process.info["cmdline"] or []
            if "floe_core.alerts.sender_process" in words and process.info["cwd"] == str(product):
                time.sleep(1.0)
                return process
        time.sleep(0.05)
    raise SystemExit(f"no alert was sent of {product}")


def problems_of_lineage(product: Path) -> list[str]:
    """Return the runs in lineage that have no end, or different ones; no lineage is wrong too."""
    types: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for path in Spool(product).list_waiting():
        event = json.loads(path.read_text())
        names[event["run"]["runId"]] = event["job"]["name"]
        types.setdefault(event["run"]["runId"], []).append(event["eventType"])
    if not types:
        return ["lineage: no events"]
    return [
        f"lineage of {names[run_id]}: {found}"
        for run_id, found in types.items()
        if found[0] != "START" or len({*found[1:]}) != 1 or "START" in found[1:]
    ]


def print_table(outcomes: list[Outcome]) -> None:
    """Print a line for each kind of victim."""
    print("\n| orchestrator | victim | kills | runs that succeeded | borne well |")
    print("|---|---|---|---|---|")
    for kind in sorted({(each.orchestrator, each.victim) for each in outcomes}):
        of_kind = [each for each in outcomes if (each.orchestrator, each.victim) == kind]
        green = sum(each.run == "success" for each in of_kind)
        well = sum(not each.problems for each in of_kind)
        print(f"| {kind[0]} | {kind[1]} | {len(of_kind)} | {green} | {well} |")
    well = sum(not each.problems for each in outcomes)
    print(f"\n{well} of {len(outcomes)} kills borne well", flush=True)


def write_product(folder: Path) -> Path:
    """Write a product of which dbt takes some seconds: layers of tables, each with a test."""
    (folder / "models").mkdir(parents=True)
    (folder / "floe.yaml").write_text(FLOE_YAML)
    (folder / "manifest.yaml").write_text(MANIFEST)
    (folder / "dbt_project.yml").write_text(
        "name: victim\nversion: 1.0.0\nprofile: victim\nmodels: {+materialized: table}\n"
    )
    tests = ["models:"]
    for layer in range(LAYERS):
        for place in range(WIDTH):
            below = f"{{{{ ref('m_{layer - 1}_{place}') }}}}" if layer else "(select 1 as id)"
            sql = (
                "select max(id) as id, sum(hash(n) % 7) as total "
                f"from range(40000000) numbers(n), {below}\n"
            )
            if (layer, place) == (LAYERS - 1, 0):
                sql += "{% if env_var('IS_BROKEN', '') %}where no_such_column{% endif %}\n"
            (folder / "models" / f"m_{layer}_{place}.sql").write_text(sql)
            tests.append(
                f"  - {{name: m_{layer}_{place}, columns: [{{name: id, data_tests: [unique]}}]}}"
            )
    (folder / "models" / "schema.yml").write_text("\n".join(tests) + "\n")
    return folder


def tables_of_plain_dbt(product: Path, folder: Path) -> dict[str, TableContents]:
    """Return what plain `dbt build` makes of the product."""
    side = run_side(compile_side(product, "dbt", folder), lambda event: None)
    if side.report.status != "success":
        raise SystemExit(f"plain dbt failed: {side.report.message}")
    return side.tables


def wait_until_dbt_runs(product: Path, run: subprocess.Popen[str]) -> None:
    """Return when a node has begun, by the journal of the run."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and run.poll() is None:
        for journal in product.glob(".floe/runs/*/events.jsonl"):
            if '"NodeStarted"' in journal.read_text(errors="replace"):
                return
        time.sleep(0.1)
    raise SystemExit(f"no node began within {SECONDS_TO_START} s in {product}")


def describe(process: psutil.Process, product: Path) -> str:
    """Return a short name of a process: the component, module or program that it runs."""
    components = product / ".floe" / "airflow" / "components.json"
    if components.exists():
        for name, pid in json.loads(components.read_text()).items():
            if pid == process.pid:
                return str(name)
    try:
        words = process.cmdline()
        above = process.parent()
    except psutil.NoSuchProcess:
        return "one that was ending"
    if "-m" not in words:
        # A worker of Airflow has the id of its task in its name, or what it does after a colon.
        said = " ".join(Path(word).name for word in words[:2]).partition(":")[0]
        return re.sub("[0-9a-f]{8}-[0-9a-f-]{27}", "of a task", said).strip() or process.name()
    name = words[words.index("-m") + 1].rpartition(".")[2]
    # A fork has the words of its parent.
    is_fork = above is not None and above.pid != os.getpid() and _words(above) == words
    return f"fork of {describe(above, product)}" if above and is_fork else name


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.NoSuchProcess):
        return list(process.cmdline())
    return []


def status_of(shown: str, code: int | None) -> str:
    """Return what the run said of itself; "killed" for one that could say nothing."""
    try:
        return str(json.loads(shown)["status"])
    except (ValueError, KeyError):
        return "success" if code == 0 else "killed"


def has_ended_well(product: Path) -> bool:
    """Return whether a run succeeded that could no longer say so: its launcher was killed late."""
    ends = [last_event(journal) for journal in product.glob(".floe/runs/*/events.jsonl")]
    return any(isinstance(end, BuildEnded) and end.succeeded for end in ends)


def problems_of_run(told: str, product: Path, expected: object) -> list[str]:
    """Return what is wrong with a run that says that it is green."""
    if told != "success":
        return []
    return [] if tables_of(product) == expected else ["green, and not all tables are there"]


def left_behind(processes: list[psutil.Process]) -> list[str]:
    """Return the processes of the run that are still there ten seconds later."""
    _, alive = psutil.wait_procs(processes, timeout=SECONDS_TO_VANISH)
    found = []
    for process in alive:
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            found.append(f"left behind: {' '.join(_words(process)[:4])}")
            process.kill()
    return found


def problems_of_next_run(product: Path, orchestrator: str, expected: object) -> list[str]:
    """Return what is wrong with the run after it."""
    command = [FLOE, "run", product, "--on", orchestrator, "--json"]
    try:
        again = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=SECONDS_TO_END_AGAIN
        )
    except subprocess.TimeoutExpired:
        return [f"the next run did not end within {SECONDS_TO_END_AGAIN} s"]
    if again.returncode:
        return [f"the next run failed: {again.stdout[-300:]} {again.stderr[-300:]}"]
    return [] if tables_of(product) == expected else ["the next run left other tables than dbt"]


def tables_of(product: Path) -> dict[str, TableContents]:
    """Return the contents of the product's tables."""
    return read_tables(CompiledArtifacts.load(product))


if __name__ == "__main__":
    main()
