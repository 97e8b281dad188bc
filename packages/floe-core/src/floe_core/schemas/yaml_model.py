"""The base models of the YAML files that people write: immutable, and closed to unknown keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from floe_core.schemas import text_forms
from floe_core.user_yaml.dbt_vars import with_tags

ApiVersion = Literal["floe.dev/v1"]
Name = Annotated[str, StringConstraints(pattern=text_forms.NAME.pattern, max_length=63)]
Version = Annotated[str, StringConstraints(pattern=text_forms.VERSION.pattern, max_length=63)]
JobName = Annotated[str, StringConstraints(pattern=text_forms.JOB_NAME.pattern, max_length=63)]
Text = Annotated[str, StringConstraints(max_length=4000)]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=250)]
# dbt vars, in which a date is a date, as in dbt_project.yml.
Vars = Annotated[dict[str, Any], AfterValidator(with_tags)]
PoolName = Annotated[str, StringConstraints(pattern=text_forms.POOL_NAME.pattern, max_length=250)]


class YamlModel(BaseModel):
    """A mapping of floe.yaml: camelCase keys, unknown keys refused, numbers not taken as texts."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        populate_by_name=True,
        coerce_numbers_to_str=False,
    )


class SnakeModel(BaseModel):
    """A mapping of manifest.yaml, whose keys are snake_case."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
