"""Documents in French say what the English ones say, in the same order: headings, code, tables,
links and names are held in step."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from babel import Locale

import house

HOME = house.HOME
READMES = (HOME / "README.md", HOME / "README_FR.md")
PAIRS = [
    READMES,
    *(
        (path.with_name(path.name.replace(".fr.md", ".md")), path)
        for path in HOME.glob("docs/*.fr.md")
    ),
]
PAIRS.sort()
TRANSLATED = {
    ours.as_posix(): theirs.as_posix()
    for ours, theirs in [*PAIRS, (HOME / "LICENSE.md", HOME / "LICENCE.md")]
}
# What a document names in the words of its language: by the name of the English one.
IN_ITS_OWN_WORDS = {
    "README.md": {
        *(f"{command}ROOT=folder" for command in ("", "make init ", "make check ")),
        *(f"{command}ROOT=dossier" for command in ("", "make init ", "make check ")),
        *("LANGUAGE=fr", "issuer.json", "make init", ": "),
    },
    "mail.md": {"make mail SENT=name", "make mail SENT=nom"},
    "alerts.md": {
        "file: place: what was found; what to do [CODE]",
        "fichier : place : ce qui a été trouvé ; que faire [CODE]",
        "make mail SENT=name",
        "make mail SENT=nom",
    },
    "format_csv.md": {",", "=TEXT(A2,)", "=TEXTE(A2;)"},
}


class Section(NamedTuple):
    """A heading and what stands beneath it, up to the next one."""

    level: int
    title: str
    text: str


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "english" in metafunc.fixturenames:
        metafunc.parametrize(("english", "french"), PAIRS, ids=[pair[0].stem for pair in PAIRS])


def sections(path: Path) -> list[Section]:
    """A document by its headings; one that stands in a block of code is none."""
    found: list[Section] = []
    fenced = False
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        fenced ^= line.startswith("```")
        if not fenced and (heading := re.match("(#+) (.*)", line)):
            found.append(Section(len(heading[1]), heading[2], ""))
        else:
            found[-1] = found[-1]._replace(text=found[-1].text + line)
    return found


def anchors(path: Path) -> list[str]:
    """The fragment of each heading, as GitHub makes it."""
    titles = [section.title for section in sections(path)]
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


def code(text: str) -> list[tuple[str, list[str]]]:
    """Each block: its kind and its lines, without comments, quoted texts and LANGUAGE. Of a console
    block what a command answers counts by its lines: it is in the operator's language."""
    found = []
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        bare = re.sub(r'(?<==)"[^"]*"|(?<=LANGUAGE=)..', '""', block)
        bare = re.sub(r"(^| +)#.*", "", bare, flags=re.MULTILINE)
        if kind in ("console", ""):
            bare = re.sub(r"^(?!\$ ).+", "said", bare, flags=re.MULTILINE)
        found.append((kind, bare.splitlines()))
    return found


def tables(text: str) -> list[list[int]]:
    """How many cells each row of each table has."""
    found = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()] for table in found]


def prose(text: str) -> str:
    """What stands outside of blocks of code."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def links(path: Path, text: str) -> dict[str, set[int]]:
    """Where a text leads to: files with the places of the headings that are meant there."""
    found: dict[str, set[int]] = {}
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        file, _, fragment = link.partition("#")
        target = path.parent / file if file else path
        name = link if link.startswith("http") else target.resolve().as_posix()
        found.setdefault(name, set()).add(anchors(target).index(fragment) if fragment else 0)
    return found


def names(text: str) -> set[str]:
    """What stands between backquotes and is the same in every language: commands, keys, codes,
    files. A text in quotes, and what is between < and >, is in the reader's."""
    quoted = re.findall(r"``?([^`]+)``?", prose(text))
    return {re.sub(r'"[^"]*"|<[^>]*>', "", " ".join(one.split())) for one in quoted}


