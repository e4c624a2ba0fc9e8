"""docs/conformance.md knows every judge and what it proves; versions and counts are the run's."""

from pathlib import Path

from conformance import document
from conformance.bench import JUDGES

PAGE = Path(__file__).parents[2] / "docs/conformance.md"


def test_the_page_has_a_row_for_each_judge_and_no_other() -> None:
    page = PAGE.read_text()
    table = page.split("## Judges")[1].split("## Notices")[0].splitlines()
    rows = [line for line in table if line.startswith("| ")][1:]
    assert len(rows) == len(JUDGES)
    for row, judge in zip(rows, JUDGES, strict=True):
        assert row.startswith(f"| {judge.name} | ")
        assert f"{row}\n".endswith(document.structure(judge))
