"""How long a run on Prefect takes: floe beside prefect-dbt, raw dbt and an empty flow, in turns.

    UV_PROJECT_ENVIRONMENT=.venv-bench uv sync --frozen --group bench
    .venv-bench/bin/python benchmarks/runs_on_prefect.py 100 1000 --json results.json

Each measure is a process that calls the flow, on a server that is up, or `dbt build`. The CPU of
the server is not counted, but on two cores it takes time from the process. Otherwise as
`runs_on_dagster.py`. prefect-dbt runs `PrefectDbtRunner().invoke(["build"])` as its documentation
shows, with a task run for each node.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from generate_project import generate
from measuring import compiled, measure_sizes, timed_in_turns
from prefect_server import PREFECT_EMPTY, PREFECT_RUN, prefect_server
from runs_on_dagster import Results, beside_dbt, shown

PREFECT_DBT = """\
from prefect import flow
from prefect_dbt import PrefectDbtRunner, PrefectDbtSettings


@flow
def build():
    settings = PrefectDbtSettings(project_dir={folder!r}, profiles_dir={folder!r})
    PrefectDbtRunner(settings=settings).invoke(["build"])


build()
"""


def main() -> None:
    """Measure each size and print the table."""
    measure_sizes(__doc__, [100, 1000], compare, shown)


def compare(models: int, rounds: int) -> Results:
    """Return name -> medians of wall and CPU seconds and of their ratios, for one size."""
    with tempfile.TemporaryDirectory(prefix="floe-bench-") as temporary:
        root = Path(temporary)
        folders = {name: root / name for name in ("raw", "floe", "prefect-dbt")}
        for folder in folders.values():
            generate(folder, models)
            compiled(folder, "prefect")
        (root / "empty.py").write_text(PREFECT_EMPTY)
        (root / "peer.py").write_text(PREFECT_DBT.format(folder=str(folders["prefect-dbt"])))
        raw = ["--project-dir", str(folders["raw"]), "--profiles-dir", str(folders["raw"])]
        dbt = str(Path(sys.executable).with_name("dbt"))
        commands = {
            "dbt build": [dbt, "build", *raw, "--log-path", str(root / "logs")],
            "empty run": [sys.executable, str(root / "empty.py")],
            "floe": [sys.executable, "-c", PREFECT_RUN],
            "prefect-dbt": [sys.executable, str(root / "peer.py")],
        }
        with prefect_server(root / "prefect", PYTHONPATH=str(folders["floe"])) as settings:
            found = timed_in_turns(commands, rounds, **settings)
    return beside_dbt(found)


if __name__ == "__main__":
    main()
