"""The thin file that Airflow parses to find the DAGs of a compiled product."""

from __future__ import annotations

FILENAME = "dag.py"

_TEXT = '''"""The Airflow DAGs of the product {product}, written by `floe compile`.

Airflow looks for the words "airflow" and "dag" in a file. What the DAGs hold is read from
compiled_artifacts.json in this folder, which may be moved as a whole.
"""

from pathlib import Path

from airflow.sdk import DAG

from floe_orchestrator_airflow.loader import load_product_dags

DAGS: list[DAG] = load_product_dags("{product}", Path(__file__).resolve().parent)
globals().update({{dag.dag_id: dag for dag in DAGS}})
'''


def entry_point_text(product_name: str) -> str:
    """Return the text of the file; nothing in it changes but the product's name."""
    return _TEXT.format(product=product_name)
