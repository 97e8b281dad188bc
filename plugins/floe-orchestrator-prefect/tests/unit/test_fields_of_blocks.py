"""The fields that dbt gets from a block."""

from __future__ import annotations

import pytest
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from pydantic import SecretStr

from floe_orchestrator_prefect.task.connection import fields_of


class Configs(Block):
    """As the target configs of prefect-dbt, which spread their extras."""

    type: str = "postgres"
    extras: dict[str, SecretStr] = {"password": SecretStr("hidden")}

    def get_configs(self) -> dict[str, object]:
        return {"type": self.type, **self.extras}


class Profile(Block):
    """As a profile of prefect-dbt."""

    name: str = "shop"
    target: str = "prod"
    target_configs: Configs = Configs()


class Warehouse(Block):
    host: str = "db"
    password: SecretStr = SecretStr("hidden")


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (Configs(), {"type": "postgres", "password": "hidden"}),
        (Profile(), {"type": "postgres", "password": "hidden"}),
        (Warehouse(), {"host": "db", "password": "hidden"}),
        (Secret(value={"host": "db"}), {"host": "db"}),
        (
            Secret(value="postgresql://me:hidden@db:5433/shop"),
            {"host": "db", "port": 5433, "user": "me", "password": "hidden", "dbname": "shop"},
        ),
    ],
    ids=["target_configs", "profile", "other", "object", "url"],
)
def test_a_block_has_the_fields_of_a_profile(block: Block, expected: dict[str, object]) -> None:
    assert fields_of(block) == expected
