"""What becomes of a file whose tasks call dbt in Bash."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_reports import report_of, short

from floe_import.bash.script import DbtScript
from floe_import.drafts import GroupDraft
from floe_import.product.products import selection
from floe_import.report import Place

NO_TESTS = "resource_type:test resource_type:unit_test"
CORPUS = Path(__file__).parents[1] / "corpus" / "bash"


def read(text: str) -> tuple[GroupDraft, list[str]]:
    draft = GroupDraft(Place("dag.py"), "task")
    script = DbtScript(text, draft)
    said = [f"{w.code} {w.verdict.disposition} {w.text}" for w in script.words]
    return draft, [each for each in said if " exact " not in each]


def test_each_task_becomes_a_job_of_its_kind_of_nodes() -> None:
    report = report_of(CORPUS / "three_tasks.py")
    assert short(report) == [
        "18 FLI110 changed product shop",
        "23 BSH602 changed BashOperator(trigger_rule=)",
    ]
    assert report.files["out/shop/floe.yaml"].endswith(
        "jobs:\n"
        "- name: seed\n"
        "  select: resource_type:seed\n"
        "  exclude: resource_type:test resource_type:unit_test\n"
        "  fullRefresh: true\n"
        "- name: run\n"
        "  select: tag:daily,resource_type:model staging+,resource_type:model\n"
        "  exclude: tag:slow resource_type:test resource_type:unit_test\n"
        "- name: test\n"
        "  select: resource_type:test resource_type:unit_test\n"
        "execution:\n"
        "  retries: 1\n"
        "  retryDelaySeconds: 300\n"
    )
    written = report.files["out/dags/three_tasks.py"]
    assert "seed = floe_task_group('/opt/dbt/shop', job='seed', group_id=\"seed\")" in written
    assert 'BashOperator(task_id="deps", bash_command=f"cd {DBT} && dbt deps")' in written
    assert "deps >> seed >> run >> test >> tell" in written


def test_what_is_more_than_calls_of_dbt_is_unknown() -> None:
    assert short(report_of(CORPUS / "one_task.py")) == [
        "12 FLI110 changed product shop",
        "12 FLI114 changed target prod",
        "14 BSH102 changed source /venv/bin/activate",
        "14 BSH107 changed dbt run && dbt test",
        "14 DBT115 changed --fail-fast",
        "23 FLI003 unknown piped",
        "23 BSH103 unknown cd /dbt && dbt build | tee log.txt",
        "24 FLI004 unknown templated",
        "25 DBT104 unknown --vars {day: {{ds}}}",
        "27 FLI004 unknown more",
        "27 BSH103 unknown aws s3 sync a b",
        "28 FLI004 unknown documented",
        "29 DBT000 unknown --invented",
        "29 BSH204 lost BashOperator(env=)",
        "31 BSH006 unknown ['dbt', 'run']",
        "36 BSH006 unknown dbt run",
        "39 BSH005 unknown piped.output",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dbt build", {}),
        ("dbt build --select a b+ --exclude tag:c", {"select": "a b+", "exclude": "tag:c"}),
        ("dbt run -s a,b", {"select": "a,b,resource_type:model", "exclude": NO_TESTS}),
        (
            "dbt --quiet run -m 'a b'",
            {"select": "a,resource_type:model b,resource_type:model", "exclude": NO_TESTS},
        ),
        ("dbt snapshot", {"select": "resource_type:snapshot", "exclude": NO_TESTS}),
        (
            "cd /p; dbt test --select=a",
            {"select": "a,resource_type:test a,resource_type:unit_test"},
        ),
        ("dbt build --selector nightly", {"selector": "nightly"}),
        (
            "dbt build --resource-type model seed",
            {"select": "resource_type:model resource_type:seed", "exclude": NO_TESTS},
        ),
        ("dbt build --exclude-resource-type test", {"exclude": "resource_type:test"}),
    ],
)
def test_a_command_becomes_a_selection(text: str, expected: dict[str, str]) -> None:
    draft, said = read(text)
    assert said == []
    assert selection(draft) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dbt run --of-tomorrow", ["DBT000 unknown --of-tomorrow"]),
        ("dbt run stray", ["DBT000 unknown stray"]),
        ("dbt run --select $TAG", ["DBT101 unknown --select $TAG"]),
        ("dbt run --select", ["DBT101 unknown --select"]),
        ("dbt run --target {{ var.value.t }}", ["DBT106 unknown --target {{var.value.t}}"]),
        ("dbt of-tomorrow", ["DBT002 unknown dbt of-tomorrow"]),
        ("dbt run || true", ["BSH103 unknown dbt run || true"]),
        ("dbt run > log", ["BSH103 unknown dbt run > log"]),
        ("(dbt run)", ["BSH103 unknown (dbt run)"]),
        ("dbt run 'open", ["BSH103 unknown dbt run 'open"]),
        ("A=1 dbt run", ["BSH104 lost A=1"]),
        ("rm -r x && dbt run", ["BSH103 unknown rm -r x"]),
        ("source .env.prod && dbt run", ["BSH104 lost source .env.prod"]),
        (
            "dbt run -s a && dbt test -s b",
            ["BSH106 unknown dbt test -s b", "BSH107 changed dbt run && dbt test"],
        ),
        ("dbt run --defer --state x", ["DBT116 lost --defer", "DBT116 lost --state x"]),
        ("dbt run --threads 4", []),
    ],
)
def test_no_word_is_silent(text: str, said: list[str]) -> None:
    assert read(text)[1] == said


@pytest.mark.parametrize(
    ("text", "disposition"),
    [
        ("dbt deps && dbt debug", "exact"),
        ("dbt docs generate", "changed"),
        ("dbt run-operation grant_all --target-path /tmp/dbt", "exact"),
        ("dbt ls --target-path=/tmp/dbt && dbt docs generate", "changed"),
    ],
)
def test_what_stays_is_not_to_replace_the_compiled_manifest(text: str, disposition: str) -> None:
    script = DbtScript(text, GroupDraft(Place("dag.py"), "task"))
    assert script.builds_nothing
    assert script.verdict_if_kept("task").disposition == disposition


def test_a_selector_that_a_command_narrows_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "dag.py"
    file.write_text(
        "from airflow.sdk import DAG\n"
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        "with DAG('d'):\n"
        "    BashOperator(task_id='t', bash_command='cd /dbt && dbt run --selector nightly')\n"
    )
    assert "4 FLI007 unknown t" in short(report_of(file))
    assert report_of(file).files == {}


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("cd dbt && dbt run && cd ..", "dbt"),
        ("cd /opt/x && dbt run; cd /tmp", "/opt/x"),
        ("cd /opt/x && cd /tmp && cd - && dbt run && cd -", "/opt/x"),
        ("export DBT_PROJECT_DIR=/opt/x && dbt run && export DBT_PROJECT_DIR=/z", "/opt/x"),
    ],
)
def test_what_comes_after_a_build_does_not_move_it(text: str, folder: str) -> None:
    draft, said = read(text)
    assert (draft.project, said) == (folder, [])


def test_builds_in_two_folders_are_unknown() -> None:
    _, said = read("cd /opt/x && dbt run && cd /opt/y && dbt test")
    assert "BSH108 unknown dbt run && dbt test" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("./gather.sh && dbt run", "give it a task of its own"),
        ("dbt run && ./gather.sh", "give it a task of its own"),
        ("./run_in.sh dbt", "no rule reads it"),
    ],
)
def test_what_is_said_of_a_program_that_is_not_dbt(text: str, said: str) -> None:
    script = DbtScript(text, GroupDraft(Place("dag.py"), "task"))
    (sentence,) = [each.verdict.sentence for each in script.words if each.code == "BSH103"]
    assert said in sentence


@pytest.mark.parametrize(
    ("env", "disposition", "folder"),
    [
        ('{"DBT_PROFILES_DIR": "/opt/profiles"}', "exact", "/opt/profiles"),
        ('{"DBT_PROFILES_DIR": "profiles"}', "lost", ""),
        ('{"DBT_PROFILES_DIR": "/opt/profiles", "A": "1"}', "lost", ""),
        ('{"A": "1"}', "lost", ""),
    ],
)
def test_the_folder_of_profiles_in_the_variables_of_a_task(
    env: str, disposition: str, folder: str, tmp_path: Path
) -> None:
    file = tmp_path / "dag.py"
    file.write_text(
        "from airflow.sdk import DAG\n"
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        "with DAG('d', catchup=False):\n"
        f"    BashOperator(task_id='t', bash_command='cd /dbt && dbt run', env={env})\n"
    )
    found = report_of(file).findings
    assert [each.disposition for each in found if each.code == "BSH204"] == [disposition]
    said = [each.sentence for each in found if each.code == "FLI116"]
    assert [folder in each for each in said] == [True] * bool(folder)
