"""Mutations: from a valid file to one that is nearly so. The same seed gives the same bytes."""

import json
import random
import re
from collections.abc import Callable
from typing import Any

from lib.core import storage

TEXTS = (
    "", " ", "a", "0", "-0", "00", "-1", "+1", "1.", ".5", "1,5", "0.001", "1e3",
    "1e999999999", "1E+9999999999999999999", "1e-999999999", "NaN", "sNaN", "Infinity",
    "-inf", "9" * 18, "9" * 19, "9" * 5000, "0." + "0" * 5000 + "1", "999999999.99",
    "999999999.9999", "100", "100.00", "101", "٣", "²", "１２", "1_000", "0x10", "true",
    "null", "[]", "{}", "yes", "no", "0001-01-01", "9999-12-31", "2099-12-31",
    "2000-01-01", "2024-02-29", "2023-02-29", "2026-13", "2026-00", "2026-10-32",
    "20261031", "2026-W44-6", "2026-10-31T00:00:00", "9999-12", "2026-11", "\x00",
    "a\x00b", "\t", "\n", "a\r\nb", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u202e",
    "\u200b", "\ufeff", "\ufffd", "\ufffe", "\U0010ffff", "e\u0301", "ﬁ", "İ", "ß", "😀",
    "漢", "Ж", "\u00a0", "\u202f", "a" * 70, "a" * 201, "a" * 70_000, "a " * 300,
    "é" * 5000, "a@" + "b." * 3000, "../../x", "/etc/passwd", "=1+1", "@SUM(A1)", "-1+1",
    "'", '"', '""', "\\", "%s%n", "${HOME}", "$(id)", "`id`", "; rm", "|", "<x>", "<",
    "&amp;", "&#0;", "]]>", "<!--", "FR", "DE", "GR", "XI", "ZZ", "EUR", "USD", "HUR",
    "C62", "S", "E", "AE", "K", "G", "O", "goods", "services", "mixed", "franchise",
    "exempt", "intra_eu", "export", "reverse_charge", "standard", "sud", "nord", "fil",
    "batch_fil", "SUD", "NORD", "flat", "SUD-2026-0001", "NORD-2026-0002",
    "SUD-2026-9999", "SUD-2026-00000000001", "hours", "batch_invoices", "20", "10", "5.5",
    "2.1", "19.6", "Europe/Paris", "../Europe", "Etc/GMT+12", "utf-8", "windows-1252",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 10**17, 1.5, [], {}, [[]], [None], {"fr": 1}, {"fr": "x"}, [{}],
    {"": ""}, {"a": {"a": {"a": {}}}}, [[[[[[[[]]]]]]]], "\ud800", "\udfff", ["\ud800"],
    {"\ud800": 1},
)  # fmt: skip


def mutated(rng: random.Random, seed: bytes, others: list[bytes], forged: bool = False) -> bytes:
    """`seed` with one to three things wrong, or strange, or merely different.

    Args:
      forged: it is a chain of records, of which facts change and all hashes with them.
    """
    data = seed
    if forged:
        return _record(rng, data, others)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        how = [_bytes, _tokens, _splice]
        if data[:1] == b"{":
            how += [_structure] * 6
        elif data.count(b"\n") > 1:
            how += [_cells] * 4 + [_encoded]
        if b"<" in data:
            how += [_elements] * 6
        data = rng.choice(how)(rng, data, others)
    return data


def _text(rng: random.Random) -> str:
    return rng.choice(TEXTS)


def _raw(rng: random.Random) -> bytes:
    return _text(rng).encode("utf-8", "surrogatepass")


# --- what knows nothing of the file --------------------------------------------------


