"""The floe command as people and programs call it.

Most calls fork a process that has its imports behind it, of which the first test here says that it
does the same.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from warm_floe import floe

BIN = Path(sys.executable).parent
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns(".floe"))
    return tmp_path / "examples"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["compile", "--json"],
        ["compile", "--nope"],
        ["compile", "no-such-folder"],
        ["ticks", "--cron", "0 6 * * *", "--from", "2026-03-28", "--to", "2026-03-31"],
    ],
    ids=" ".join,
)
def test_a_fork_does_what_the_program_does(examples: Path, arguments: list[str]) -> None:
    def told(program: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
        return program.returncode, program.stdout, program.stderr

    by_program = subprocess.run(
        [BIN / "floe", *arguments],
        cwd=examples / "hello",
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told(floe(*arguments, cwd=examples / "hello")) == told(by_program)


def test_every_line_of_a_run_is_json(examples: Path) -> None:
    (examples / "hello" / "models" / "broken.sql").write_text("select no_such_column")
    done = floe("run", "--log-format", "json", cwd=examples / "hello")
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert (done.returncode, done.stdout) == (1, "")
    assert {"stage", "run_started", "node_started", "node_result", "run_ended"} <= {
        each["event"] for each in said
    }
    [bad] = [e for e in said if e["event"] == "node_result" and e["status"] == "error"]
    assert (bad["level"], bad["node"]) == ("error", "model.hello.broken")
    assert "no_such_column" in bad["message"]
    assert (said[-1]["status"], said[-1]["counts"]["error"]) == ("failed", 1)


def test_help_and_ticks_import_nothing_heavy() -> None:
    for arguments in (["--help"], ["ticks", "--cron", "@daily", "--json"], ["run", "--help"]):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "floe_core.cli", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        heavy = {"dbt", "dagster", "airflow", "duckdb", "openlineage", "httpx", "floe_core.schemas"}
        assert imported & heavy == set(), arguments


def test_every_command_explains_itself() -> None:
    commands = ["init", "compile", "run", "parity", "show", "ticks", "doctor", "plugins"]
    commands += ["schedule", "lineage"]
    for command in commands:
        done = floe(command, "--help")
        assert done.returncode == 0
        assert "--help" in done.stdout


def test_shell_completion_is_there() -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_FLOE_COMPLETE" in floe(_FLOE_COMPLETE=f"source_{shell}").stdout


def test_a_product_from_nothing(tmp_path: Path) -> None:
    assert floe("init", tmp_path / "my-shop").returncode == 0
    done = floe("run", tmp_path / "my-shop", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == "success"
    assert {node_id.split(".")[2]: status for node_id, status in told["nodes"].items()} == {
        "first_model": "success",
        "not_null_first_model_id": "pass",
        "unique_first_model_id": "pass",
    }


def test_nothing_of_a_project_controls_the_terminal(examples: Path) -> None:
    product = examples / "hello"
    spec = product / "floe.yaml"
    text = spec.read_text()
    hostile = json.dumps("a\x1b]0;title\x07b\rc\u202ed")
    spec.write_text(text.replace("description: The smallest product.", f"description: {hostile}"))
    model = product / "models" / "broken.sql"
    model.write_text("select error('x' || chr(27) || '[2J' || chr(13) || chr(8238)) as id\n")
    shown = floe("show", str(product))
    ran = floe("run", str(product), "--select", "broken")
    assert (shown.returncode, ran.returncode) == (0, 1)
    said = ran.stdout + ran.stderr
    assert "x\ufffd[2J" in said
    for text in (shown.stdout, shown.stderr, said):
        assert not {"\x1b", "\r", "\x07", "\u202e"} & {*text}


@pytest.mark.parametrize(
    "command", [("lineage", "flush"), ("lineage", "status"), ("plan", "--history")]
)
def test_something_else_in_place_of_a_state_file_is_no_traceback(
    examples: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    product = examples / "hello"
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    assert floe("run", str(product)).returncode == 0
    lineage = product / ".floe" / "lineage"
    (lineage / "spool" / "1.json").mkdir(parents=True)
    (lineage / "last_failure.json").unlink(missing_ok=True)
    (lineage / "last_failure.json").mkdir()
    (lineage / "full.json").symlink_to("full.json")
    [journal] = (product / ".floe" / "runs").glob("*/events.jsonl")
    journal.unlink()
    journal.mkdir()
    done = floe(*command, str(product))
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "move it away" in done.stderr


# Root, but for its right to open the files of all others.
AS_ANOTHER = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="needs the right to give files to another user",
)
def test_a_state_file_of_another_user_is_named_without_a_traceback(
    examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = examples / "hello"
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    assert floe("run", str(product)).returncode == 0
    [journal] = (product / ".floe" / "runs").glob("*/events.jsonl")
    spool = product / ".floe" / "lineage" / "spool"
    foreign = (journal, *spool.glob("*.json"), spool.parent / "last_failure.json")
    for file in foreign:
        file.touch()
        os.chown(file, 12345, 12345)
        file.chmod(0o600)
    if subprocess.run([*AS_ANOTHER, "cat", str(journal)], capture_output=True).returncode == 0:
        pytest.skip("this system does not take the right away")
    named = {
        ("plan", "--history"): journal,
        ("lineage", "flush"): spool.parent / "last_failure.json",
        ("lineage", "status"): spool.parent / "last_failure.json",
        ("doctor",): spool.parent / "last_failure.json",
    }
    for command, file in named.items():
        words = [*AS_ANOTHER, str(BIN / "floe"), *command, str(product)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        assert "Traceback" not in said, said
        assert str(file) in said.replace("\n", ""), (command, said)


def test_a_pipe_in_place_of_a_state_file_is_not_waited_for(examples: Path) -> None:
    product = examples / "hello"
    with (product / "floe.yaml").open("a") as spec:
        spec.write("""alerts: [{on: [failure], to: "{{ env_var('SHOP_ALERTS') }}"}]\n""")
    assert floe("run", "--reuse", cwd=product).returncode == 0
    for name in ("reuse.json", "analyses.json", "alerts/failing/hello.json", "alerts/open/1.json"):
        pipe = product / ".floe" / name
        pipe.unlink(missing_ok=True)
        pipe.parent.mkdir(exist_ok=True)
        os.mkfifo(pipe)
    os.mkfifo(product / "schedules.json")
    commands = ("plan", "doctor", "show", "schedule list", "alerts check", "run --reuse")
    done = [floe(*command.split(), cwd=product) for command in commands]
    assert [each.returncode for each in done] == [3, 3, 3, 3, 0, 0]
    for each in done[:5]:
        assert "is not a regular file; move it away" in each.stdout + each.stderr
        assert "Traceback" not in each.stderr


def test_opentelemetry_says_nothing_of_its_own_in_a_command(examples: Path) -> None:
    quiet = [floe(command, "hello", cwd=examples) for command in ("compile", "show")]
    dead = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    told = [floe(command, "hello", cwd=examples, **dead) for command in ("compile", "show")]
    assert [each.stdout for each in told] == [each.stdout for each in quiet]
    [warning, *others] = sorted({*told[0].stderr.splitlines()} - {*quiet[0].stderr.splitlines()})
    assert "not all spans of this run were sent: the collector does not take them: " in warning
    assert (others, told[1].stderr) == ([], quiet[1].stderr)


def test_a_path_is_shown_as_it_is(tmp_path: Path) -> None:
    """`[dev]` and `[/red]` are no markup, and what a person is to type is quoted."""
    folder = tmp_path / "my [dev]" / "a[" / "red]"
    folder.parent.mkdir(parents=True)
    begun = floe("init", folder)
    assert begun.stdout.splitlines()[-1] == f"next: floe run '{folder}'"
    assert f"wrote {folder}/floe.yaml" in begun.stdout.splitlines()
    compiled = floe("compile", folder)
    assert f"  {folder}/compiled_artifacts.json" in compiled.stdout.splitlines()
    scheduled = floe("schedule", "set", folder, "--cron", "@daily")
    assert (
        scheduled.stdout.splitlines()[0] == f"red: @daily in UTC (set in {folder}/schedules.json)"
    )
    ran = floe("run", folder)
    home = f"{folder}/.floe/dagster"
    assert f"DAGSTER_HOME='{home}' dagster dev -w '{home}/workspace.yaml'" in ran.stdout


def test_vars_of_a_run_reach_dbt_on_every_orchestrator(tmp_path: Path) -> None:
    product = tmp_path / "shop"
    assert floe("init", product).returncode == 0
    model = "select '{{ var('colour', 'none') }}' as colour"
    (product / "models" / "first_model.sql").write_text(model)
    (product / "models" / "schema.yml").unlink()
    seen = {}
    for orchestrator in ("dagster", "prefect", "airflow"):
        done = floe("run", product, "--on", orchestrator, "--vars", f"colour: {orchestrator}")
        assert done.returncode == 0, done.stderr
        with duckdb.connect(str(product / "shop.duckdb"), read_only=True) as connection:
            seen[orchestrator] = connection.execute("select colour from first_model").fetchone()
    assert seen == {name: (name,) for name in ("dagster", "prefect", "airflow")}


def test_vars_that_are_no_mapping_are_refused(tmp_path: Path) -> None:
    assert floe("init", tmp_path / "shop").returncode == 0
    done = floe("run", tmp_path / "shop", "--vars", "[1, 2]")
    assert done.returncode == 2
    assert "--vars [1, 2]: it is not a mapping; write a mapping, such as" in " ".join(
        done.stderr.split()
    )


def test_a_copy_runs_as_it_was_compiled(examples: Path, tmp_path: Path) -> None:
    """Its floe.yaml names a manifest that is not there any more."""
    out = tmp_path / "far" / "away" / "hello"
    assert floe("compile", examples / "hello", "--on", "dagster", "--out", out).returncode == 0
    done = floe("run", out, "--json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["nodes"].values()) == {"success", "pass"}


@pytest.mark.parametrize("command", ["run", "compile", "show", "explain"])
def test_a_command_leaves_a_definitions_file_of_somebody_else_alone(
    command: str, examples: Path
) -> None:
    theirs = "DEFINITIONS = 'of a team'\n"
    (examples / "hello" / "definitions.py").write_text(theirs)
    done = floe(command, examples / "hello", "--on", "dagster", "--json")
    assert done.returncode == 0, done.stderr
    assert (examples / "hello" / "definitions.py").read_text() == theirs
    assert "definitions.py is yours and stays" in done.stderr


def test_init_writes_over_nothing(examples: Path) -> None:
    before = (examples / "hello" / "floe.yaml").read_text()
    done = floe("init", examples / "hello")
    assert done.returncode == 2
    assert "already exists" in done.stderr
    assert (examples / "hello" / "floe.yaml").read_text() == before


def test_results_go_to_stdout_and_the_rest_to_stderr(examples: Path) -> None:
    done = floe("compile", examples / "hello", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == {
        "status": "success",
        "product": "hello",
        "orchestrator": "dagster",
        "folder": str(examples / "hello"),
        "files": [
            "target/manifest.json",
            "target/partial_parse.msgpack",
            "profiles.yml",
            "definitions.py",
            "compiled_artifacts.json",
        ],
        "nodes": {"model": 2, "seed": 1, "test": 2},
        "published": [],
        "jobs": ["hello"],
    }


def test_the_users_mistakes_exit_with_1_and_are_told_to_programs_too(examples: Path) -> None:
    path = examples / "hello" / "floe.yaml"
    path.write_text(path.read_text() + "shedule: {}\n")
    done = floe("compile", examples / "hello", "--json")
    assert done.returncode == 1
    assert done.stderr.startswith("floe.yaml:6:1: unknown key 'shedule'")
    (problem,) = json.loads(done.stdout)["problems"]
    assert (problem["file"], problem["line"], problem["fix"]) == (
        "floe.yaml",
        6,
        "did you mean 'schedule'?",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["compile", "--nope"],
        ["compile", "--on", "dagstr"],
        ["run", "--job", "nope"],
        ["run", "--select", "nope"],
        ["ticks", "--cron", "99 * * * *"],
        ["ticks", ".", "--cron", "@daily"],
        ["ticks", "--cron", "@daily", "--job", "nightly"],
        ["ticks", "--timezone", "Europe/London"],
        ["diff", "before", "after", "--data", "--fail-on-breaking"],
        ["diff", "before", "after", "--samples", "3"],
        ["ticks", "--cron", "@daily", "--timezone", "Mars/Phobos"],
        ["ticks", "--from", "yesterday"],
        ["ticks", "--cron", "@daily", "--to", "9999-12-31"],
        ["ticks", "--cron", "@daily", "--from", "2026-01-02", "--to", "2026-01-01"],
        ["ticks", "--cron", "@daily", "--from", "0001-01-01", "--to", "2026-01-01"],
        ["run", "--backfill", "9999-12-31", "9999-12-31"],
        ["run", "--backfill", "0001-01-01", "0001-01-01"],
        ["parity", "--on", "dagster"],
        ["parity", "--html", "."],
        ["ci", ".", ".", "--output", "."],
    ],
)
def test_calls_that_make_no_sense_exit_with_2(examples: Path, arguments: list[str]) -> None:
    done = floe(*arguments, cwd=examples / "hello")
    assert done.returncode == 2, done.stderr
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_page_that_cannot_be_written_is_an_error(examples: Path) -> None:
    done = floe("mesh", ".", "--html", ".", "--json", cwd=examples / "mesh")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (3, "error")
    done = floe("mesh", ".", "--html", "site/mesh.html", cwd=examples / "mesh")
    assert done.returncode == 0, done.stderr
    assert "<html" in (examples / "mesh" / "site" / "mesh.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["diff", "--json"], "Missing argument 'old'."),
        (["nope", "--json"], "No such command 'nope'."),
        (["schedule", "set", "--json"], "Missing option '--cron'."),
        (["ticks", "--json", "--job"], "Option '--job' requires an argument."),
    ],
)
def test_a_wrong_call_is_told_to_programs_too(arguments: list[str], message: str) -> None:
    done = floe(*arguments)
    assert done.returncode == 2
    assert json.loads(done.stdout) == {"status": "error", "message": message, "problems": []}


def test_paragraphs_of_help_are_left_to_the_terminal_to_wrap() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "floe_core.cli", "run", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": "300"},
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    [long] = [line for line in lines if line.startswith("Dagster: a run in its own instance")]
    assert long.endswith("Exits 1 if any node failed.")


@pytest.mark.parametrize("command", ["doctor", "compile", "run", "show", "init", "ticks"])
def test_an_orchestrator_that_is_not_installed_is_a_wrong_call(
    command: str, tmp_path: Path
) -> None:
    done = floe(command, str(tmp_path / "new"), "--on", "dagstr")
    assert done.returncode == 2
    assert "no orchestrator plugin named 'dagstr'; did you mean 'dagster'?" in done.stderr
    assert not (tmp_path / "new").exists()


def orchestrator_told_by_doctor(*arguments: object) -> tuple[int, list[tuple[str, str]]]:
    """Return the exit code, and severity and text of what is said about the orchestrator."""
    done = floe("doctor", *arguments, "--json")
    found = [each for each in json.loads(done.stdout)["findings"] if each["subject"] != "versions"]
    assert {each["subject"] for each in found} <= {"orchestrator", "product"}
    told = [each for each in found if each["subject"] == "orchestrator"]
    return done.returncode, [(each["severity"], each["what"].split(":")[0]) for each in told]


def test_doctor_checks_a_service_before_the_first_compile(examples: Path) -> None:
    assert orchestrator_told_by_doctor(examples / "hello") == (3, [("warning", "dagster")])
    path = examples / "manifest.yaml"
    settings = 'type: dagster, config: {url: "http://127.0.0.1:1"}'
    path.write_text(path.read_text().replace("type: dagster", settings))
    assert orchestrator_told_by_doctor(examples / "hello") == (3, [("problem", "dagster")])


def test_doctor_checks_a_service_outside_a_product_if_it_is_named(tmp_path: Path) -> None:
    assert orchestrator_told_by_doctor(tmp_path) == (0, [])
    assert orchestrator_told_by_doctor(tmp_path, "--on", "airflow") == (3, [("problem", "airflow")])


def test_ticks_are_utc_instants() -> None:
    done = floe(
        *("ticks", "--cron", "30 1 * * *", "--timezone", "Europe/London", "--json"),
        *("--from", "2026-03-28", "--to", "2026-03-31"),
    )
    # On the 29th the clocks go from 01:00 to 02:00: the first instant after the gap is 01:00 UTC.
    assert json.loads(done.stdout) == [
        "2026-03-28T01:30:00+00:00",
        "2026-03-29T01:00:00+00:00",
        "2026-03-30T00:30:00+00:00",
    ]


def test_no_tick_is_left_out_for_a_program() -> None:
    span = ["--from", "2026-01-01", "--to", "2026-03-12"]
    done = floe("ticks", "--cron", "* * * * *", *span, "--json")
    assert len(json.loads(done.stdout)) == 70 * 24 * 60


def test_compile_needs_no_network(examples: Path) -> None:
    cut_off = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*cut_off, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let a process drop its network")
    done = subprocess.run(
        [*cut_off, BIN / "floe", "compile", examples / "customer-360"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


# That they fail alike is in test_the_same_everywhere.
@pytest.mark.parametrize(
    "orchestrator", ["dagster", pytest.param("airflow", marks=pytest.mark.slow)]
)
def test_a_model_that_fails_in_the_middle(examples: Path, orchestrator: str) -> None:
    models = examples / "hello" / "models"
    (models / "stg_people.sql").write_text("select nope from {{ ref('people') }}")
    done = floe("run", examples / "hello", "--on", orchestrator, "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == "failed"
    assert {node_id.split(".")[2]: status for node_id, status in told["nodes"].items()} == {
        "people": "success",
        "stg_people": "error",
        "greetings": "skipped",
        "unique_greetings_id": "skipped",
        "not_null_greetings_id": "skipped",
    }


def test_some_nodes_of_a_job(examples: Path) -> None:
    done = floe(
        "run", examples / "customer-360", "--select", "stg_orders+1", "--job", "orders", "--json"
    )
    assert done.returncode == 1, "what it selects from is not there yet"
    seeds = floe("run", examples / "customer-360", "--select", "resource_type:seed", "--json")
    assert seeds.returncode == 0, seeds.stderr
    assert set(json.loads(seeds.stdout)["nodes"]) == {
        "seed.customer_360.raw_customers",
        "seed.customer_360.raw_orders",
        "seed.customer_360.raw_payments",
    }


def test_lineage_of_a_dead_backend_waits_on_disk_and_is_told(examples: Path) -> None:
    path = examples / "manifest.yaml"
    backend = (
        'plugins:\n  lineage_backend: {type: openlineage, config: {url: "http://127.0.0.1:1"}}'
    )
    path.write_text(path.read_text().replace("plugins:", backend, 1))
    hello = examples / "hello"
    assert floe("run", hello).returncode == 0
    waiting = json.loads(floe("lineage", "status", hello, "--json").stdout)
    assert (waiting["waiting"], waiting["refused"]) == (12, [])
    done = floe("lineage", "flush", hello, "--refused", "--timeout", "1", "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["waiting"] == 12
    lines = floe("lineage", "status", hello).stdout.splitlines()
    assert lines[0] == "12 waiting, 0 refused, 0.0 of 1024 MB"
    assert lines[1].startswith("last error: ConnectionError")


@pytest.mark.parametrize("command", [[], ["show"], ["run"], ["lineage", "flush"]])
def test_help_shows_no_type_beside_a_flag(command: list[str]) -> None:
    done = floe(*command, "--help")
    assert "--help" in done.stdout
    assert "<bool>" not in done.stdout


@pytest.mark.parametrize(
    ("words", "completions"),
    [("floe show --on ", ["airflow", "dagster", "prefect"]), ("floe ticks --on d", ["dagster"])],
)
def test_on_completes_to_the_installed_orchestrators(words: str, completions: list[str]) -> None:
    shell = {"COMP_WORDS": words, "COMP_CWORD": "3", "_FLOE_COMPLETE": "complete_bash"}
    done = floe(**shell)
    assert done.stdout.split() == completions


def test_a_dbt_that_is_not_there_is_named_before_anything_runs(examples: Path) -> None:
    done = floe("parity", examples / "hello", "--dbt", "floe", "--dbt", "no-such-dbt")
    said = " ".join(done.stderr.split())
    assert done.returncode == 2
    assert (
        "--dbt no-such-dbt: there is no such program; give a version, a path, a name on "
        "PATH, or floe" in said
    )
    assert "compiling" not in said
