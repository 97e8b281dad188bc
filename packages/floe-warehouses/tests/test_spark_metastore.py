"""Sessions in other folders find the metastore beside production."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler.profile import Profile
from floe_parity.sides.scratch import sharing_files

URL = "javax.jdo.option.ConnectionURL"


def profile(method: str = "session", **settings: str) -> Profile:
    output: dict[str, Any] = {"type": "spark", "method": method}
    if settings:
        output["server_side_parameters"] = settings
    return Profile("shop", "dev", output, ".")


def settings_of(led: Profile) -> dict[str, str]:
    return dict(led.output.get("server_side_parameters") or {})


@pytest.mark.parametrize(
    ("settings", "folder", "name"),
    [
        ({}, "metastore_db", f"spark.hadoop.{URL}"),
        ({"spark.master": "local[1]"}, "metastore_db", f"spark.hadoop.{URL}"),
        ({URL: "jdbc:derby:;databaseName=own/store;create=true"}, "own/store", URL),
    ],
)
def test_a_folder_is_named_by_its_whole_path(
    settings: dict[str, str], folder: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    led = sharing_files(profile(**settings), profile(**settings), tmp_path)
    url = f"jdbc:derby:;databaseName={tmp_path / folder};create=true"
    assert settings_of(led) == {**settings, name: url}


@pytest.mark.parametrize(
    ("given", "has_folder"),
    [
        (profile(), False),
        (profile("thrift"), True),
        (profile(**{"spark.hadoop.hive.metastore.uris": "thrift://metastore:9083"}), True),
        (profile(**{URL: "jdbc:postgresql://host/metastore"}), True),
    ],
    ids=["no folder", "a server", "a metastore's server", "a database"],
)
def test_a_metastore_elsewhere_stays_where_it_is(
    given: Profile, has_folder: bool, tmp_path: Path
) -> None:
    if has_folder:
        (tmp_path / "metastore_db").mkdir()
    assert sharing_files(given, given, tmp_path) == given
