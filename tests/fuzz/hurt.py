"""Inputs of a megabyte that are built to hurt: slow patterns, bombs, numbers without end.

Each is tried through the command line, in a process of its own whose time and memory are
measured. They are by the name of the target that reads them (targets.py).
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import house
from lib.core import storage

MB = 1_000_000
_LEAPS = ("0001-01-01", "9999-12-31", "2023-02-29", "2024-02-29", "2026-02-30")


Named = Iterator[tuple[str, bytes]]


def inputs(target: str, seed: bytes) -> Named:
    """(what it is, bytes) for each input of a target; `seed` is a valid one."""
    yield from _MADE.get(target, lambda _: iter(()))(seed)


# --- JSON ----------------------------------------------------------------------------


def _json(seed: bytes) -> Named:
    """What hurts any reader of JSON, then what hurts one who knows the shape of this file."""
    rest = seed.strip()[1:]
    yield "nothing but [", b"[" * MB
    yield "nothing but {", b'{"a":' * (MB // 5)
    yield "deep and closed", b"[" * (MB // 2) + b"]" * (MB // 2)
    yield "an integer of a megabyte", b'{"a":' + b"9" * MB + b"}"
    yield "a fraction of a megabyte", b'{"a":0.' + b"9" * MB + b"}"
    yield "an exponent without end", b'{"a":1e' + b"9" * MB + b"}"
    yield "a large exponent", b'{"a":1e999999999,' + rest
    yield "an exponent beyond decimal", b'{"a":1e9999999999999999999,' + rest
    yield "a fine exponent", b'{"a":1e-999999999999,' + rest
    yield "an integer of 18 digits", b'{"a":' + b"9" * 18 + b"," + rest
    yield "the same key over and over", b"{" + b'"a":1,' * (MB // 6) + rest
    keys = b",".join(b'"k%d":1' % i for i in range(MB // 11))
    yield "many keys, the last one twice", b'{"a":1,' + keys + b',"k90908":1}'
    yield "many unknown keys", b"{" + keys + b"," + rest
    near = b",".join(b'"langauge%d":1' % i for i in range(MB // 18))
    yield "many misspelt keys", b"{" + near + b"," + rest
    yield "a key of a megabyte", b'{"' + b"k" * MB + b'":1,' + rest
    yield "a text of a megabyte", b'"' + b"a" * MB + b'"'
    yield "an open text of backslashes", b'"' + b"\\" * MB
    yield "escapes", b'"' + b"\\u0041" * (MB // 6) + b'"'
    yield "lone surrogates", b'{"' + b"\\ud800" * (MB // 6) + b'":1,' + rest
    yield "NUL bytes", b"\0" * MB
    yield "byte-order marks", b"\xef\xbb\xbf" * (MB // 3)
    yield "UTF-16", seed.decode().encode("utf-16")
    yield "spaces", b" " * MB + seed
    yield "many lines and then an error", b"\n" * MB + b"x"


def _in_place(seed: bytes, places: dict[str, list[Any]]) -> Named:
    for place, values in places.items():
        for value in values:
            shown = ascii(value)
            shown = shown if len(shown) < 30 else f"{shown[:20]}... ({len(shown)})"
            data = json.dumps(house.changed(json.loads(seed), {place: value}))
            yield f"{place}: {shown}", data.encode("utf-8", "surrogatepass")


# Each of these drives some pattern of schemas/ as far as a megabyte can.
_EMAIL = ["a@" + "a." * (MB // 2), "a" * MB + "@", "a@" + "a-" * (MB // 2) + "!"]
_TEXT = ["a" + " " * MB, " " * MB + "a", ("a ") * (MB // 2), "\ud800", "a\0b", "\u202e" * 50]
_NUMBER = ["9" * MB, "0." + "0" * MB, "1" + " " * MB, "1e999999999", "1,5 " * (MB // 4)]
_PLAN = {"id": "a", "charge": "flat"}


def _client(seed: bytes) -> Named:
    yield from _json(seed)
    yield from _in_place(
        seed,
        {
            "party.name": _TEXT,
            "party.email": [[one] for one in _EMAIL] + [["a"] * (MB // 6), [[]] * (MB // 5)],
            "party.siren": ["1" * MB],
            "party.vat_number": ["FR" + "1" * MB, "EL" + "9" * MB, "ZZ" + "A" * MB],
            "party.phone": ["+" + "1 " * (MB // 2)],
            "party.address.lines": [["a"] * (MB // 6)],
            "party.address.country": ["F" * MB],
            "plans.0.items": [[_PLAN] * (MB // 30), [{}] * (MB // 4), [None] * (MB // 6), "x" * MB],
            "plans.0.items.0.price": _NUMBER,
            "plans.0.items.0.unit": ["M" * MB],
            "plans.0.items.0.charge": ["f" * MB, [1] * (MB // 3)],
            "plans.0.start": [*_LEAPS, "2" * MB],
            "plans.0.discounts": [[{"id": "a", "items": list(range(MB // 8))}], [{}] * (MB // 4)],
        },
    )


def _usage(seed: bytes) -> Named:
    metrics = {f"k{i}": "1" for i in range(MB // 13)}
    [(_, data)] = _in_place(seed, {"quantities": [metrics]})
    yield "quantities of many metrics", data
    line = json.loads(seed)["lines"][0]
    yield from _in_place(
        seed,
        {
            "quantities": [
                {f"m_{i}": i for i in range(MB // 15)},
                {"hours": "9" * MB},
                {"hours": "1E+999999999"},
            ],
            "lines": [[line] * (MB // 160), [{**line, "quantity": ""}] * (MB // 160)],
            "month": [*_LEAPS, "9999-12", "0001-01"],
            "source": ["a" * MB],
        },
    )


def _credit_lines(seed: bytes) -> Named:
    yield from _in_place(
        seed,
        {
            "lines": [
                [{"line": str(i)} for i in range(MB // 20)],
                [{"line": "1", "quantity": "9" * (MB - 100)}],
                [{"line": "1", "amount": "9" * (MB - 100)}],
                [{"line": "1"}] * 1000,
                [{"line": i} for i in range(MB // 20)],
            ]
        },
    )
    yield "nothing but [", b"[" * (MB - 1)


# --- CSV -----------------------------------------------------------------------------


def _batch_csv(seed: bytes) -> Named:
    header, row = seed.split(b"\r\n")[:2]
    rows = MB // (len(row) + 8)
    yield "one cell", b"a" * MB
    yield "one cell beneath a header", header + b"\r\n" + b"a" * MB
    yield "quotes", b'"' * MB
    yield "quotes beneath a header", header + b"\r\n" + b'"' * MB
    yield "quotes in lines", header + b"\r\n" + (b'"' * 65_000 + b"\r\n") * 15
    yield "open quotes", header + b"\r\n" + (b'"a;' * 20_000 + b"\r\n") * 16
    yield "delimiters", b";" * MB
    yield "delimiters in lines", header + b"\r\n" + (b";" * 65_000 + b"\r\n") * 15
    yield "tiny lines", b"\n" * (MB // 2)
    yield "tiny lines beneath a header", header + b"\r\n" + b"a\r\n" * (MB // 3)
    yield "empty lines beneath a header", header + b"\r\n" * (MB // 2)
    yield "lines of delimiters", header + b"\r\n" + (b";" * header.count(b";") + b"\r\n") * 20_000
    yield "the same line", header + b"\r\n" + (row + b"\r\n") * rows
    wrong = row.replace(b"CMD-1", b"=CMD").replace(b"80,00", b"1e999999999")
    yield "the same wrong line", header + b"\r\n" + (wrong + b"\r\n") * rows
    yield "a header of unknown names", b";".join(b"c%d" % i for i in range(MB // 7)) + b"\r\n"
    yield "a header of one line", b"reference;" * 6_000 + b"\r\n"
    yield "a header of misspelt names", b";".join(b"custmer_nam%d" % i for i in range(200))
    yield "NUL", b"\0" * MB
    yield "NUL beneath a header", header + b"\r\n" + b"\0" * 60_000
    yield "byte-order marks", b"\xef\xbb\xbf" * (MB // 3)
    yield "UTF-16", seed.decode().encode("utf-16")
    yield "bytes of no encoding", header + b"\r\n" + b"\xff" * MB
    yield "carriage returns", header + b"\r" * MB
    for name, cell in {
        "digits": b"9" * 60_000,
        "zeros": b"0," + b"0" * 60_000,
        "spaces": b"a" + b" " * 60_000,
        "an address": b"a@" + b"a." * 30_000,
        "surrogates": "\ud800".encode("utf-8", "surrogatepass"),
        "directions": "\u202e".encode() * 20_000,
        "accents": "e\u0301".encode() * 20_000,
    }.items():
        cells = row.split(b";")
        filled = b"\r\n".join(
            b";".join([*cells[:i], cell, *cells[i + 1 :]]) for i in range(min(len(cells), 16))
        )
        yield f"cells of {name}", header + b"\r\n" + filled + b"\r\n"


def _payments_csv(seed: bytes) -> Named:
    header, row = seed.split(b"\n")[:2]
    rows = MB // (len(row) + 1)
    yield "one cell", b"a" * MB
    yield "one cell beneath a header", header + b"\n" + b"a" * MB
    yield "quotes", b'"' * MB
    yield "an open quote", header + b'\n"' + b"a\n" * (MB // 2)
    yield "delimiters", header + b"\n" + b"," * MB
    yield "tiny lines", header + b"\n" + b"a\n" * (MB // 2)
    yield "empty lines", header + b"\n" * MB
    yield "the same line", header + b"\n" + (row + b"\n") * rows
    wrong = row.replace(b"NORD", b"NONE")
    yield "the same line of no invoice", header + b"\n" + (wrong + b"\n") * rows
    other = b"".join(b"c%d,N-2026-0001,1.00,2026-11-08,card,,\n" % i for i in range(MB // 42))
    yield "many clients", header + b"\n" + other
    yield "NUL", header + b"\n" + b"\0" * MB
    yield "marks", b"\xef\xbb\xbf" * (MB // 3)
    yield (
        "an amount of digits",
        header + b"\nnord,NORD-2026-0001," + b"9" * MB + b",2026-11-08,card,,",
    )
    yield (
        "a note of spaces",
        header + b"\nnord,NORD-2026-0001,1.00,2026-11-08,card,," + b"a " * (MB // 2),
    )
    for day in _LEAPS:
        yield day, header + f"\nnord,NORD-2026-0001,1.00,{day},card,,\n".encode()


# --- statements ----------------------------------------------------------------------

_CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def _camt(seed: bytes) -> Named:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    doctype = f'<!DOCTYPE Document [<!ENTITY l0 "lol">{laughs}]>'
    yield "a billion laughs", f"<?xml version='1.0'?>{doctype}<Document>&l9;</Document>".encode()
    one = (
        f'<!DOCTYPE Document [<!ENTITY a "{"a" * 50_000}">]><Document>{"&a;" * 200_000}</Document>'
    )
    yield "one entity many times", one.encode()
    outside = (
        '<!DOCTYPE Document [<!ENTITY a SYSTEM "file:///etc/passwd">]><Document>&a;</Document>'
    )
    yield "an entity from outside", outside.encode()
    yield "deep", b"<a>" * (MB // 3)
    yield "deep and closed", b"<a>" * (MB // 7) + b"</a>" * (MB // 7)
    yield "attributes", b"<Document " + b" ".join(b'a%d=""' % i for i in range(MB // 10)) + b"/>"
    yield "one attribute", b'<Document a="' + b"x" * MB + b'"/>'
    yield "namespaces", b"<D " + b" ".join(b'xmlns:a%d="u"' % i for i in range(MB // 16)) + b"/>"
    yield "comments", b"<!--" + b"-" * MB + b"-->"
    yield "an open comment", b"<?xml version='1.0'?>" + b"<!-- " * (MB // 5)
    yield "many comments", b"<?xml version='1.0'?>" + b"<!---->" * 560 + b"<OFY>"
    yield "text", f'<Document xmlns="{_CAMT}">'.encode() + b"x" * MB + b"</Document>"
    yield "UTF-16", seed.decode().replace('encoding="UTF-8"', "").encode("utf-16")
    yield "an encoding that is none", seed.replace(b"UTF-8", b"zlib_codec", 1)
    yield "UTF-7", seed.replace(b"UTF-8", b"UTF-7", 1)
    entry = seed[seed.index(b"<Ntry>") : seed.index(b"</Ntry>") + len(b"</Ntry>")]
    many = entry * (MB // len(entry))
    yield "many entries", seed.replace(entry, many, 1)
    yield "entries in a comment", seed.replace(entry, b"<!--" + many + b"-->" + entry, 1)
    total = b"<TxsSummry><TtlNtries><NbOfNtries>9</NbOfNtries></TtlNtries></TxsSummry>"
    yield "many totals", seed.replace(b"<Ntry>", total * (MB // len(total)) + b"<Ntry>", 1)
    tiny = b'<Ntry><Amt Ccy="EUR">1</Amt><CdtDbtInd>CRDT</CdtDbtInd></Ntry>'
    yield "tiny entries", seed.replace(entry, tiny * (MB // len(tiny)), 1)
    details = b"<NtryDtls>" + b"<TxDtls></TxDtls>" * (MB // 17) + b"</NtryDtls></Ntry>"
    yield "tiny details", seed.replace(b"</Ntry>", details, 1)
    refs = b"<TxDtls><Refs>" + b"<EndToEndId>a</EndToEndId>" * (MB // 26) + b"</Refs>"
    yield "many references", seed.replace(b"<TxDtls>", refs, 1)
    for name, amount in {
        "digits": b"9" * MB,
        "zeros": b"0." + b"0" * MB,
        "1e9": b"1e999999999",
    }.items():
        yield f"an amount of {name}", seed.replace(b"76.80", amount)
    for day in _LEAPS:
        yield day, seed.replace(b"2026-12-03", day.encode())


def _ofx(seed: bytes) -> Named:
    head = seed[: seed.index(b"<OFX>")]
    yield "tags without ends", head + b"<OFX>" + b"<A>" * (MB // 3)
    yield "values without ends", head + b"<OFX>" + b"<A>a" * (MB // 4)
    yield "ends without tags", head + b"<OFX>" + b"</A>" * (MB // 4)
    yield "open brackets", head + b"<OFX>" + b"<" * MB
    yield "closed brackets", head + b"<OFX>" + b">" * MB
    yield "spaces in a tag", head + b"<OFX><A" + b" " * MB + b">"
    yield "spaces between", head + b"<OFX>" + b" \n" * (MB // 2) + b"</OFX>"
    yield "text without tags", head + b"<OFX>" + b"a" * MB
    yield "an open CDATA", head + b"<OFX><MEMO>" + b"<![CDATA[" * (MB // 9)
    yield "ampersands", head + b"<OFX><MEMO>" + b"&amp;" * (MB // 5) + b"</OFX>"
    yield "entities", seed.replace(b"CLIENT SUD", b"&nbsp;" * (MB // 6))
    yield "open comments", head + b"<OFX>" + b"<!--" * (MB // 4)
    yield "comments", seed.replace(b"<STMTTRN>", b"<!-- a -->" * (MB // 10) + b"<STMTTRN>", 1)
    yield "CDATA", seed.replace(b"CLIENT SUD", b"<![CDATA[a]]>" * (MB // 13))
    yield "attributes", seed.replace(b"<STMTTRN>", b"<STMTTRN " + b'a="" ' * (MB // 5) + b">", 1)
    yield "entries without ends", seed.replace(b"<STMTTRN>", b"<STMTTRN>" * (MB // 9), 1)
    yield "fields without text", seed.replace(b"<FITID>A1", b"<SIC>\n" * (MB // 6) + b"<FITID>A1")
    yield "ends of another tag", seed.replace(b"<FITID>A1", b"<SIC>" * (MB // 5) + b"</SIC>" * 99)
    yield "an amount of groups", seed.replace(b"76.80", b"1" + b".000" * (MB // 4))
    yield "a day of digits", seed.replace(b"20261203", b"2026" * (MB // 4))
    yield "a header without end", b"OFXHEADER:100\r\n" + b"A:B\r\n" * (MB // 5)
    yield "a header of spaces", b"OFXHEADER:" + b" " * MB
    yield "a header of digits", b"OFXHEADER:" + b"1" * MB
    yield "spaces before", b" " * MB + seed
    yield "an XML header", b"<?xml " + b" " * MB + b"?><OFX>"
    yield "an OFX header", b'<?OFX OFXHEADER="200" ' + b'VERSION="211" ' * (MB // 14) + b"?><OFX>"
    yield "a character set that is none", seed.replace(b"CHARSET:1252", b"CHARSET:zlib")
    entry = seed[seed.index(b"<STMTTRN>") : seed.index(b"</STMTTRN>") + len(b"</STMTTRN>")]
    yield "many entries", seed.replace(entry, entry * (MB // len(entry)), 1)
    yield "tiny entries", seed.replace(entry, b"<STMTTRN><TRNAMT>1</STMTTRN>" * (MB // 28), 1)
    inner = b"<STMTRS>" * (MB // 8)
    yield "statements in statements", seed.replace(b"<STMTRS>", inner, 1)
    whole = b"<STMTRS></STMTRS>" * (MB // 17)
    yield "many statements", seed.replace(b"<STMTRS>", whole + b"<STMTRS>", 1)
    nested = b"<STMTRS>" * 700 + b"<STMTTRN><TRNAMT>1</STMTTRN>" * 700 + b"</STMTRS>" * 700
    yield "statements around entries", head + b"<OFX>" + nested + b"</OFX>"
    for name, text in {
        "digits": b"9" * MB,
        "zeros": b"0." + b"0" * MB,
        "1e9": b"1e999999999",
    }.items():
        yield f"an amount of {name}", seed.replace(b"76.80", text)
    yield "a name of a megabyte", seed.replace(b"CLIENT SUD", b"RF" * (MB // 2))
    yield "mentions", seed.replace(b"FACT OCTOBRE", b"SUD-2026-0001 " * (MB // 14))
    yield "a mention that never ends", seed.replace(b"FACT OCTOBRE", b"A" * MB)
    yield "a number that never ends", seed.replace(b"FACT OCTOBRE", b"SUD-2026-" + b"9" * MB)


# --- .env and records ----------------------------------------------------------------


def _env(seed: bytes) -> Named:
    yield "a value of a megabyte", b"MAIL_FROM=" + b"a" * MB
    yield "digits", b"LOCK_WAIT=" + b"9" * MB
    yield "an address", b"ALERT_TO=" + b"a@" + b"a." * (MB // 2)
    yield "many addresses", b"ALERT_TO=" + b"a," * (MB // 2)
    yield "lines", b"LOCK_WAIT=1\n" * (MB // 12)
    yield "empty lines", b"\n" * MB
    yield "unknown settings", b"".join(b"K%d=1\n" % i for i in range(MB // 8))
    yield "names without values", b"A\n" * (MB // 2)
    yield "an open quote", b"MAIL_FROM='" + b"a\n" * (MB // 2)
    yield "quotes", b"MAIL_FROM=" + b"'" * MB
    yield "backslashes", b'MAIL_FROM="' + b"\\" * MB
    yield "many open quotes", b"A='\n" * (MB // 4)
    yield "spaces", b"MAIL_FROM=" + b" " * MB + b"x"
    yield "spaces in a line", b"MAIL_FROM" + b" " * MB
    yield "comments", b"# " * (MB // 2)
    yield "equal signs", b"=" * MB
    yield "references", b"MAIL_FROM=" + b"${MAIL_FROM}" * (MB // 12)
    yield "open references", b"MAIL_FROM=" + b"${" * (MB // 2)
    yield "NUL", b"SMTP_CA_FILE=\0\n" + b"\0" * MB
    yield "NUL in the name of a file", b"SMTP_CA_FILE=a\0b\n"
    yield "a name too long for a file", b"SMTP_CA_FILE=" + b"a" * 5_000
    yield "bytes of no encoding", b"\xff" * MB
    yield "other digits", "SMTP_PORT=²\nSMTP_TIMEOUT=٣\nWORKERS=１\n".encode()
    for day in _LEAPS:
        yield f"MAIL_SINCE={day}", f"MAIL_SINCE={day}\n".encode()


def _records(seed: bytes) -> Named:
    first = seed.split(b"\n")[0]
    yield "the first line again and again", (first + b"\n") * (MB // (len(first) + 1))
    yield "no line break", seed + b"a" * MB
    yield "empty lines", seed + b"\n" * MB
    yield "empty objects", b"{}\n" * (MB // 3)
    yield "nothing but [", b"[" * MB + b"\n"
    yield "deep and closed", b"[" * (MB // 2) + b"]" * (MB // 2) + b"\n"
    yield "NUL", b"\0" * MB
    yield "a seq of digits", b'{"hash":"","prev":"","seq":' + b"9" * MB + b"}\n"
    yield "an exponent", b'{"hash":"","prev":"","seq":1e' + b"9" * MB + b"}\n"
    yield "a hash of a megabyte", b'{"hash":"' + b"a" * MB + b'","prev":"","seq":1}\n'
    yield "surrogates", b'{"hash":"' + b"\\ud800" * (MB // 6) + b'","prev":"","seq":1}\n'
    yield "a broken chain of a megabyte", _chain(seed)
    yield "a sound chain of a megabyte, without its head", _chain(seed, broken=False)
    yield "the same key over and over", b"{" + b'"seq":1,' * (MB // 8) + b'"hash":"a"}\n'


def _chain(seed: bytes, *, broken: bool = True) -> bytes:
    """Lines like the first, chained as they should be; the one in the middle is changed."""
    facts = json.loads(seed.split(b"\n")[0])
    lines, prev, size, seq = [], "0" * 64, 0, 0
    while size < MB:
        seq += 1
        record = {**facts, "seq": seq, "prev": prev}
        record.pop("hash")
        prev = storage.sha256(storage.canonical_json(record))
        lines.append(storage.canonical_json({**record, "hash": prev}) + b"\n")
        size += len(lines[-1])
    if broken:
        middle = len(lines) // 2
        lines[middle] = lines[middle].replace(b"2026", b"2025")
    return b"".join(lines)


_MADE: dict[str, Callable[[bytes], Named]] = {
    "client": _client,
    "usage": _usage,
    "credit lines": _credit_lines,
    "batch CSV": _batch_csv,
    "payments CSV": _payments_csv,
    "camt.053": _camt,
    "OFX": _ofx,
    ".env": _env,
    "revenue records": _records,
    "payment records": _records,
}