def figures(text: str, language: str) -> set[int]:
    """The figures in a text; a month that is written out counts as its number."""
    months: dict[int, str] = Locale(language).months["format"]["wide"]
    plain = re.sub(r"\]\([^)]*\)|`[^`]*`", "", prose(text))
    for number, month in months.items():
        plain = re.sub(rf"\b{month}\b", str(number), plain)
    return {int(figure) for figure in re.findall(r"\d+", plain)}


def test_both_have_the_same_headings(english, french):
    levels = [[section.level for section in sections(path)] for path in (english, french)]
    assert levels[0] == levels[1]


def test_both_show_the_same_code(english, french):
    for ours, theirs in zip(sections(english), sections(french), strict=True):
        assert code(ours.text) == code(theirs.text), theirs.title


def test_both_have_the_same_tables_and_lists(english, french):
    for ours, theirs in zip(sections(english), sections(french), strict=True):
        assert tables(ours.text) == tables(theirs.text), theirs.title
        points = [
            re.findall(r"^(?:- \[ \]|-|\d+\.) ", prose(section.text), re.MULTILINE)
            for section in (ours, theirs)
        ]
        assert points[0] == points[1], theirs.title


def test_both_name_the_same(english, french):
    own = IN_ITS_OWN_WORDS.get(english.name, set())
    for ours, theirs in zip(sections(english), sections(french), strict=True):
        assert names(ours.text) ^ names(theirs.text) <= own, theirs.title


def in_french(found: dict[str, set[int]]) -> dict[str, set[int]]:
    """The same places, in the French document of each that has one."""
    french: dict[str, set[int]] = {}
    for name, places in found.items():
        french.setdefault(TRANSLATED.get(name, name), set()).update(places)
    return french


def test_both_have_the_same_figures(english, french):
    """Amounts, rates, days and articles of law."""
    for ours, theirs in zip(sections(english), sections(french), strict=True):
        assert figures(ours.text, "en") == figures(theirs.text, "fr"), theirs.title


def test_links_of_both_lead_to_the_same(english, french):
    """A French document leads to French ones, where there are any."""
    for ours, theirs in zip(sections(english), sections(french), strict=True):
        wanted, there = in_french(links(english, ours.text)), links(french, theirs.text)
        assert in_french(there) == wanted, theirs.title
        assert wanted.keys() - {french.as_posix()} <= there.keys(), theirs.title


def test_each_leads_to_the_other_at_its_top(english, french):
    for path, other in ((english, french), (french, english)):
        top = "".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:20])
        assert f"]({other.name})" in top, path


def french_texts() -> Iterator[str]:
    """What the program says in French: messages, codes, and what schemas explain."""
    room = HOME / "scripts/lib/core"
    words = json.loads((room / "languages/fr.json").read_text(encoding="utf-8"))
    yield from words["messages"].values()
    for code in json.loads((room / "codes.json").read_text(encoding="utf-8")).values():
        yield from code["fr"].values()
    for schema in HOME.glob("schemas/*.json"):
        yield from re.findall(r'"x-fr[a-z-]*": "(.*)"', schema.read_text(encoding="utf-8"))


def test_what_the_program_says_in_french_names_french_documents():
    for text in french_texts():
        for name in re.findall(r"\bdocs/[\w.-]+\.md", text):
            assert (HOME / name).exists() and (HOME / name).as_posix() not in TRANSLATED, text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_sheets_of_the_workbook_are_named_as_they_are(language):
    words = json.loads((HOME / f"scripts/lib/core/languages/{language}.json").read_text())
    name = "accounting.md" if language == "en" else "accounting.fr.md"
    first_cells = re.findall(r"^\| ([^|]+) \|", (HOME / "docs" / name).read_text(), re.MULTILINE)
    named = {sheet for cell in first_cells for sheet in cell.split(", ")}
    assert set(words["sheets"].values()) - {words["sheets"]["about"]} <= named
