"""Records: whatever is done to a file of records or to its head is noticed, and placed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.books import records
from lib.core import storage
from lib.core.faults import Broken
from lib.core.root import Root

FACTS = [{"kind": "invoice", "number": f"A-2026-{i:04d}", "buyer": "Café « Ø »"} for i in (1, 2, 3)]


@pytest.fixture
def root(tmp_path):
    """A root with one file of three records and its head."""
    root = Root(tmp_path)
    chain = records.Chain(path_of(root), (), 0, 0, records.GENESIS)
    extension = records.extend(chain, FACTS)
    write(root, extension.lines, records.head_bytes(extension.seq, extension.hash))
    return root


def path_of(root):
    return root.data / "revenues" / "nord.jsonl"


def write(root, lines, head=None):
    path_of(root).parent.mkdir(parents=True, exist_ok=True)
    path_of(root).write_bytes(lines)
    if head is not None:
        place = records.head_path(root, path_of(root))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(head)


def faults(root):
    with pytest.raises(Broken) as stop:
        records.read_family(root, root.data / "revenues")
    return stop.value.alerts


def test_what_was_written_is_read_and_extended(root):
    chain = records.read(root, path_of(root))
    assert [record["number"] for record in chain.records] == [fact["number"] for fact in FACTS]
    assert [record["seq"] for record in chain.records] == [1, 2, 3]
    more = records.extend(chain, [{"kind": "credit_note"}])
    write(root, path_of(root).read_bytes() + more.lines, records.head_bytes(4, more.hash))
    assert records.read(root, path_of(root)).seq == 4


def test_the_hash_is_that_of_the_canonical_line_without_it(root):
    lines = path_of(root).read_bytes().splitlines()
    previous = records.GENESIS
    for line in lines:
        record = json.loads(line)
        claimed = record.pop("hash")
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert claimed == storage.sha256(text.encode())
        assert record["prev"] == previous
        previous = claimed


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), VALUES))
def test_the_canonical_form_is_that_of_any_writer_of_json_that_sorts(value):
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert storage.canonical_json(value) == text.encode()


@given(st.data())
def test_any_changed_byte_is_noticed(tmp_path_factory, data):
    root = Root(tmp_path_factory.mktemp("root"))
    extension = records.extend(records.Chain(path_of(root), (), 0, 0, records.GENESIS), FACTS)
    at = data.draw(st.integers(0, len(extension.lines) - 1))
    new = data.draw(st.integers(0, 255).filter(lambda byte: byte != extension.lines[at]))
    changed = extension.lines[:at] + bytes([new]) + extension.lines[at + 1 :]
    write(root, changed, records.head_bytes(extension.seq, extension.hash))
    assert faults(root)


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        (lambda lines: lines[:-9], "line 3", "cut in half"),
        (lambda lines: lines.replace(b"0002", b"0009"), "line 2", "its hash is not that of"),
        (lambda lines: b"".join(lines.splitlines(True)[1:]), "line 1", "has seq 2, expected 1"),
        (lambda lines: b"[]\n" + lines, "line 1", "is not a record"),
        (lambda lines: b'{"hash": 3}\n', "line 1", "is not a record"),
        (lambda lines: lines + b"\n", "line 4", "is not a record"),
        (lambda lines: b"\xff\xfe\n", "line 1", "is not a record"),
    ],
)
def test_a_broken_line_is_named(root, change, place, said):
    write(root, change(path_of(root).read_bytes()))
    (fault,) = faults(root)
    assert (fault.file, fault.place) == ("data/revenues/nord.jsonl", place)
    assert said in fault.text


@pytest.mark.parametrize("line", [1, 2, 199, 200, 201, 600])
def test_a_broken_line_is_named_in_whatever_piece_of_a_long_file_it_stands(root, line):
    """Pieces of a file are read and proved at once; about 280 of these lines are one."""
    facts = [{"kind": "invoice", "number": f"A-2026-{i:04d}"} for i in range(600)]
    extension = records.extend(records.empty(path_of(root)), facts)
    write(root, extension.lines, records.head_bytes(600, extension.hash))
    read = records.read_typed(root, path_of(root), records.Link)
    assert [link.seq for link in read] == list(range(1, 601))
    lines = extension.lines.splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"invoice", b"INVOICE")
    write(root, b"".join(lines))
    with pytest.raises(Broken) as stop:
        list(records.read_typed(root, path_of(root), records.Link))
    (fault,) = stop.value.alerts
    assert (fault.place, "was changed" in fault.text) == (f"line {line}", True)


def test_a_line_that_was_written_again_with_its_own_hash_is_noticed_by_the_next(root):
    lines = path_of(root).read_bytes().splitlines(True)
    start = records.Chain(path_of(root), (), 0, 1, json.loads(lines[0])["hash"])
    other = records.extend(start, [{**FACTS[1], "number": "NORD-2026-0009"}]).lines
    write(root, lines[0] + other + lines[2])
    (fault,) = faults(root)
    assert (fault.place, "does not follow the line before it" in fault.text) == ("line 3", True)


def test_a_last_line_that_was_taken_away_is_noticed_by_the_head(root):
    lines = path_of(root).read_bytes().splitlines(keepends=True)
    write(root, b"".join(lines[:-1]))
    (fault,) = faults(root)
    assert fault.code == "B-RECORD-HEAD"
    assert "last line is seq 2" in fault.text


def test_a_missing_head_and_a_head_without_records_are_noticed(root):
    head = records.head_path(root, path_of(root))
    kept = head.read_bytes()
    head.unlink()
    assert "is missing" in faults(root)[0].text
    head.write_bytes(kept)
    path_of(root).unlink()
    (fault,) = faults(root)
    assert fault.file == "data/heads/revenues/nord.json"
