"""What the user says of the process that reads a file: its environment, and Airflow's Variables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from floe_import.python.values import REFERENCE, EnvText, Unknown, Value
from floe_import.report import Place


@dataclass
class GivenValues:
    """Name -> value; "" for a variable of the environment that is not set.

    `used` are the values that decided something, as options of the command, and where they did.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    used: dict[str, set[Place]] = field(default_factory=dict)

    def text(self, text: EnvText, place: Place) -> str | Unknown:
        """Return a text with the values of the variables that are in it."""
        missing = [name for name, _ in REFERENCE.findall(text) if name not in self.environment]
        if missing:
            why = f"`{missing[0]}` is an environment variable: give its value by --env"
            return Unknown(f"{why} {missing[0]}=VALUE", place)
        return REFERENCE.sub(lambda found: self._value(found, place), text)

    def _value(self, found: re.Match[str], place: Place) -> str:
        name, value = found[1], self.environment[found[1]]
        self._use(place, f"--env {name}={value}")
        return value or found[2] or ""

    def variable(self, name: str, is_json: bool, place: Place) -> Value:
        """Return the value of a Variable of Airflow."""
        if name not in self.variables:
            why = f"`{name}` is an Airflow Variable: give its value by --variable {name}=VALUE"
            return Unknown(why, place)
        value = self.variables[name]
        try:
            found = json.loads(value) if is_json else value
        except ValueError:
            return Unknown(f"the value of --variable {name} is not JSON", place)
        self._use(place, f"--variable {name}={value}")
        return found

    def _use(self, place: Place, option: str) -> None:
        self.used.setdefault(option, set()).add(place)

    def unused(self) -> list[str]:
        """Return the options whose values no file asked for."""
        given = [f"--env {name}={value}" for name, value in self.environment.items()]
        given += [f"--variable {name}={value}" for name, value in self.variables.items()]
        return [each for each in given if each not in self.used]
