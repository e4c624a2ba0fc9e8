"""docs/conformance.md: the judges, their versions and counts, and the notices explained."""

import re
from collections.abc import Iterator

from conformance.bench import JUDGES
from conformance.court import Judge, Report

# What the rule's name begins with -> why nothing is done about it.
EXPLAINED = {
    "BR-DE-": "A rule of XRechnung, for invoices to German authorities. Mustangproject tells every"
    " invoice of EN 16931 which of them it does not keep.",
    "PEPPOL-EN16931-R010": "A rule of the Peppol network. A private customer, and one abroad, may"
    " have no electronic address.",
    "BR-FR-12_BT-49": "Only French businesses have an address of a platform. An invoice to a"
    " private customer or abroad is reported to the tax office and not sent by platform.",
}

_HEAD = """\
# Conformance

What programs of others say of what this project makes. `make conformance` issues a corpus, has it
judged, and writes this page when every judge has passed: no errors, and no notice that is not
explained below.
"""
_CORPUS = """
The corpus: {count} invoices and credit notes, issued by the commands of the Makefile in three
sample roots: examples/, examples/franchise/, and one made by tests/conformance/corpus.py, with
every charge model under every VAT treatment in both languages, one line to 300, direct and batch,
credit notes whole and partial, private and foreign customers, names that are long, Greek,
Cyrillic or full of signs, and logos of every kind.
"""


def text(reports: dict[str, Report], count: int) -> str:
    """The page."""
    parts = [_HEAD, _CORPUS.format(count=count), "\n## Judges\n\n", *_table(reports)]
    parts += ["\n## Notices\n\n", *_notices(reports), "\n## On a machine of your own\n\n"]
    parts += _install()
    return "".join(parts)


def structure(one: Judge) -> str:
    """What the page says of a judge whatever its version and counts."""
    return f" {one.proves} |\n"


def _table(reports: dict[str, Report]) -> Iterator[str]:
    yield "| judge | version | judged | what it proves |\n|---|---|---|---|\n"
    for one in JUDGES:
        report = reports[one.name]
        yield f"| {one.name} | {one.version()} | {report.judged} {report.what} |{structure(one)}"


def _notices(reports: dict[str, Report]) -> Iterator[str]:
    if not any(report.notices for report in reports.values()):
        yield "None.\n"
        return
    yield "| judge | rules, with the number of documents | why they stand |\n|---|---|---|\n"
    for name, report in reports.items():
        rules: dict[str, list[str]] = {}
        for notice, count in sorted(report.notices.items()):
            rules.setdefault(_explanation(notice), []).append(f"{_rule(notice)} ({count})")
        for why, named in rules.items():
            yield f"| {name} | {', '.join(named)} | {why} |\n"


def unexplained(reports: dict[str, Report]) -> list[tuple[str, str]]:
    """Each judge's notices that EXPLAINED does not explain."""
    return [
        (name, notice)
        for name, report in reports.items()
        for notice in report.notices
        if not _explanation(notice)
    ]


def _rule(notice: str) -> str:
    """The rule that a notice names: "[BR-DE-15] ..." or "... [ID BR-DE-15] ..."."""
    named = re.search(r"\[(?:ID )?([A-Z][\w-]+)\]", notice)
    return named[1] if named else ""


def _explanation(notice: str) -> str:
    """Why the notice may stand; empty where that is unknown."""
    rule = _rule(notice)
    return next((why for start, why in EXPLAINED.items() if rule.startswith(start)), "")


def _install() -> Iterator[str]:
    yield "A judge that is missing is named with what brings it:\n\n"
    yield "```sh\n"
    for install in dict.fromkeys(one.install for one in JUDGES):
        yield f"{install}\n"
    yield "```\n\n"
    yield (
        "`make test` brings the Python packages. The versions of Java packages are pinned in\n"
        "tests/conformance/pom.xml; Maven fetches them once. No other command needs any of this.\n"
        "\n"
        "A page that was changed on purpose is looked at by a person, then approved with\n"
        "`make conformance APPROVE=yes`.\n"
    )
