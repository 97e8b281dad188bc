"""Where nothing can start early, the command goes on without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from plain_shop import FLOE

from floe_core import plugin_registry
from floe_core.cli.early_start import start_early
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunLauncher, UncompiledProduct
from floe_core.schemas.artifacts_reader import COPY_MARK

FILES = {
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "manifest.yaml": "apiVersion: floe.dev/v1\nkind: Manifest\n"
    "metadata: {name: platform, version: 1.0.0}\n"
    "plugins:\n  orchestrator: {type: paper}\n  compute: {type: duckdb}\n",
    "floe.yaml": FLOE,
}


class Early:
    """A plugin that notes what it starts."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def launch_run(self, *options: Any) -> Any:
        raise NotImplementedError

    @contextmanager
    def start_early(self, product: UncompiledProduct) -> Iterator[RunLauncher]:
        self.told.append(product)
        yield self
        self.told.append("ended")


class Busy(Early):
    """One whose orchestrator is in use."""

    @contextmanager
    def start_early(self, product: UncompiledProduct) -> Iterator[RunLauncher]:
        raise EnvironmentProblemError("another run uses it")
        yield self


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(plugin_registry, "installed", lambda: ["paper"])
    return tmp_path


def use(plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_registry, "load", lambda name, settings: plugin)


@pytest.mark.parametrize(
    ("execution", "imports"),
    [("", ("dbt.cli.main",)), ("execution: {dbtExecutable: dbt2}\n", ())],
)
def test_a_plugin_starts_early_what_it_can(
    execution: str, imports: tuple[str, ...], shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = Early()
    use(plugin, monkeypatch)
    (shop / "floe.yaml").write_text(FLOE + execution)
    with start_early(shop, None) as started:
        assert started is plugin
        assert plugin.told == [UncompiledProduct(shop, "shop", imports)]
    assert plugin.told[1:] == ["ended"]


@pytest.mark.parametrize("plugin", [object(), Busy()])
def test_a_plugin_that_cannot_starts_nothing(
    plugin: object, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(plugin, monkeypatch)
    with start_early(shop, None) as started:
        assert started is None


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("floe.yaml", "kind: Nothing\n"),
        ("manifest.yaml", FILES["manifest.yaml"].replace("paper", "clay")),
        (COPY_MARK, ""),
    ],
)
def test_nothing_starts_for_a_product_that_cannot_compile_or_is_a_copy(
    file: str, text: str, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = Early()
    use(plugin, monkeypatch)
    (shop / file).parent.mkdir(exist_ok=True)
    (shop / file).write_text(text)
    with start_early(shop, None) as started:
        assert started is None
    assert plugin.told == []
