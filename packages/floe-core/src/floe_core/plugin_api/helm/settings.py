"""The settings for `get_helm_values`: `plugins.orchestrator.config.helm`, completed by core."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from floe_core.foundation.errors import invalid
from floe_core.schemas.frozen import Name, ShortText, SnakeModel
from floe_core.schemas.manifest_yaml import ResourcePreset
from floe_core.schemas.reading import validate
from floe_core.schemas.resources import ResourceSpec
from floe_core.storage.environment_choice import ENVIRONMENT_VARIABLE
from floe_core.user_yaml.source_map import Document, Location, Spot

SECTION = "plugins.orchestrator.config.helm"
Size = Literal["small", "medium", "large"]
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*(:\w[\w.-]*|@sha256:[0-9a-f]{64})", re.ASCII)


def _check_image(image: str) -> str:
    """Return the image; a tag or a digest there must be, or tomorrow's run is not today's test."""
    if not _IMAGE.fullmatch(image):
        example = "registry.example.com/shop:1.0.0"
        raise ValueError(f"{image!r} is not an image with a tag or a digest, such as {example}")
    return image


def _check_store(place: str) -> str:
    """Return the place of changed schedules; a chart's values hold no secret and no variable."""
    if place.startswith("env:") or urlsplit(place).password:
        raise ValueError(
            "everyone can read the values of a chart, and a reference means nothing there: leave "
            "this out, and give the pods FLOE_SCHEDULE_STORE from a Secret (`extraEnv`)"
        )
    return place


ImageName = Annotated[str, AfterValidator(_check_image)]
StorePlace = Annotated[str, AfterValidator(_check_store)]
Port = Annotated[int, Field(ge=1, le=65535)]
Settings = TypeVar("Settings", bound="HelmSettings")


class SecretKey(SnakeModel):
    """One key of a Secret that is in the cluster. A chart of floe's holds no secret itself."""

    name: ShortText
    key: ShortText

    def chart_values(self) -> dict[str, Any]:
        """Return it as a chart takes it."""
        return {"existingSecret": self.name, "key": self.key}


class HelmProduct(SnakeModel):
    """A product on the cluster: the image that carries its compiled folder, and its own size."""

    name: Name
    image: ImageName
    size: Size | None = None


class HelmPostgres(SnakeModel):
    """The orchestrator's own database."""

    host: ShortText
    port: Port = 5432
    database: ShortText
    user: ShortText
    password: SecretKey


class HelmLineage(SnakeModel):
    """Where lineage events go. Without `url` the pods use the setting of the product's image."""

    enabled: bool = True
    url: str = ""
    api_key: SecretKey | None = None

    def chart_values(self) -> dict[str, Any]:
        """Return `openLineage` of a chart's values."""
        key = {"apiKey": self.api_key.chart_values()} if self.api_key else {}
        return {"enabled": self.enabled, "url": self.url, **key}


class HelmTracing(SnakeModel):
    """Where OpenTelemetry spans go: an OTLP endpoint that the pods reach; "" for nowhere."""

    endpoint: str = ""
    headers: SecretKey | None = None

    def chart_values(self) -> dict[str, Any]:
        """Return `openTelemetry` of a chart's values."""
        headers = {"headers": self.headers.chart_values()} if self.headers else {}
        return {"endpoint": self.endpoint, **headers}


class HelmAutoscaling(SnakeModel):
    """Replicas of the web component, by the CPU it uses in percent of its request."""

    min_replicas: Annotated[int, Field(ge=1)] = 2
    max_replicas: Annotated[int, Field(ge=2)] = 4
    target_cpu_percent: Annotated[int, Field(ge=1, le=100)] = 80

    def chart_values(self) -> dict[str, Any]:
        """Return `autoscaling` of a component of a chart."""
        return {
            "enabled": True,
            "minReplicas": self.min_replicas,
            "maxReplicas": self.max_replicas,
            "targetCPUUtilizationPercentage": self.target_cpu_percent,
        }


def _each_once(products: tuple[HelmProduct, ...]) -> tuple[HelmProduct, ...]:
    names = [product.name for product in products]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} is listed more than once")
    return products


