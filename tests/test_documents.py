"""The documents are true: commands exist, the tour of the README runs, links lead somewhere."""

import json
import re
import shlex
from pathlib import Path

import pytest

import house
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


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """A small root that was invoiced, as demo/ is after `make demo`."""
    root = house.build(tmp_path_factory.mktemp("tour") / "demo", house.client("sud"))
    assert house.month(root).code == 0
    return root


def steps(path: Path) -> list[tuple[str, list[str]]]:
    """Each command of the console blocks with the output that is shown beneath it."""
    found: list[tuple[str, list[str]]] = []
    for line in "\n".join(blocks(path.read_text(encoding="utf-8"), "console")).splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line:
            found[-1][1].append(line)
    return found


def masked(line: str) -> str:
    """A line without the figures that depend on how much else is in the root."""
    return re.sub(r"\d[\d.]*", "9", " ".join(line.split()))


def test_the_tour_runs_and_says_what_the_readme_shows(toured):
    (client,) = blocks(READMES[0].read_text(), "json")
    file = toured.clients / "studio_nord.json"
    for command, shown in steps(READMES[0]):
        wrong = re.search(r"# with (.*)", command)
        value = json.loads(client)
        if wrong:
            value["plans"][0]["items"][0]["price"] = json.loads(f"{{{wrong[1]}}}")["price"]
        file.write_text(json.dumps(value))
        said = run(toured, command.partition("#")[0], fails=bool(wrong))
        exact = not any(word in command for word in (" export ", " verify ", " report "))
        for line in shown:
            if exact:
                assert " ".join(line.split()) in [" ".join(one.split()) for one in said], line
            else:
                assert masked(line) in [masked(one) for one in said], line
    assert list(toured.preview.iterdir())
    assert (toured.path / "exports/reports/report-2026.pdf").exists()


def run(root: Root, command: str, fails: bool) -> list[str]:
    make, target, *words = shlex.split(command)
    assert make == "make"
    assert "ROOT=demo" in words
    words.remove("ROOT=demo")
    if not any(word.startswith("TODAY=") for word in words):
        words.append("TODAY=2026-11-21")
    ran = house.make(root, target, *words)
    assert (ran.code != 0) == fails, ran.err
    return (ran.out + ran.err).splitlines()


def test_both_readmes_show_the_same():
    english, french = (path.read_text() for path in READMES)
    assert blocks(english, "json") == blocks(french, "json")
    shown = [[line.partition("#")[0] for line, _ in steps(path)] for path in READMES]
    assert shown[0] == shown[1]
    assert [said for _, said in steps(READMES[0])] == [said for _, said in steps(READMES[1])]
