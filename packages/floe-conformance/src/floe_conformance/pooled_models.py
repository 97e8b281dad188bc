"""Models that record when they begin and end: two in a pool, and one in no pool.

The one in no pool ends once both others have begun, or after 30 seconds.
"""

from __future__ import annotations

POOL, SPANS_FILE = "narrow", "spans"
IN_POOL, IN_NO_POOL = ("narrow_one", "narrow_two"), "wide"
_NOTES = """\
import time
from pathlib import Path


def model(dbt, session):
    dbt.config(materialized='table')
    where = 'select path from duckdb_databases() where path is not null'
    [[warehouse]] = session.execute(where).fetchall()
    spans = Path(warehouse).with_name('spans')

    def note():
        with spans.open('a') as file:
            file.write(f'NAME {time.time()}\\n')

    note()
    WORK
    note()
    return session.sql('select 1 as id')
"""
_MEET = """end = time.monotonic() + 30
    while time.monotonic() < end and spans.read_text().count('narrow') < 3:
        time.sleep(0.1)"""


def _noting_model(name: str, work: str) -> str:
    return _NOTES.replace("NAME", name).replace("WORK", work)


POOLED = {
    **{f"models/{name}.py": _noting_model(name, "time.sleep(1.5)") for name in IN_POOL},
    f"models/{IN_NO_POOL}.py": _noting_model(IN_NO_POOL, _MEET),
    "models/narrow.yml": "models:\n"
    + "".join(
        f"  - {{name: {name}, config: {{meta: {{floe: {{pool: {POOL}}}}}}}}}\n" for name in IN_POOL
    ),
}
