"""Airflow's loader and serializers of DAGs and timetables, from where the installed one has them."""

from __future__ import annotations

try:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.decoders import decode_timetable
    from airflow.serialization.encoders import encode_timetable
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:
    # Before 3.2.
    from airflow.models.dagbag import DagBag
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization
    from airflow.serialization.serialized_objects import decode_timetable, encode_timetable

__all__ = ["DagBag", "DagSerialization", "decode_timetable", "encode_timetable"]
