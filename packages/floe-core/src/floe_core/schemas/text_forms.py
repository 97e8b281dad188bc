"""The text formats in floe.yaml and manifest.yaml, and how to write each."""

from __future__ import annotations

from typing import LiteralString, NamedTuple

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

_A_LETTER_FIRST = "starting with a letter"


class TextForm(NamedTuple):
    """A regular expression, what a text that matches it is, and how it is written."""

    pattern: str
    kind: str
    rule: str


NAME = TextForm(
    r"^[a-z][a-z0-9-]*$",
    "a name",
    f"use lower-case letters, digits and hyphens, {_A_LETTER_FIRST}",
)
VERSION = TextForm(
    r"^[0-9A-Za-z][0-9A-Za-z.+_-]*$",
    "a version",
    "use letters, digits and . + _ -, as in 1.2.0",
)
JOB_NAME = TextForm(
    r"^[a-z][a-z0-9_-]*$",
    "the name of a job",
    f"use lower-case letters, digits, hyphens and underscores, {_A_LETTER_FIRST}",
)
# Accepted by Dagster, Airflow and Prefect as the name of a pool.
POOL_NAME = TextForm(
    r"^[^\s/%&<>]+$",
    "the name of a pool",
    "use no spaces and none of / % & < >",
)
PORT_NAME = TextForm(
    r"^[A-Za-z][\w-]*$",
    "the name of a port",
    f"use letters, digits, hyphens and underscores, {_A_LETTER_FIRST}",
)
STEP_NAME = TextForm(
    r"^[a-z][a-z0-9_]*$",
    "the name of a step",
    f"use lower-case letters, digits and underscores, {_A_LETTER_FIRST}",
)
PYTHON_FUNCTION = TextForm(
    r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
    "a function",
    "write module:function, as in shop.ingest:load_orders",
)
IMAGE_NAME = TextForm(
    r"^[a-z0-9][A-Za-z0-9._/:@-]*$",
    "the name of a container image",
    "write it as docker does, as in registry.example.com/shop/train:1.4",
)
TIME_OF_DAY = TextForm(
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
    "a time of day",
    "write hours and minutes, as in 07:30",
)
DAY = TextForm(
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
    "a day",
    "write year, month and day, as in 2026-01-31",
)
QUANTITY = TextForm(
    r"^[0-9]+(\.[0-9]+)?(m|[KMGT]i?)?$",
    "a Kubernetes quantity",
    "write one such as 500m or 2Gi",
)
FORMS = {
    form.pattern: form
    for form in (
        NAME,
        VERSION,
        JOB_NAME,
        POOL_NAME,
        PORT_NAME,
        STEP_NAME,
        PYTHON_FUNCTION,
        IMAGE_NAME,
        TIME_OF_DAY,
        DAY,
        QUANTITY,
    )
}


def as_one_problem(kind: LiteralString, told: LiteralString) -> WrapValidator:
    """Return what raises one error in the place of one for each form of a value."""

    def validated(value: object, validate: ValidatorFunctionWrapHandler) -> object:
        try:
            return validate(value)
        except ValidationError:
            raise PydanticCustomError(kind, told) from None

    return WrapValidator(validated)


def empty_for_null(value: object) -> object:
    """Return an empty text for YAML's null, as in `columns: {id: }`."""
    return "" if value is None else value
