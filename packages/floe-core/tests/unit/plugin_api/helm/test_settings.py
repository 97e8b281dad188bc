from __future__ import annotations

import pytest

from floe_core.foundation.errors import InvalidProductError
from floe_core.plugin_api.helm.settings import HelmSettings, helm_settings, image_parts

SHOP = {"name": "shop", "image": "registry.example.com/shop:1.0.0"}


def refusal(helm: object) -> str:
    with pytest.raises(InvalidProductError) as caught:
        helm_settings(HelmSettings, {"helm": helm})
    return str(caught.value)


def test_without_settings_there_are_the_defaults():
    assert helm_settings(HelmSettings, {}) == HelmSettings()


def test_a_product_may_have_a_size_of_its_own():
    settings = helm_settings(HelmSettings, {"helm": {"products": [{**SHOP, "size": "large"}]}})
    [product] = settings.products
    assert (settings.size, product.size) == ("small", "large")


def test_everything_wrong_is_told_at_once():
    assert refusal({"sise": "small", "replicas": 0, "products": [{"image": "shop"}]}) == (
        "plugins.orchestrator.config.helm: products.0 lacks the key 'name'\n"
        "fix: add 'name:'\n"
        "\n"
        "plugins.orchestrator.config.helm: products.0.image: 'shop' is not an image with a tag or a "
        "digest, such as registry.example.com/shop:1.0.0\n"
        "\n"
        "plugins.orchestrator.config.helm: replicas: 0 is less than 1\n"
        "fix: write a larger number\n"
        "\n"
        "plugins.orchestrator.config.helm: unknown key 'sise'\n"
        "fix: did you mean 'size'?"
    )


def test_a_product_stands_there_once():
    assert refusal({"products": [SHOP, SHOP]}) == (
        "plugins.orchestrator.config.helm: products: shop is listed more than once"
    )


def test_ports_are_a_list_of_ports():
    assert refusal({"alert_ports": [70000], "ledger_ports": 5432}) == (
        "plugins.orchestrator.config.helm: alert_ports.0: 70000 is more than 65535\n"
        "fix: write a smaller number\n"
        "\n"
        "plugins.orchestrator.config.helm: ledger_ports: 5432 is no list\n"
        "fix: write a list: [a, b]"
    )


def test_it_is_a_mapping():
    assert refusal("small") == (
        "plugins.orchestrator.config.helm: is not a mapping\nfix: write a mapping: {key: value}"
    )


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("shop:1", ("shop", "1", "")),
        ("localhost:5000/data/shop:1.2", ("localhost:5000/data/shop", "1.2", "")),
        (f"shop@sha256:{'a' * 64}", ("shop", "", f"sha256:{'a' * 64}")),
        (f"r.io/shop:1@sha256:{'a' * 64}", ("r.io/shop", "1", f"sha256:{'a' * 64}")),
    ],
)
def test_an_image_is_taken_apart(image, parts):
    assert tuple(image_parts(image).values()) == parts
    assert helm_settings(HelmSettings, {"helm": {"image": image}}).image == image


@pytest.mark.parametrize(
    "image", ["shop", "localhost:5000/shop", "shop:", "Shop:1", "a b:1", "shop@sha256:0"]
)
def test_an_image_without_tag_or_digest_is_none(image):
    assert "is not an image" in refusal({"image": image})
