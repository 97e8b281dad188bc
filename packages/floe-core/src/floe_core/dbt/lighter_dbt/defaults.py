"""Speed up the validation of a project's files: serialize equal field defaults only once.

dbt validates YAML files against JSON schemas, which it generates from its classes in each process.
For each of 700 fields, the library that generates them compiles a class, only to serialize the
field's default value: two thirds of the CPU time of a small project's parse, after the imports.
Nine in ten have the same type and value as another field.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def remembered_defaults() -> Iterator[None]:
    """Make dbt serialize equal defaults of fields of one type only once, inside the block."""
    try:
        from mashumaro.jsonschema import schema
        from mashumaro.jsonschema.schema import _default as write
    except ImportError:
        yield
        return
    if not are_known(write):
        yield
        return
    written: dict[Any, Any] = {}

    def write_once(f_type: Any, f_value: Any, config_cls: Any) -> Any:
        # True equals 1, which is serialized differently.
        field = f_type, type(f_value), f_value, config_cls
        try:
            if field in written:
                return written[field]
        except TypeError:
            return write(f_type, f_value, config_cls)
        serialized = write(f_type, f_value, config_cls)
        if serialized is None or isinstance(serialized, str | int | float):
            written[field] = serialized
        return serialized

    with replaced(schema, "_default", write_once):
        yield
