"""The documents are true: commands exist, the tour of the README runs, links lead somewhere."""

import contextlib
import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple
from unittest import mock

import pytest

import copy_examples
import house
import tell_quarter
from lib.core import messages
from lib.core.messages import Message
from lib.core.root import Root

HOME = house.HOME
DOCUMENTS = sorted(
    [*HOME.glob("*.md"), *(HOME / "docs").glob("*.md"), HOME / "examples" / "README.md"]
)
READMES = [HOME / "README.md", HOME / "README_FR.md"]
MAKEFILE = "".join(path.read_text() for path in house.MAKEFILES)
TARGETS = set(re.findall(r"^([a-z][a-z-]*):.*## ", MAKEFILE, re.MULTILINE))


def name_of(path: Path) -> str:
    return path.relative_to(HOME).as_posix()


def blocks(text: str, *kinds: str) -> list[str]:
    """What stands in fenced blocks of these kinds."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for kind, block in found if kind in kinds]


def commands(path: Path) -> list[str]:
    """Each `make ...` in a block or between backquotes."""
    text = path.read_text(encoding="utf-8")
    inline = re.findall(r"`(make [^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    lines = "\n".join(blocks(text, "sh", "console", "cron", "ini")).splitlines()
    return inline + [match[0] for line in lines if (match := re.search(r"\bmake .*", line))]


def variables() -> set[str]:
    """The names that commands take: those of the Makefile, and the settings of .env."""
    listed = re.findall(r"^(?:VALUES|TYPED) := ((?:.*\\\n)*.*)", MAKEFILE, re.MULTILINE)
    settings = re.findall(r"^#? ?([A-Z_]+)=", (HOME / ".env.example").read_text(), re.MULTILINE)
    used = re.findall(r"\$\$?[{(]?(?:value )?([A-Z_]{2,})", MAKEFILE)
    return {"ROOT", *" ".join(listed).split(), *settings, *used}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_command_exists(path):
    for command in commands(path):
        unquoted = re.sub(r'(?<==)"[^"]*"', "x", command)
        words = unquoted.partition("#")[0].replace("…", "x").split()[1:]
        if "-f" in words:
            del words[words.index("-f") : words.index("-f") + 2]
        for word in words:
            if word[0] in ">;&|)(\"'":
                break
            name, equals, _ = word.strip("[].,:").partition("=")
            if equals:
                assert name in variables(), f"{command}: {name}"
            elif re.fullmatch("[a-z][a-z-]+", name):
                assert name in TARGETS, f"{command}: {name}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_link_leads_to_a_file(path):
    text = path.read_text()
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'<img src="([^"]+)"', text)
    for link in links:
        if not link.startswith(("http", "mailto:", "#")):
            assert (path.parent / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_file_that_is_named_is_there(path):
    for name in re.findall(
        r"`((?:scripts|schemas|tools|tests|docs)/[\w/.]+\.\w+)`", path.read_text()
    ):
        assert (HOME / name).exists(), name


# --- the tour of the README ----------------------------------------------------------

SCRIPTS_OF = {  # of the targets that choose among scripts, or have several
    "invoice": ("invoice_order",),
    "month": (
        "import_batch",
        "generate_invoice",
        "pack_batches",
        "reconcile",
        "send_invoices",
        "send_alerts",
    ),
    "mail": ("pack_batches", "send_invoices"),
    "reminders": ("send_reminders", "send_alerts"),
}


class Answer(NamedTuple):
    """What a command says, line by line; `french` has the French of each message in it."""

    lines: list[str]
    french: dict[str, str]


@pytest.fixture(scope="module")
def quarter(tmp_path_factory) -> dict[str, Answer]:
    """The quarter that `make demo` tells, in this process: the answers by command."""
    root = Root(tmp_path_factory.mktemp("tour") / "demo")
    copy_examples.copy(root.path)
    here = str(root.path)
    answers = {
        tell_quarter.command_of(step, "demo"): typed(root, tell_quarter.command_of(step, here))
        for step in tell_quarter.STORY
    }
    value = json.loads(blocks(READMES[0].read_text(), "json")[0])
    value["plans"][0]["items"][0]["price"] = "49,00"
    house.put_client(root, value)
    answers["make check ROOT=demo"] = typed(root, f"make check ROOT={here}")
    return answers


def typed(root: Root, command: str) -> Answer:
    """Runs the scripts of a command, which find its values where `make` puts them."""
    program, target, *words = shlex.split(command)
    if program == "cp":
        for path in HOME.glob(target):
            shutil.copy(path, words[0])
        return Answer([], {})
    values = dict(word.split("=", 1) for word in words)
    assert values.pop("ROOT") == str(root.path)
    french: dict[str, str] = {}

    def shown(message: Message) -> str:
        text = messages.render(message, messages.ENGLISH)
        french[spaced(text)] = spaced(messages.render(message, messages.FRENCH))
        return text

    of_target = re.search(rf"^{target}:.*\n\t@\$\(SCRIPT\)/(\w+)\.py", MAKEFILE, re.MULTILINE)
    scripts = SCRIPTS_OF.get(target) or (of_target and of_target[1],)
    said = ""
    with (
        mock.patch.dict(os.environ, {**values, "TYPED": " ".join(values)}),
        mock.patch.object(Message, "__str__", shown),
        contextlib.chdir(HOME),
    ):
        for script in scripts:
            options = {"command": target} if script == "send_alerts" else {}
            ran = house.call(script, root, **options)
            assert (ran.code != 0) == (target == "check"), (command, ran)
            said += ran.out + ran.err
    lines = said.replace(str(root.path), "demo").splitlines()
    return Answer([spaced(line) for line in lines], french)


def spaced(line: str) -> str:
    """A line with one space between words; how long it took differs from run to run."""
    return re.sub(r"\b(in|en) \d+ s$", r"\1 9 s", re.sub(r"  +", "  ", line.strip()))


def steps(path: Path) -> list[tuple[str, list[str]]]:
    """Each command of the console blocks with the output that is shown beneath it."""
    found: list[tuple[str, list[str]]] = []
    for line in "\n".join(blocks(path.read_text(encoding="utf-8"), "console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:].partition("#")[0].rstrip(), []))
        elif line:
            found[-1][1].append(spaced(line))
    return found


def test_the_readme_shows_the_demo(quarter):
    for command, shown in steps(READMES[0]):
        for line in shown:
            assert line in quarter[command].lines, command
    told = [tell_quarter.command_of(step, "demo") for step in tell_quarter.STORY]
    shown_commands = [command for command, _ in steps(READMES[0])][1:]
    assert shown_commands == [command for command in told if command in shown_commands]


def test_the_french_readme_shows_the_demo_in_french(quarter):
    for (command, english), (_, french) in zip(*map(steps, READMES), strict=True):
        expected = [in_french(line, quarter[command].french) for line in english]
        assert [line.replace("\u202f", " ").replace("\u00a0", " ") for line in french] == expected


def in_french(line: str, french: dict[str, str]) -> str:
    """A line, or each cell of a row."""
    cells = [line] if line in french else line.split("  ")
    shown = [french.get(cell) or re.sub(r"^(-?\d+)\.(\d\d)$", r"\1,\2", cell) for cell in cells]
    return re.sub("[\u202f\u00a0]", " ", "  ".join(shown))


def test_make_shows_the_story_that_it_would_tell():
    ran = house._ran(["make", "-C", str(HOME), "-n", "demo"], {})
    said = ran.out.splitlines()
    told = [tell_quarter.command_of(step, "demo") for step in tell_quarter.STORY]
    assert [line for line in said if line in told] == told, ran


def test_a_step_that_fails_ends_the_story(capfd):
    with pytest.raises(SystemExit) as stopped:
        tell_quarter.answer("make nothing ROOT=demo")
    assert stopped.value.code == 2
    assert "nothing: no such command" in capfd.readouterr().out


def test_both_readmes_show_the_same():
    english, french = (path.read_text() for path in READMES)
    assert blocks(english, "json") == blocks(french, "json")
    shown = [[command for command, _ in steps(path)] for path in READMES]
    assert shown[0] == shown[1]
