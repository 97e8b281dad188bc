"""What is no schedule is refused with the same words by every plugin, and changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from ticking_product import compile_ticking_product

from floe_core.plugin_registry import load
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

RULE = ("0 6 * * *", "UTC")
REFUSED = {
    ("tick-shop", "0 6 * * *", "localtime"): (
        "time zone 'localtime' cannot be used: it means another zone on every machine; write a "
        "name such as Europe/London or UTC"
    ),
    ("tick-shop", "0 6 * * *", "../../etc/passwd"): (
        "no time zone named '../../etc/passwd'; write a name such as Europe/London or UTC"
    ),
    ("tick-shop", "0 6 * * *", "/etc/localtime"): (
        "no time zone named '/etc/localtime'; write a name such as Europe/London or UTC"
    ),
    ("tick-shop", "0 6 * * *", ""): (
        "no time zone named ''; write a name such as Europe/London or UTC"
    ),
    ("tick-shop", "0 6 * * *", "europe/london"): (
        "no time zone named 'europe/london'; did you mean Europe/London?"
    ),
    ("tick-shop", "0 6 * * *", "Mars/Phobos"): (
        "no time zone named 'Mars/Phobos'; write a name such as Europe/London or UTC"
    ),
    ("tick-shop", "0 6 * *", "UTC"): (
        "cron expression '0 6 * *': it has 4 fields; write five: minute, hour, day of month, "
        "month, day of week (no seconds, no year)"
    ),
    ("tick_shop", *RULE): (
        "tick-shop has no job 'tick_shop'; did you mean 'tick-shop'? its jobs are tick-shop, "
        "some-part"
    ),
    ("some_part", *RULE): (
        "tick-shop has no job 'some_part'; did you mean 'some-part'? its jobs are tick-shop, "
        "some-part"
    ),
    ("", *RULE): "tick-shop has no job ''; its jobs are tick-shop, some-part",
}


@pytest.fixture(scope="module", params=["dagster", "airflow"])
def product(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> CompiledArtifacts:
    return compile_ticking_product(tmp_path_factory.mktemp(request.param) / "shop", request.param)


@pytest.mark.parametrize("call", REFUSED, ids=repr)
def test_schedule_job_refuses(product: CompiledArtifacts, call: tuple[str, str, str]) -> None:
    assert product.project_dir is not None
    plugin = load(product.orchestrator.name, {"project_dir": str(product.project_dir)})
    with pytest.raises(ValueError) as caught:
        plugin.schedule_job(*call)
    assert str(caught.value) == REFUSED[call]
    assert not Path(product.project_dir / "schedules.json").exists()
