"""Turn a YAML document into a schema's model, or report every problem in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from copy import deepcopy
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schemas.text_forms import FORMS, TextForm
from floe_core.user_yaml.source_map import Document, Location

Model = TypeVar("Model", bound=BaseModel)


def validate(document: Document, model: type[Model], data: Mapping[str, Any]) -> Model:
    """Return the model of a document's data.

    Raises:
        InvalidProductError: With every problem, each at its place in the file.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        problems = [_problem(document, model, found) for found in error.errors()]
        raise InvalidProductError(sorted(problems, key=lambda p: (p.line, p.column))) from None


def without_problems(model: type[Model], data: Mapping[str, Any]) -> Model | None:
    """Return the model of what is right in a document; None if that is too little.

    Texts that it needs are made up.
    """
    right = deepcopy(dict(data))
    for _ in range(3):
        try:
            return model.model_validate(right)
        except ValidationError as error:
            for number, found in enumerate(error.errors()):
                _correct(right, found["loc"], f"unnamed-{number}")
    return None


def _correct(data: Any, location: tuple[int | str, ...], made_up: str) -> None:
    *above, key = location
    with suppress(KeyError, IndexError, TypeError):
        for step in above:
            data = data[step]
        if data.pop(key, None) is None:
            data[key] = made_up


def _problem(document: Document, model: type[BaseModel], found: ErrorDetails) -> Problem:
    location = _in_document(document, found["loc"])
    key = location[-1] if location else ""
    if found["type"] == "extra_forbidden":
        return _unknown_key(document, model, location)
    if found["type"] == "missing":
        where = ".".join(str(step) for step in location[:-1]) or "the file"
        return document.problem(
            location[:-1], f"{where} lacks the key '{key}'", f"add '{key}:'", True
        )
    return document.problem(location, f"{_join_location(location)}: {_reason(found)}", _fix(found))


def _unknown_key(document: Document, model: type[BaseModel], location: Location) -> Problem:
    known = sorted(keys_at(model, location[:-1]))
    near = get_close_matches(str(location[-1]), known, n=1)
    fix = f"did you mean '{near[0]}'?" if near else f"remove it; known here: {', '.join(known)}"
    return document.problem(location, f"unknown key '{location[-1]}'", fix, at_key=True)


def _in_document(document: Document, location: tuple[int | str, ...]) -> Location:
    """Return the location without the parts that only pydantic adds, such as a union's branch."""
    steps: list[str | int] = []
    for index, step in enumerate(location):
        is_last = index == len(location) - 1
        if (*steps, step) in document.spots or (is_last and not str(step).startswith("[")):
            steps.append(step)
    return tuple(steps)


def keys_at(model: type[BaseModel], location: Location) -> Collection[str]:
    """Return the keys that a schema has at a location, as spelled in YAML."""
    current: Any = model
    is_mapping = False
    for step in location:
        if isinstance(step, int):
            continue
        fields = _fields(current)
        if step in fields:
            current, is_mapping = _inner_model(fields[step]), get_origin(fields[step]) is dict
        else:
            # A key that the user chose, such as an environment's name, leads to the values below
            # it.
            current, is_mapping = (current if is_mapping else None), False
    return _fields(current).keys()


def _fields(model: Any) -> dict[str, Any]:
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        inner = _inner_model(part)
        if inner is not None:
            return inner
    return None


def _join_location(location: Location) -> str:
    return ".".join(str(step) for step in location)


def _reason(found: ErrorDetails) -> str:
    given, context = found["input"], found.get("ctx", {})
    shown = repr(given) if len(repr(given)) <= 60 else repr(given)[:57] + "..."
    form = _form(found)
    reasons = {
        "string_pattern_mismatch": f"{shown} is not {form.kind}" if form else "has another form",
        "string_too_long": f"has {len(given) if isinstance(given, str) else 0} characters; "
        f"at most {context.get('max_length')}",
        "string_too_short": "is empty",
        "literal_error": f"{shown} is not one of {context.get('expected')}",
        "greater_than_equal": f"{shown} is less than {context.get('ge')}",
        "less_than_equal": f"{shown} is more than {context.get('le')}",
        "value_error": str(context.get("error")),
    }
    if found["type"] == "string_type" and isinstance(given, int | float):
        return f"YAML reads this as {'true or false' if isinstance(given, bool) else 'a number'}"
    return reasons.get(found["type"], f"{shown} is no {_kind(found['type'])}")


def _kind(error_type: str) -> str:
    kinds = {
        "string_type": "text",
        "int_type": "whole number",
        "bool_type": "true or false",
        "list_type": "list",
        "tuple_type": "list",
        "dict_type": "mapping",
        "model_type": "mapping",
        "model_attributes_type": "mapping",
        "port_version": "version of a port",
        "backfill_by": "way to backfill",
    }
    return kinds.get(error_type, error_type.replace("_", " "))


def _fix(found: ErrorDetails) -> str:
    given = found["input"]
    if found["type"] == "string_type" and isinstance(given, int | float):
        # Without its value: YAML has read 1.10 as 1.1, and no as false.
        return "put it in quotes"
    if (form := _form(found)) is not None:
        return form.rule
    fixes = {
        "string_too_long": "shorten it",
        "string_too_short": "write something, or leave the key out",
        "int_type": "write a whole number, without quotes",
        "bool_type": "write true or false, without quotes",
        "list_type": "write a list: [a, b]",
        "tuple_type": "write a list: [a, b]",
        "dict_type": "write a mapping: {key: value}",
        "model_type": "write a mapping: {key: value}",
        "greater_than_equal": "write a larger number",
        "less_than_equal": "write a smaller number",
        "literal_error": "write one of those",
        "string_type": "write a text",
        "port_version": "write a whole number, or a version in quotes",
        "backfill_by": "write tick, range, or a number of partitions from 1 to 10000",
    }
    return fixes.get(found["type"], "")


def _form(found: ErrorDetails) -> TextForm | None:
    return FORMS.get(found.get("ctx", {}).get("pattern", ""))
