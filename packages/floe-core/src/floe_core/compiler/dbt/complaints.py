"""Turn the errors of dbt's parse into problems in the project's files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from glob import escape
from pathlib import Path

from floe_core.compiler.profile import Profile
from floe_core.dbt.messages import text_of_error
from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor

# A program writes its messages to its log as JSON, and no others. dbt 2 ignores both variables.
JSON_LOG_OF_WARNINGS: Mapping[str, str] = {
    "DBT_LOG_FORMAT_FILE": "json",
    "DBT_LOG_LEVEL_FILE": "warn",
}


def warnings_in_log(file: Path) -> Iterator[str]:
    """Yield the warnings that a dbt program has written into its log, which may be missing."""
    if not file.is_file():
        return
    for line in file.read_text("utf-8", errors="replace").splitlines():
        try:
            info = json.loads(line)["info"]
        except (ValueError, KeyError, TypeError):
            continue
        if info.get("level") == "warn":
            yield str(info.get("msg", ""))


_FILE_IN_MESSAGE = re.compile(
    r"(?:\(|schema file at |given in )((?:[\w.-]+/)*[\w.-]+\.(?:sql|ya?ml|py|csv|md))(?=[ )])"
)
# Relative to one of the project's folders.
_FILE_IN_FOLDER = re.compile(r"Error reading \w+: (.+?\.ya?ml) - ")
# Where YAML cannot be read. The lines that Jinja counts begin after the file's empty lines.
_SPOT = re.compile(r"line (\d+), column (\d+)\s*\Z")
# dbt 2 lists its errors in sequence, each with a code, a location and a stack.
_ERROR = re.compile(
    r"^\[error\] (\[\w+ \(dbt\d+\)\]: .*?)(?=^\[(?:error|warning)\] |^===|\Z)", re.M | re.S
)
_PLACE = re.compile(r"^ *--> (\S+):(\d+):(\d+)$", re.M)
_PLACE_IN_TEXT = re.compile(r"\n *\(in \S+:\d+:\d+\)(?=\n|$)")
_UNKNOWN_REF = re.compile(
    r"depends on a node named '(\w+)' in package or project '(\w+)' which was not found"
)
_DEPS = "dbt deps"
_FIX = "fix the dbt project; `dbt parse` reports the same"
# Compile writes this file to the models folder for a dbt that may not have floe's plugin.
SOURCES_FILE = "floe_upstream_ports.yml"


class MissingPackagesError(InvalidProductError):
    """Packages that the project names are not installed."""


def in_dbts_words(message: str, project: Path, profile: Profile) -> InvalidProductError:
    """Return dbt's errors, each located in the project file that it names."""
    message = Redactor(known_secrets(profile.output).values()).text(message)
    errors = _ERROR.findall(message)
    if errors:
        return InvalidProductError([_problem(error, project) for error in errors])
    text = "\n".join(line.rstrip() for line in message.strip().splitlines())
    file, line, column = _place_in(text, project)
    kind = MissingPackagesError if _DEPS in text else InvalidProductError
    excerpt = _line(project / file, line)
    return kind([Problem(f"dbt: {text}", _fix(text, project), file, line, column, excerpt)])


def _place_in(text: str, project: Path) -> tuple[str, int, int]:
    """Return the file that an error of dbt 1 names, and line and column, 0 where it has none."""
    named, within = _FILE_IN_MESSAGE.search(text), _FILE_IN_FOLDER.search(text)
    files = [named[1]] if named else []
    found = project.glob(f"*/{escape(within[1])}") if within else ()
    files += [str(path.relative_to(project)) for path in found]
    if len(files) != 1:
        return "dbt_project.yml", 0, 0
    spot = _SPOT.search(text)
    return files[0], int(spot[1]) if spot else 0, int(spot[2]) if spot else 0


def _problem(error: str, project: Path) -> Problem:
    """Return one error of dbt 2."""
    text = text_of_error(error)
    place = _PLACE.search(text)
    what = _PLACE_IN_TEXT.sub("", _PLACE.sub("", text)).rstrip()
    if place is None:
        return Problem(f"dbt: {what}", _fix(what, project), "dbt_project.yml")
    file, line, column = place[1], int(place[2]), int(place[3])
    excerpt = _line(project / file, line)
    return Problem(f"dbt: {what}", _fix(what, project), file, line, column, excerpt)


def _line(path: Path, number: int) -> str:
    lines = path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _fix(text: str, project: Path) -> str:
    if _DEPS in text:
        return "run `dbt deps` in the product's folder"
    unknown = _UNKNOWN_REF.search(text)
    if unknown and any(project.glob(f"*/{SOURCES_FILE}")):
        source = f"{{{{ source('{unknown[2]}', '{unknown[1]}') }}}}"
        return f"this dbt lacks floe's plugin; read an input port by {source}"
    return _FIX
