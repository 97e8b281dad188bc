from __future__ import annotations

from floe_kubernetes.helm.values_file import value_comments, values_text

CHART = """\
# A heading, parted from what follows.

# Pods that serve
# pages.
web:
  # How many.
  replicas: 1
  list: []
# More.
env: []
"""


def test_comments_are_found_by_the_place_of_their_key():
    assert value_comments(CHART) == {
        ("web",): "Pods that serve pages.",
        ("web", "replicas"): "How many.",
        ("web", "list"): "",
        ("env",): "More.",
    }


def test_values_are_written_under_their_comments():
    values = {"web": {"replicas": 2, "list": [{"a": "1"}]}, "env": [], "labels": {}}
    assert values_text(values, value_comments(CHART), ["One.", "Two."]) == (
        "# One.\n"
        "# Two.\n"
        "\n"
        "# Pods that serve pages.\n"
        "web:\n"
        "  # How many.\n"
        "  replicas: 2\n"
        "  list:\n"
        "    - a: '1'\n"
        "# More.\n"
        "env: []\n"
        "labels: {}\n"
    )
