"""`floe doctor` finds what is wrong, planted here one by one, and says how to fix it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from plain_shop import FLOE, MANIFEST
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, build
from floe_core.execution.warehouse_lock import lock_file
from floe_core.foundation.errors import StaleProductError
from floe_core.runs.build_events import BuildEvent, NodeLog
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]
SLOW = (
    "{{ config(materialized='table') }} select count(*) as n from range(3000000) a, range(300000) b "
    "where a.range % 7 = b.range % 5"
)


@pytest.fixture(autouse=True)
def no_other_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep away what names a lineage backend for the whole process: variables, and a file."""
    for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def doctor(folder: Path, *options: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """Return the exit code, and subject -> what is not ok."""
    done = CliRunner().invoke(app, ["doctor", str(folder), *options, "--json"])
    assert done.stdout, done.exception
    found: dict[str, list[dict[str, Any]]] = {}
    for each in json.loads(done.stdout)["findings"]:
        if each["severity"] != "ok":
            found.setdefault(each["subject"], []).append(each)
    return done.exit_code, found


@pytest.fixture
def shop(write_product: WriteProduct) -> Path:
    folder = write_product(manifest=MANIFEST)
    compile_product(folder)
    return folder


# Airflow's has a time in it, which a folder's name has in another spelling.
@pytest.mark.parametrize("run_id", ["r", "manual__2026-11-28T01:00:45.841073+00:00_20db46e5"])
def test_a_product_that_ran_is_ok(run_id: str, shop: Path) -> None:
    [*_, end] = build(CompiledArtifacts.load(shop), BuildRequest("shop", run_id))
    assert end == BuildEnded(True)
    assert doctor(shop) == (0, {})
    assert len(list((shop / ".floe/runs").iterdir())) == 1


def test_a_plugin_that_takes_other_versions_is_a_problem(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site" / "plain_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: plain-plugin\nVersion: 1.0\n"
        "Requires-Dist: duckdb<0.1\nRequires-Dist: floe-no-such-thing>=2\n"
        'Requires-Dist: other-thing; extra == "more"\n'
    )
    (info / "entry_points.txt").write_text("[floe.orchestrators]\nplain = plain_plugin:Plugin\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    code, found = doctor(shop)
    assert code == 3
    told = {each["what"].partition(", and ")[0]: each["fix"] for each in found["versions"]}
    assert told == {
        "plain-plugin takes duckdb<0.1": "pip install 'duckdb<0.1'",
        "plain-plugin needs floe-no-such-thing>=2, which is not installed": (
            "pip install 'floe-no-such-thing>=2'"
        ),
    }


def test_a_stale_folder_is_a_problem_with_its_fix(shop: Path) -> None:
    (shop / "target" / "manifest.json").write_text("{}")
    code, found = doctor(shop)
    [problem] = found["product"]
    fix = "run `floe compile` in the product folder; other calls of dbt there need a --target-path"
    assert (code, problem["fix"]) == (3, f"{fix} of their own")
    assert "it is not the dbt manifest that the product was compiled with" in problem["what"]


def test_artifacts_that_cannot_be_read_are_a_problem(shop: Path) -> None:
    (shop / "compiled_artifacts.json").unlink()
    (shop / "compiled_artifacts.json").mkdir()
    what = f"{shop / 'compiled_artifacts.json'}: cannot be read: Is a directory"
    fix = "let this user read the compiled folder, or run `floe compile`"
    found = {"subject": "product", "severity": "problem", "what": what, "fix": fix}
    assert doctor(shop) == (3, {"product": [found]})


def test_a_cycle_is_told_by_the_commands_that_need_an_order(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = write_product(
        manifest=MANIFEST, first="select 1 as id", second="select * from {{ ref('first') }}"
    )
    copy = shop.parent / "copy"
    compile_product(shop, out=copy)
    file = copy / "compiled_artifacts.json"
    fields = json.loads(file.read_bytes())
    fields["nodes"][0]["depends_on"] = ["model.shop.second"]
    file.write_text(json.dumps(fields))
    cycle = "model.shop.first -> model.shop.second -> model.shop.first"
    what, fix = f"nodes form a cycle: {cycle}", "run `floe compile` in the product folder"
    problem = f"compiled_artifacts.json: {what}"
    found = {"subject": "product", "severity": "problem", "what": problem, "fix": fix}
    assert doctor(copy) == (3, {"product": [found]})
    for command in ("show", "plan"):
        done = CliRunner().invoke(app, [command, str(copy)])
        assert isinstance(done.exception, StaleProductError), command
        assert [each.what for each in done.exception.problems] == [what]
    assert CliRunner().invoke(app, ["diff", str(copy), str(copy)]).exit_code == 0


def test_nothing_is_created(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def files() -> list[Path]:
        return sorted(tmp_path.rglob("*"))

    before = files()
    assert doctor(shop) == (0, {})
    monkeypatch.setenv("FLOE_STATE_DIR", str(tmp_path / "states"))
    assert doctor(shop) == (0, {})
    assert files() == before


SERVICES = """\
from floe_core.plugin_interfaces import ValidationResult
from plain_plugin import Plugin

class Warned(Plugin):
    name = "warned"
    def validate_connection(self):
        return ValidationResult(True, "it answers", [], ["it is old: upgrade it"])
"""


def test_what_a_service_warns_of_is_shown(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site" / "warned-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: warned\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[floe.orchestrators]\nwarned = warned:Warned\n")
    (tmp_path / "site" / "warned.py").write_text(SERVICES)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    what = "warned: it is old: upgrade it"
    found = {"subject": "orchestrator", "severity": "warning", "what": what, "fix": ""}
    assert doctor(shop, "--on", "warned") == (0, {"orchestrator": [found]})


def test_the_files_of_a_product_that_is_not_compiled_are_read(write_product: WriteProduct) -> None:
    folder = write_product(manifest=MANIFEST)
    (folder / "floe.yaml").write_text(FLOE + "shedule: {}\n")
    code, found = doctor(folder)
    assert code == 3
    [_, wrong] = [each["what"] for each in found.pop("product")]
    assert found == {}
    assert wrong.startswith("floe.yaml: ")
    assert "shedule" in wrong


def test_every_adapter_is_checked(
    plain_site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, wanted in (("dbt_warehouse", "dbt-adapters>=99"), ("dbt_osmosis", "requests>=99")):
        info = tmp_path / "site" / f"{name}-1.0.dist-info"
        info.mkdir(parents=True)
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        (info / "METADATA").write_text(f"{head}Requires-Dist: {wanted}\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    code, found = doctor(tmp_path)
    what = f"dbt-warehouse takes dbt-adapters>=99, and {version('dbt-adapters')} is installed"
    fix = "pip install 'dbt-adapters>=99'"
    problem = {"subject": "versions", "severity": "problem", "what": what, "fix": fix}
    assert (code, found) == (3, {"versions": [problem]})


def test_other_versions_than_at_compile_time_are_warnings(shop: Path) -> None:
    file = shop / "compiled_artifacts.json"
    artifacts = json.loads(file.read_text())
    artifacts["dbt"]["version"], artifacts["tzdata_version"] = "1.2.3", "1999a"
    file.write_text(json.dumps(artifacts))
    code, found = doctor(shop)
    assert code == 0
    assert [each["what"].partition(", and ")[0] for each in found["product"]] == [
        "compiled with dbt 1.2.3",
        "compiled with time zones 1999a",
    ]


def test_schedules_that_cannot_be_read_are_a_problem(shop: Path) -> None:
    (shop / "schedules.json").write_text("{")
    code, found = doctor(shop)
    assert code == 3
    assert f"{shop}/schedules.json does not hold floe's schedules" in found["product"][0]["what"]


def test_a_schedule_that_this_machine_cannot_read_is_a_problem(shop: Path) -> None:
    file = shop / "compiled_artifacts.json"
    artifacts = json.loads(file.read_text())
    artifacts["jobs"][0]["schedule"] = {"cron": "0 6 * * *", "timezone": "Europe/Atlantis"}
    file.write_text(json.dumps(artifacts))
    code, found = doctor(shop)
    [problem] = found["product"]
    assert (code, problem["fix"]) == (3, "run `floe compile`")
    assert "no time zone named 'Europe/Atlantis'" in problem["what"]


def test_a_variable_that_is_not_set_is_a_problem(write_product: WriteProduct) -> None:
    compute = (
        "  compute: {type: duckdb, config: {schema: \"{{ env_var('NO_SUCH_SCHEMA', 'a') }}\", "
    )
    compute += "token: \"{{ env_var('NO_SUCH_TOKEN') }}\"}}\n"
    manifest = MANIFEST.replace("  compute: {type: duckdb}\n", compute)
    folder = write_product(manifest=manifest)
    compile_product(folder)
    code, found = doctor(folder)
    assert code == 3
    assert [each["what"] for each in found["product"]] == [
        "the dbt profile needs NO_SUCH_TOKEN, which is not set here"
    ]


def test_a_backend_that_is_away_and_what_waits_for_it_are_warnings(
    write_product: WriteProduct,
) -> None:
    backend = "  lineage_backend: {type: openlineage, config: {url: 'http://127.0.0.1:1'}}\n"
    folder = write_product(manifest=MANIFEST + backend)
    compile_product(folder)
    list(build(CompiledArtifacts.load(folder), BuildRequest("shop", "r")))
    code, found = doctor(folder)
    assert code == 0
    assert "http://127.0.0.1:1" in found["lineage"][0]["what"]
    [spool] = found["spool"]
    assert spool["what"].startswith("4 lineage events wait for the backend")
    assert spool["fix"] == f"floe lineage flush {folder}"


def test_a_build_that_has_the_warehouse_is_a_warning(shop: Path) -> None:
    (shop / "shop.duckdb").touch()
    with FileLock(lock_file(shop / "shop.duckdb")):
        code, found = doctor(shop)
    assert code == 0
    assert [each["what"] for each in found["warehouse"]] == [
        "a build has shop.duckdb at the moment"
    ]


BUILDS = """\
import sys
from floe_core.execution import BuildRequest, NodeStarted, build
from floe_core.schemas import CompiledArtifacts
for event in build(CompiledArtifacts.load(sys.argv[1]), BuildRequest("shop", "killed-run")):
    if isinstance(event, NodeStarted):
        print("started", flush=True)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="takes away what root may do")
def test_a_folder_that_may_only_be_read_is_checked(shop: Path) -> None:
    list(build(CompiledArtifacts.load(shop), BuildRequest("shop", "one")))
    places = [shop, *shop.rglob("*")]
    modes = {place: place.stat().st_mode for place in places}
    for place in places:
        place.chmod(0o555 if place.is_dir() else 0o444)
    without = ["setpriv", "--bounding-set=-dac_override"] if os.getuid() == 0 else []
    command = [*without, sys.executable, "-m", "floe_core.cli", "doctor", str(shop), "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        for place, mode in modes.items():
            place.chmod(mode)
    assert "Traceback" not in done.stderr
    subjects = {each["subject"]: each for each in json.loads(done.stdout)["findings"]}
    assert subjects["warehouse"]["what"] == "duckdb answers"


def test_a_run_that_was_killed_is_told(write_product: WriteProduct) -> None:
    folder = write_product(manifest=MANIFEST, first=SLOW)
    compile_product(folder)
    command = [sys.executable, "-c", BUILDS, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line == "started\n" for line in process.stdout)
        assert "runs" not in doctor(folder)[1]
        process.send_signal(signal.SIGKILL)
    code, found = doctor(folder)
    assert code == 0
    [told] = found["runs"]
    assert told["what"].startswith("run killed-run was interrupted at ")
    assert told["fix"].endswith(f": {folder}/.floe/runs/killed-run")


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
def test_another_product_of_the_same_name_is_a_warning(
    tmp_path: Path, shop: Path, write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_STATE_DIR", str(tmp_path / "states"))
    project = "name: web_shop\nversion: 1.0.0\nprofile: web_shop\n"
    other = write_product("other", manifest=MANIFEST, dbt_project=project)
    run(shop)
    compile_product(other)
    state = tmp_path / "states" / "shop"
    what = (
        f"{state} belongs to another product named shop, with the dbt project shop instead of "
        "web_shop: their runs and reuse are mixed up"
    )
    fix = (
        "rename one, or set another FLOE_STATE_DIR; if the dbt project was renamed, remove "
        f"{state / 'product.json'}"
    )
    found = {"subject": "runs", "severity": "warning", "what": what, "fix": fix}
    assert doctor(other) == (0, {"runs": [found]})
    assert NodeLog("", "warn", f"{what}; {fix}", is_from_floe=True) in run(other)


def run(folder: Path) -> list[BuildEvent]:
    """Build a product, and return what happened."""
    return [*build(CompiledArtifacts.load(folder), BuildRequest("shop", "r"))]


def test_a_process_without_a_parent_is_told(shop: Path) -> None:
    sleeps = "import time; dbt = 1; time.sleep(60)"
    forks = (
        "import subprocess, sys; "
        f"command = [sys.executable, '-c', {sleeps!r}]; nowhere = subprocess.DEVNULL; "
        "print(subprocess.Popen(command, stdout=nowhere, stderr=nowhere).pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", forks], cwd=shop, capture_output=True, text=True, check=True
    )
    pid = int(done.stdout)
    try:
        deadline = time.monotonic() + 10
        while "runs" not in (found := doctor(shop)[1]) and time.monotonic() < deadline:
            time.sleep(0.2)
        # Where something adopts orphans, such as a desktop's session, init is not their parent.
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        told = [each["fix"] for each in found.get("runs", [])]
        assert told == ([f"kill {pid}"] if parent == 1 else [])
    finally:
        os.kill(pid, signal.SIGKILL)


NOWHERE = "postgresql://floe:s3cret@127.0.0.1:1/x"
REFUSED = 'cannot be read: connection to server at "127.0.0.1", port 1 failed: Connection refused'


def test_a_ledger_that_cannot_be_read_is_a_problem(
    write_product: WriteProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product(
        floe=FLOE + "outputPorts: [{name: firsts, model: first, version: 1}]\n",
        manifest=MANIFEST + "ledger: ledger\n",
    )
    compile_product(folder)
    assert doctor(folder) == (0, {})
    assert not (tmp_path / "ledger").exists()
    monkeypatch.setenv("FLOE_LEDGER", NOWHERE)
    code, found = doctor(folder)
    assert code == 3
    [told] = found.pop("ledger")
    assert (found, told["severity"]) == ({}, "problem")
    assert told["what"] == f"postgresql://127.0.0.1:1/x: shop: {REFUSED}"


def test_states_of_partitions_that_cannot_be_read_are_a_problem(
    write_product: WriteProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    partitions = "partitions: {by: day, start: '2026-11-01', select: first, vars: {day: start}}\n"
    model = "{{ config(materialized='table') }} select '{{ var(\"day\", \"\") }}' as id"
    folder = write_product(floe=FLOE + partitions, manifest=MANIFEST, first=model)
    compile_product(folder)
    assert doctor(folder) == (0, {})
    monkeypatch.setenv("FLOE_PARTITION_STORE", str(tmp_path / "away"))
    code, found = doctor(folder)
    assert code == 3
    [told] = found.pop("partitions")
    assert (found, told["severity"]) == ({}, "problem")
    why = f"there is no folder {tmp_path / 'away'}; mount its disk, or create it"
    assert told["what"].endswith(why)


def test_a_store_of_alerts_that_cannot_be_read_is_a_problem(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    alerts = "alerts: [{on: [failure], to: \"{{ env_var('SHOP_ALERTS_URL') }}\"}]\n"
    folder = write_product(floe=FLOE + alerts, manifest=MANIFEST)
    compile_product(folder)
    monkeypatch.setenv("SHOP_ALERTS_URL", "json://127.0.0.1:1")
    assert doctor(folder) == (0, {})
    monkeypatch.setenv("FLOE_ALERT_STORE", NOWHERE)
    code, found = doctor(folder)
    assert code == 3
    [told] = found.pop("alerts")
    assert (found, told["severity"]) == ({}, "problem")
    assert told["what"] == f"postgresql://127.0.0.1:1/x: shop.alerts: {REFUSED}"


@pytest.mark.parametrize("damage", ["", "{"])
def test_a_damaged_state_of_reuse_is_a_warning(damage: str, write_product: WriteProduct) -> None:
    folder = write_product(floe=FLOE + "execution: {reuse: unchanged}\n", manifest=MANIFEST)
    compile_product(folder)
    run(folder)
    assert doctor(folder) == (0, {})
    (folder / ".floe" / "reuse.json").write_text(damage)
    code, found = doctor(folder)
    [told] = found.pop("reuse")
    assert (code, found, told["severity"]) == (0, {}, "warning")
    assert told["what"].endswith(", so everything is built")


def test_a_state_of_reuse_that_cannot_be_read_is_a_warning(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product(floe=FLOE + "execution: {reuse: unchanged}\n", manifest=MANIFEST)
    compile_product(folder)
    monkeypatch.setenv("FLOE_REUSE_STORE", NOWHERE)
    code, found = doctor(folder)
    [told] = found.pop("reuse")
    assert (code, found, told["severity"]) == (0, {}, "warning")
    what = f"postgresql://127.0.0.1:1/x: shop.reuse: {REFUSED}, so everything is built"
    assert told["what"] == what