class HelmSettings(SnakeModel):
    """The keys that every chart of floe's has. A plugin extends it by its own.

    `image` is that of the orchestrator's own components. `replicas` and `autoscaling` are of the
    component that serves pages; None leaves them to the size. `environment` is the manifest's
    one that the pods are in; `floe helm --env` sets it. `warehouse_ports` are those of warehouses
    and sources, `alert_ports` those of receivers and of the store of alerts, `ledger_ports` those
    of the ledger; `floe helm` adds them.
    `step_pods` lets runs start pods for steps; `floe helm` sets it where a product has such steps.
    """

    size: Size = "small"
    products: Annotated[tuple[HelmProduct, ...], AfterValidator(_each_once)] = Field(
        (), strict=False
    )
    image: ImageName | None = None
    image_template: ShortText = "{name}:{version}"
    environment: str = ""
    image_pull_secrets: tuple[ShortText, ...] = Field((), strict=False)
    replicas: Annotated[int, Field(ge=1)] | None = None
    autoscaling: HelmAutoscaling | None = None
    postgres: HelmPostgres | None = None
    lineage: HelmLineage = HelmLineage()
    warehouse_ports: tuple[Port, ...] = Field((), strict=False)
    alert_ports: tuple[Port, ...] = Field((), strict=False)
    ledger_ports: tuple[Port, ...] = Field((), strict=False)
    step_pods: bool = False
    tracing: HelmTracing = HelmTracing()


def helm_settings(
    model: type[Settings], settings: Mapping[str, Any], document: Document | None = None
) -> Settings:
    """Return the part `helm` of a plugin's settings.

    `document` is the manifest they came from, so that a problem is reported at its line.

    Raises:
        InvalidProductError: With every problem, each with the key's path.
    """
    given = settings.get("helm") or {}
    if not isinstance(given, Mapping):
        raise invalid("is not a mapping", "write a mapping: {key: value}", SECTION)
    return validate(document or _without_lines(given), model, given)


def environment_values(settings: HelmSettings) -> dict[str, Any]:
    """Return `extraEnv` of a chart's values, which puts its pods into an environment."""
    if not settings.environment:
        return {}
    return {"extraEnv": [{"name": ENVIRONMENT_VARIABLE, "value": settings.environment}]}


def network_values(settings: HelmSettings, **of_chart: tuple[int, ...]) -> dict[str, Any]:
    """Return `networkPolicy` of a chart's values: what products reach.

    `of_chart` are ports that only this chart has, by their names in its values.
    """
    ports = {
        **of_chart,
        "warehousePorts": settings.warehouse_ports,
        "alertPorts": settings.alert_ports,
        "ledgerPorts": settings.ledger_ports,
    }
    given = {name: list(each) for name, each in ports.items() if each}
    return {"networkPolicy": given} if given else {}


def step_pod_values(settings: HelmSettings, resources: ResourceSpec) -> dict[str, Any]:
    """Return `stepPods` of a chart's values, where runs start pods for steps with `resources`."""
    if not settings.step_pods:
        return {}
    return {"stepPods": {"enabled": True, "resources": resources_block(resources)}}


def image_parts(image: str) -> dict[str, str]:
    """Return an image as charts take it.

    >>> image_parts("localhost:5000/data/shop:1.2")
    {'repository': 'localhost:5000/data/shop', 'tag': '1.2', 'digest': ''}
    >>> image_parts("shop@sha256:00")
    {'repository': 'shop', 'tag': '', 'digest': 'sha256:00'}
    """
    named, _, digest = image.partition("@")
    repository, colon, tag = named.rpartition(":")
    if not colon or "/" in tag:
        repository, tag = named, ""
    return {"repository": repository, "tag": tag, "digest": digest}


def resources_block(spec: ResourceSpec | ResourcePreset) -> dict[str, dict[str, str]]:
    """Return resources as Kubernetes spells them in a container."""
    return {
        "requests": {"cpu": spec.cpu_request, "memory": spec.memory_request},
        "limits": {"cpu": spec.cpu_limit, "memory": spec.memory_limit},
    }


def _without_lines(data: Mapping[str, Any]) -> Document:
    spots = dict.fromkeys(_locations(data), Spot(0, 0, 0, 0))
    return Document(Path(SECTION), SECTION, dict(data), spots, [])


def _locations(data: Any, at: Location = ()) -> Iterator[Location]:
    yield at
    if isinstance(data, Mapping):
        for key, value in data.items():
            yield from _locations(value, (*at, key))
    elif isinstance(data, list | tuple):
        for index, value in enumerate(data):
            yield from _locations(value, (*at, index))
