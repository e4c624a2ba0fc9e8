"""Numbers: one after the other, in order of date, and the same in records and counters."""

from datetime import date
from typing import Any

import pytest

import house
from lib.books import numbering, records
from lib.core.faults import Broken
from lib.core.root import Root
from lib.values import numbers


def chain_of(root: Root, name: str, *numbers: tuple[str, str]) -> records.Chain:
    """A chain in memory with these numbers and issue dates."""
    lines = tuple(
        {"number": number, "issue_date": day, "seq": seq}
        for seq, (number, day) in enumerate(numbers, 1)
    )
    return records.Chain(root.data / "revenues" / f"{name}.jsonl", lines, 0, len(lines), "")


def read(tmp_path: Any, *chains: list[tuple[str, str]], counters: dict[str, Any]) -> Any:
    root = Root(tmp_path)
    for code, value in counters.items():
        text = f"{value}\n".replace("'", '"').replace(" ", "")
        house.write(root, f"data/counters/{code}.json", text.encode())
    made = [chain_of(root, f"client{i}", *chain) for i, chain in enumerate(chains)]
    return numbering.read(root, "counters", numbering.numbered(root, made))


def test_a_sequence_goes_on_over_files_and_starts_again_each_year(tmp_path):
    sequences = read(
        tmp_path,
        [("ATL-2026-0001", "2026-11-08"), ("ATL-2026-0003", "2026-12-08")],
        [("ATL-2026-0002", "2026-11-08"), ("ATL-2027-0001", "2027-01-08")],
        counters={"ATL": {"2026": 3, "2027": 1}},
    )
    assert numbering.advance(sequences, "ATL", date(2027, 1, 8)) == "ATL-2027-0002"
    assert numbering.advance(sequences, "ATL", date(2027, 1, 8)) == "ATL-2027-0003"
    assert numbering.advance(sequences, "ATL", date(2028, 1, 1)) == "ATL-2028-0001"
    assert numbering.advance({}, "NEW", date(2026, 1, 1)) == "NEW-2026-0001"


def test_numbers_go_on_beyond_four_digits(tmp_path):
    sequences = {("ATL", 2026): numbering.Sequence(9999, date(2026, 1, 1))}
    number = numbering.advance(sequences, "ATL", date(2026, 1, 1))
    assert number == "ATL-2026-10000"
    assert numbers.parse(number)[:3] == ("ATL", 2026, 10000)


def test_a_date_before_the_last_is_refused_and_the_same_date_is_not():
    sequences = {("ATL", 2026): numbering.Sequence(4, date(2026, 11, 8))}
    with pytest.raises(
        numbering.NoNumber, match=r"2026-11-07 is before 2026-11-08, .* ATL-2026-0004"
    ):
        numbering.advance(sequences, "ATL", date(2026, 11, 7))
    assert numbering.advance(sequences, "ATL", date(2026, 11, 8)) == "ATL-2026-0005"


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ([("A-2026-0001", "2026-01-01"), ("A-2026-0003", "2026-01-02")], "B-NUMBER-GAP"),
        ([("A-2026-0001", "2026-01-01"), ("A-2026-0001", "2026-01-02")], "B-NUMBER-GAP"),
        ([("A-2026-0002", "2026-01-01")], "B-NUMBER-GAP"),
        ([("A-2026-0001", "2026-02-01"), ("A-2026-0002", "2026-01-01")], "B-NUMBER-DATE"),
        ([("A-2026-0001", "2027-01-01")], "B-NUMBER-DATE"),
    ],
)
def test_records_out_of_order_are_an_integrity_fault(tmp_path, numbers, code):
    last = int(numbers[-1][0][-4:])
    with pytest.raises(Broken) as stop:
        read(tmp_path, numbers, counters={"A": {"2026": last}})
    assert code in {alert.code for alert in stop.value.alerts}
    assert stop.value.alerts[0].file == "data/revenues/client0.jsonl"


@pytest.mark.parametrize("counters", [{}, {"A": {"2026": 2}}, {"A": {"2026": 1}, "B": {"2026": 1}}])
def test_a_counter_that_disagrees_is_named(tmp_path, counters):
    with pytest.raises(Broken) as stop:
        read(tmp_path, [("A-2026-0001", "2026-01-01")], counters=counters)
    assert [alert.code for alert in stop.value.alerts] == ["B-COUNTER"]


def test_quotes_count_in_sequences_of_their_own(tmp_path):
    sequences: numbering.Sequences = {}
    day = date(2026, 11, 8)
    assert numbering.advance(sequences, "ATL", day, numbers.QUOTE) == "ATL-D2026-0001"
    assert numbers.parse("ATL-D2026-0001", (numbers.QUOTE,))[:3] == ("ATL", 2026, 1)
    for number, formats in (
        ("ATL-D2026-0001", numbers.FORMATS),
        ("ATL-2026-0001", (numbers.QUOTE,)),
    ):
        with pytest.raises(ValueError, match="is not a number such as"):
            numbers.parse(number, formats)
