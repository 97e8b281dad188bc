"""The base models of schemas: immutable, and closed to unknown fields or keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from floe_core.schemas import text_forms
from floe_core.user_yaml.dbt_vars import with_tags


class Frozen(BaseModel):
    """A record that floe itself writes: an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields replaced; values derived from the old ones stay."""
        copied = super().model_copy(update=update, deep=deep)
        if update:
            for derived in copied.__dict__.keys() - type(self).model_fields.keys():
                del copied.__dict__[derived]
        return copied


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
