"""What a script of Bash does with dbt: each of its commands has a verdict."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import PurePosixPath

from floe_import.bash.shell import SimpleCommand, UnreadableCommandError, simple_commands
from floe_import.dbt_commands.command_line import BUILDS, OTHERS, Word, read_command
from floe_import.dbt_commands.flags import use_executable
from floe_import.drafts import GroupDraft
from floe_import.python.values import LocalPath
from floe_import.report import Verdict, changed, exact, lost, unknown

CALLS_DBT = re.compile(r"\bdbt\b(?!\.|/|_)")
_RUNNERS = (("poetry", "run"), ("uv", "run"), ("pipenv", "run"), ("pdm", "run"))
_SAYS = ("echo", "set", "pwd", "ls", "true", ":", "date", "mkdir", "printf", "which")
_UNREAD = unknown("no rule reads it: decide what it is to become")
_TASK_OF_ITS_OWN = unknown(
    "the task does more than call dbt: give it a task of its own, and import again"
)
_WITHOUT_PARSING = ("deps", "debug")
_FOLDERS = {"DBT_PROFILES_DIR": "profiles_dir", "DBT_PROJECT_DIR": "project"}


class DbtScript:
    """The verdicts of a script; `builds` are its commands that build nodes.

    It `calls_others` if it has commands of dbt that build none, and `changes_manifest` if one
    of them replaces or deletes target/manifest.json.
    """

    def __init__(self, text: str, draft: GroupDraft, folder: str = "") -> None:
        self.words: list[Word] = []
        self.builds: list[str] = []
        self.calls_others = False
        self.changes_manifest = False
        self._draft, self._folder, self._folder_before = draft, folder, folder
        # Of each build: the folder, and what it and the variables before it say of others.
        self._places: list[tuple[str, str, str]] = []
        self._local = text.local if isinstance(text, LocalPath) else ()
        self._is_first = True
        try:
            commands = simple_commands(text)
        except UnreadableCommandError as error:
            self._say("BSH103", text.strip(), unknown(f"{error}: decide what it is to become"))
            return
        for command in commands:
            self._read(command)
        self._settle()

    @property
    def builds_nothing(self) -> bool:
        """Whether it surely builds no node."""
        is_unread = any(each.verdict.disposition == "unknown" for each in self.words)
        return not self.builds and (self.calls_others or not is_unread)

    def verdict_if_kept(self, what: str) -> Verdict:
        """Return the verdict about a task or call, `what`, that stays as it builds nothing."""
        if not self.changes_manifest:
            return exact(f"it builds nothing: the {what} stays as it is")
        return changed(
            f"it builds nothing: the {what} stays; give its dbt command a `--target-path` of its "
            "own, since it replaces or deletes target/manifest.json, which `floe compile` writes"
        )

    def _say(self, code: str, text: str, verdict: Verdict) -> None:
        self.words.append(Word(code, text, verdict))

    def _read(self, command: SimpleCommand) -> None:
        command = replace(command, words=tuple(map(self._word, command.words)))
        for name, value in command.variables:
            self._variable(name, value)
        if not command.words:
            return
        program, *rest = command.words
        if (words := dbt_words(command.words)) is not None:
            self._dbt(words, command)
        elif program == "cd" and len(rest) == 1:
            self._change_folder(rest[0])
            self._say("BSH101", command.text, exact("the folder of the product"))
        elif program == "export" and rest and all("=" in each for each in rest):
            for each in rest:
                self._variable(*each.split("=", 1))
        elif program in ("source", ".") and rest and "activate" in rest[0]:
            said = "floe runs the dbt installed beside it, or the one in `execution.dbtExecutable`"
            self._say("BSH102", command.text, changed(said))
        elif program in ("source", ".") and rest and PurePosixPath(rest[0]).name.startswith(".env"):
            said = "set its variables where `floe compile` runs and on the workers"
            self._say("BSH104", command.text, lost(said))
        elif program in _SAYS:
            self._say("BSH101", command.text, exact("it changes nothing that dbt reads"))
        else:
            self._say("BSH103", command.text, _UNREAD)

    def _change_folder(self, name: str) -> None:
        folder = self._folder_before if name == "-" else str(PurePosixPath(self._folder) / name)
        self._folder, self._folder_before = folder, self._folder

    def _word(self, word: str) -> str:
        """Return a word of the script, which may have a path of this machine in it."""
        local = [path for path in self._local if path in word]
        return LocalPath(word, local) if local else word

    def _variable(self, name: str, value: str) -> None:
        if name in _FOLDERS:
            setattr(self._draft, _FOLDERS[name], value)
            self._say("BSH104", f"{name}={value}", exact("floe finds the files as dbt does"))
        else:
            said = "set it where `floe compile` runs and on the workers: floe sets no variables"
            self._say("BSH104", f"{name}={value}", lost(said))

    def _dbt(self, words: list[str], command: SimpleCommand) -> None:
        if (program := _program(command.words)) != "dbt":
            self._say("BSH105", program, self._executable(program))
        before = _copy_of(self._draft)
        found = list(read_command(words, self._draft))
        self.words += found
        name = next(iter(found[0].text.split()[1:]), "")
        if name not in BUILDS:
            self.calls_others |= name in OTHERS
            has_own_target = any(each.startswith("--target-path") for each in words)
            self.changes_manifest |= name not in _WITHOUT_PARSING and not has_own_target
            return
        self.builds.append(name)
        self._places.append((self._folder, self._draft.project, self._draft.profiles_dir))
        if not self._is_first and _selects(self._draft) != _selects(before):
            said = "the commands of one task select different nodes: give each a task of its own"
            self._say("BSH106", command.text, unknown(said))
        self._is_first = False

    def _executable(self, program: str) -> Verdict:
        if program.startswith("/") and "$" not in program:
            return use_executable(program, self._draft)
        said = "floe runs the dbt installed beside it, or the one in `execution.dbtExecutable`"
        return changed(f"{said}, and not {program}")

    def _settle(self) -> None:
        """Let several commands of one task be one build, and give the project its folder."""
        draft = self._draft
        if self._places:
            self.words = [
                replace(each, verdict=_TASK_OF_ITS_OWN) if each.verdict is _UNREAD else each
                for each in self.words
            ]
            # What comes after a build does not matter to it.
            self._folder, draft.project, draft.profiles_dir = self._places[0]
        if len({*self._places}) > 1:
            said = (
                "its commands run in different folders or with different profiles: give each a task"
            )
            self._say("BSH108", " && ".join(f"dbt {name}" for name in self.builds), unknown(said))
        if not draft.project:
            draft.project = self._folder
        elif not draft.project.startswith(("/", "$")) and self._folder:
            draft.project = str(PurePosixPath(self._folder) / draft.project)
        if draft.profiles_dir and not draft.profiles_dir.startswith(("/", "$")):
            draft.profiles_dir = str(PurePosixPath(draft.project) / draft.profiles_dir)
        if len(self.builds) < 2:
            return
        kinds = [kind for name in self.builds for kind in BUILDS[name]]
        draft.only = () if "build" in self.builds else tuple(dict.fromkeys(kinds))
        said = (
            "one build does all of them, in the order of the graph: a test runs after the "
            "model that "
            "it tests, and holds back what depends on it if it fails; before, each command "
            "did all of "
            "its work before the next one began"
        )
        self._say("BSH107", " && ".join(f"dbt {name}" for name in self.builds), changed(said))


def dbt_words(words: tuple[str, ...]) -> list[str] | None:
    """Return the words after `dbt` of a command that calls dbt, None for any other.

    >>> dbt_words(("/venv/bin/dbt", "run")), dbt_words(("uv", "run", "dbt", "test"))
    (['run'], ['test'])
    """
    rest = list(words)
    for runner in _RUNNERS:
        if tuple(rest[:2]) == runner:
            rest = rest[2:]
    return rest[1:] if rest and PurePosixPath(rest[0]).name == "dbt" else None


def _program(words: tuple[str, ...]) -> str:
    return " ".join(words[:3]) if words[0] in [each[0] for each in _RUNNERS] else words[0]


def _copy_of(draft: GroupDraft) -> GroupDraft:
    return replace(
        draft,
        select=list(draft.select),
        exclude=list(draft.exclude),
        vars=dict(draft.vars),
        execution=dict(draft.execution),
    )


def _selects(draft: GroupDraft) -> tuple[object, ...]:
    return (set(draft.select), set(draft.exclude), draft.selector, draft.full_refresh)