def _bytes(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    to = min(len(data), at + rng.choice((0, 1, 1, 2, 5, 40, 400)))
    put = rng.choice(
        (
            lambda: b"",
            lambda: bytes([rng.randrange(256)]),
            lambda: rng.randbytes(rng.randrange(1, 9)),
            lambda: _raw(rng),
            lambda: data[at:to] * rng.choice((2, 3, 50)),
        )
    )()
    return data[:at] + put + data[to:] if rng.random() < 0.95 else data[:at]


def _splice(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    other = rng.choice(others)
    at, to = sorted(rng.randrange(len(other) + 1) for _ in range(2))
    cut = rng.randrange(len(data) + 1)
    return data[:cut] + other[at:to] + data[min(len(data), cut + rng.randrange(80)) :]


_TOKEN = re.compile(rb"[A-Za-z]+|[0-9]+(?:[.,-][0-9]+)*|[^\sA-Za-z0-9]")


def _tokens(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    found = list(_TOKEN.finditer(data))
    if not found:
        return data
    one = rng.choice(found)
    put = rng.choice((b"", one[0] * 2, rng.choice(found)[0], _raw(rng), _raw(rng)))
    return data[: one.start()] + put + data[one.end() :]


# --- JSON and records ----------------------------------------------------------------


def _structure(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _tokens(rng, data, others)
    return dumped(rng, changed(rng, value))


def dumped(rng: random.Random, value: Any) -> bytes:
    """JSON, written this way or that."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.7, indent=rng.choice((None, 2)))
    return text.encode("utf-8", "surrogatepass")


def changed(rng: random.Random, value: Any) -> Any:
    """JSON data with something in it replaced, added, taken away or moved."""
    inner = [one for one in _containers(value) if one]
    if not inner:
        return value
    where = rng.choice(inner)
    key = rng.choice(list(where)) if isinstance(where, dict) else rng.randrange(len(where))
    action = rng.randrange(7)
    if action == 0:
        del where[key]
    elif action == 1 and isinstance(where, dict):
        where[_text(rng)[:200]] = where.pop(key)
    elif action == 2:
        other = rng.choice(inner)
        keys = list(other) if isinstance(other, dict) else range(len(other))
        where[key] = json.loads(json.dumps(other[rng.choice(list(keys))]))
    elif action == 3 and isinstance(where, list):
        where += json.loads(json.dumps(where)) * rng.choice((1, 1, 30))
    elif action == 4:
        where[key] = rng.choice(VALUES)
    else:
        where[key] = _text(rng)
    return value


def _containers(value: Any) -> list[Any]:
    children = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return []
    return [value, *(found for child in children for found in _containers(child))]


def _record(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """A record with another fact, its chain written again: a past with consistent hashes."""
    try:
        facts = [json.loads(line) for line in data.splitlines()]
        rng.choice(facts).update({rng.choice(list(facts[0])): _text(rng)})
        facts = [changed(rng, facts), facts][rng.random() < 0.5]
        lines, prev = [], "0" * 64
        for fact in facts:
            fact.pop("hash", None)
            fact["prev"] = prev
            prev = storage.sha256(_canonical(fact))
            lines.append(_canonical({**fact, "hash": prev}) + b"\n")
    except (ValueError, AttributeError, TypeError, RecursionError, IndexError):
        return _tokens(rng, data, others)
    return b"".join(lines)


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


# --- CSV and lines -------------------------------------------------------------------


def _cells(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    mark = b";" if data.count(b";") > data.count(b",") else b","
    rows = [line.split(mark) for line in data.split(b"\n")]
    row = rng.randrange(len(rows))
    column = rng.randrange(len(rows[row]))

    def swap() -> None:
        other = rng.randrange(len(rows[row]))
        cells = rows[row]
        cells[column], cells[other] = cells[other], cells[column]

    def put() -> None:
        rows[row][column] = _raw(rng)

    def quoted() -> None:
        rows[row][column] = b'"' + _raw(rng).replace(b'"', b'""') + b'"'

    actions: list[Callable[[], Any]] = [
        put,
        put,
        put,
        quoted,
        swap,
        lambda: rows[row].pop(column),
        lambda: rows[row].insert(column, _raw(rng)),
        lambda: rows.insert(row, list(rows[row])),
        lambda: rows.pop(row),
        lambda: [cells.pop(column) for cells in rows if len(cells) > column],
    ]
    rng.choice(actions)()
    return b"\n".join(mark.join(cells) for cells in rows)


def _encoded(rng: random.Random, data: bytes, _: list[bytes]) -> bytes:
    text = data.decode("utf-8", "replace")
    encoding = rng.choice(("utf-16", "utf-8-sig", "windows-1252", "latin-1", "utf-32", "utf-7"))
    return text.encode(encoding, "replace")


# --- tags ----------------------------------------------------------------------------

_ELEMENT = re.compile(rb"<([A-Za-z0-9.]+)[^<>]*>[^<>]*</\1>|<[A-Za-z0-9.]+>[^<>\r\n]+")
_TAG = re.compile(rb"</?[^<>]*>")
_INNER = re.compile(rb"(?<=>)[^<>\s][^<>]*")


def _elements(rng: random.Random, data: bytes, others: list[bytes]) -> bytes:
    pattern = rng.choice((_ELEMENT, _TAG, _INNER, _INNER))
    found = list(pattern.finditer(data))
    if not found:
        return _tokens(rng, data, others)
    one = rng.choice(found)
    put = rng.choice((b"", one[0] * 2, rng.choice(found)[0], rng.choice(found)[0]))
    if pattern is _INNER:
        put = rng.choice((put, _raw(rng), _raw(rng)))
    return data[: one.start()] + put + data[one.end() :]
