"""Read a document of the Open Data Contract Standard, as far as it promises columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict, Field

from floe_core.foundation.errors import InvalidProductError, Problem, UsageError
from floe_core.foundation.service_probe import without_secrets
from floe_core.schemas.reading import validate
from floe_core.storage.objects import Objects, ObjectsError
from floe_core.user_yaml.source_map import Document, read_document

SUFFIXES = (".yaml", ".yml")
KIND = "DataContract"
# Version 2 had other keys for the columns.
_VERSIONS = re.compile(r"v3\.[01]\.\d+")
_OTHER_STANDARD = "dataContractSpecification"


class _Part(BaseModel):
    # The standard has many more keys, which promise nothing about columns.
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)


class ContractColumn(_Part):
    """A column; its type is that of a warehouse, or one of the standard's, or both."""

    name: str
    physical_name: str = Field("", alias="physicalName")
    physical_type: str = Field("", alias="physicalType")
    logical_type: str = Field("", alias="logicalType")
    required: bool = False
    unique: bool = False
    primary_key: bool = Field(False, alias="primaryKey")

    @property
    def column(self) -> str:
        """The name that it has in the warehouse."""
        return self.physical_name or self.name


class ContractRelation(_Part):
    """A table or view."""

    name: str
    physical_name: str = Field("", alias="physicalName")
    properties: list[ContractColumn] = []


class _Server(_Part):
    kind: str = Field("", alias="type")


class Contract(_Part):
    """A contract, and the relations that it is about."""

    api_version: str = Field(alias="apiVersion")
    kind: str
    contract_id: str = Field("", alias="id")
    name: str = ""
    version: str = ""
    relations: list[ContractRelation] = Field(alias="schema")
    servers: list[_Server] = []

    @property
    def label(self) -> str:
        """What to call it."""
        return self.contract_id or self.name or "contract"

    @property
    def adapters(self) -> set[str]:
        """The kinds of warehouse that it names, by which its physical types are spelled."""
        return {each.kind.lower() for each in self.servers if each.kind}


def is_contract(place: str) -> bool:
    """Return whether a place is a contract, and not a compilation."""
    return place.lower().endswith(SUFFIXES)


def read_contract(place: str) -> Contract:
    """Return the contract in a file or at an fsspec URL.

    Raises:
        InvalidProductError: It is none; lists every problem, each at its place.
        UsageError: There is no such file or object.
    """
    if "://" not in place:
        if not Path(place).is_file():
            raise UsageError(f"{place}: there is no such file; name a contract, or a compilation")
        return _contract_in(read_document(Path(place), place))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "contract.yaml"
        file.write_bytes(_fetch(place))
        return _contract_in(read_document(file, _shown(place)))


def _fetch(url: str) -> bytes:
    folder, _, name = url.rpartition("/")
    try:
        content = Objects(folder).read(name)
    except ObjectsError as error:
        raise UsageError(error.explain(_shown(url))) from None
    if content is None:
        raise UsageError(f"{_shown(url)}: there is no such object")
    return content


def _shown(url: str) -> str:
    folder, _, name = url.rpartition("/")
    return f"{without_secrets(folder)}/{name}"


def _contract_in(document: Document) -> Contract:
    """Return the contract; what it is comes first, since another standard has other keys."""
    if problems := list(_other_kinds(document)):
        raise InvalidProductError(problems)
    found = validate(document, Contract, document.data)
    if problems := list(_without_columns(document, found)):
        raise InvalidProductError(problems)
    return found


def _other_kinds(document: Document) -> Iterator[Problem]:
    data = document.data
    if _OTHER_STANDARD in data:
        what = "this is a Data Contract Specification, not an Open Data Contract Standard document"
        fix = "convert it: `datacontract export odcs`"
        yield document.problem((_OTHER_STANDARD,), what, fix, at_key=True)
        return
    if data.get("kind", KIND) != KIND:
        what = f"kind {data['kind']!r} is not a contract"
        yield document.problem(("kind",), what, f"floe compares documents of kind {KIND}")
    version = data.get("apiVersion")
    if isinstance(version, str) and not _VERSIONS.fullmatch(version):
        what = f"apiVersion {version!r} of the standard is not known here"
        yield document.problem(("apiVersion",), what, "known are v3.0.x and v3.1.x")


def _without_columns(document: Document, contract: Contract) -> Iterator[Problem]:
    if not contract.relations:
        what = "the schema has no relation, so there is nothing to compare"
        yield document.problem(("schema",), what, "add one with its properties")
    for number, relation in enumerate(contract.relations):
        if not relation.properties:
            what = f"{relation.name} has no properties, so it promises no column"
            yield document.problem(("schema", number), what, "add a property for each column")
        seen: set[str] = set()
        for place, column in enumerate(relation.properties):
            if column.column.lower() in seen:
                where = ("schema", number, "properties", place)
                what = f"{relation.name} has two columns {column.column}"
                yield document.problem(where, what, "remove one")
            seen.add(column.column.lower())
