"""The readers of statement files under everything that may happen to a file on its way.

A file that was valid is cut, garbled, written in another way or robbed of an entry; what is
read of it is either all that it holds, or nothing.
"""

import random
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import read_statement
from lib.bank import camt, matching, ofx, statements
from lib.bank.statements import (
    Balance,
    BankMovement,
    Declared,
    File,
    Statement,
    StatementEntry,
    StatementError,
)
from lib.values import money

CENTS = st.integers(1, 99_999_999).map(lambda cents: Decimal(cents).scaleb(-2))


class Item(NamedTuple):
    """An entry to be written; `parts` are its details, where it has several."""

    amount: Decimal
    booked: bool
    name: str
    parts: tuple[Decimal, ...] = ()


SIGNED = st.builds(lambda amount, out: -amount if out else amount, CENTS, st.booleans())
NAMES = st.sampled_from(["Nord & Fils", "Forêt", "RF61NORD20260001", ""])


def item(booked: bool) -> st.SearchStrategy[Item]:
    return st.builds(lambda amount, name: Item(amount, booked, name), SIGNED, NAMES)


def batch(parts: list[Decimal], name: str) -> Item:
    return Item(money.total(parts), True, name, tuple(parts))


PARTS = st.lists(SIGNED, min_size=2, max_size=4).filter(sum)
SINGLE = st.lists(item(booked=True), min_size=1, max_size=5)
# Those of camt.053 may be pending, and hold transfers in both directions.
ITEMS = st.lists(
    st.one_of(item(True), item(False), st.builds(batch, PARTS, NAMES)), min_size=1, max_size=5
)


def read(data: bytes) -> list[BankMovement]:
    return statements.check((ofx if ofx.is_ofx(data) else camt).read(data))


def came(movements: list[BankMovement]) -> list[Decimal]:
    return [statements.signed(movement) for movement in movements]


# --- valid files ---------------------------------------------------------------------


def camt_side(amount: Decimal) -> str:
    side = "CRDT" if amount > 0 else "DBIT"
    return f'<Amt Ccy="EUR">{abs(amount)}</Amt><CdtDbtInd>{side}</CdtDbtInd>'


def camt_entry(item: Item) -> str:
    name = item.name.replace("&", "&amp;").replace("<", "&lt;")
    details = "".join(
        f"<TxDtls>{camt_side(part)}<RmtInf><Ustrd>{name}</Ustrd></RmtInf></TxDtls>"
        for part in item.parts or (item.amount,)
    )
    return (
        f"<Ntry>{camt_side(item.amount)}<Sts>{'BOOK' if item.booked else 'PDNG'}</Sts>"
        "<BookgDt><Dt>2026-12-03</Dt></BookgDt><BkTxCd/>"
        f"<NtryDtls>{details}</NtryDtls></Ntry>\n"
    )


def balance(kind: str, amount: Decimal) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp>{camt_side(amount)}"
        "<Dt><Dt>2026-12-03</Dt></Dt></Bal>"
    )


def camt_file(entries: list[Item], balances: bool, totals: bool) -> tuple[str, list[str], str]:
    """Head, entries and foot of a statement."""
    booked = money.total(item.amount for item in entries if item.booked)
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        "<GrpHdr/><Stmt><Id>1</Id><Acct><Id><IBAN>FR76</IBAN></Id></Acct>"
    )
    if balances:
        head += balance("OPBD", Decimal("100.00")) + balance("CLBD", Decimal("100.00") + booked)
    if totals:
        gross = money.total(abs(item.amount) for item in entries)
        head += (
            f"<TxsSummry><TtlNtries><NbOfNtries>{len(entries)}</NbOfNtries><Sum>{gross}</Sum>"
            "</TtlNtries></TxsSummry>"
        )
    return head, [camt_entry(item) for item in entries], "</Stmt></BkToCstmrStmt></Document>"


HEADER = "OFXHEADER:100\nDATA:OFXSGML\nENCODING:UTF-8\n\n"


def ofx_file(entries: list[Item], ends: bool) -> str:
    """OFX of which the fields have end tags or not."""

    def field(name: str, value: str) -> str:
        return f"<{name}>{value}" + (f"</{name}>\n" if ends else "\n")

    rows = "".join(
        "<STMTTRN>\n"
        + field("TRNTYPE", "OTHER")
        + field("DTPOSTED", "20261203")
        + field("TRNAMT", f"{item.amount}")
        + field("FITID", f"A{i}")
        + field("NAME", item.name.replace("&", "&amp;"))
        + "</STMTTRN>\n"
        for i, item in enumerate(entries)
    )
    return (
        f"{HEADER}<OFX>\n<BANKMSGSRSV1>\n<STMTTRNRS>\n<STMTRS>\n{field('CURDEF', 'EUR')}"
        f"<BANKACCTFROM>\n{field('ACCTID', '1')}</BANKACCTFROM>\n<BANKTRANLIST>\n{rows}"
        f"</BANKTRANLIST>\n</STMTRS>\n</STMTTRNRS>\n</BANKMSGSRSV1>\n</OFX>\n"
    )


# --- what happens to them ------------------------------------------------------------


@settings(max_examples=50)
@given(ITEMS, st.booleans(), st.booleans())
def test_what_camt_holds_is_read(entries: list[Item], balances: bool, totals: bool) -> None:
    head, rows, foot = camt_file(entries, balances, totals)
    expected = [part for item in entries for part in item.parts or (item.amount,)]
    assert came(read((head + "".join(rows) + foot).encode())) == expected


@settings(max_examples=50)
@given(SINGLE, st.booleans())
def test_what_ofx_holds_is_read(entries: list[Item], ends: bool) -> None:
    found = read(ofx_file(entries, ends).encode())
    assert came(found) == [item.amount for item in entries]
    assert [movement.party for movement in found] == [item.name for item in entries]


@settings(max_examples=50)
@given(SINGLE, st.booleans(), st.data())
def test_a_file_that_is_cut_is_whole_or_refused(
    entries: list[Item], as_ofx: bool, data: st.DataObject
) -> None:
    head, rows, foot = camt_file(entries, balances=False, totals=False)
    text = (
        ofx_file(entries, ends=data.draw(st.booleans())) if as_ofx else "".join([head, *rows, foot])
    )
    whole = text.encode()
    at = data.draw(st.integers(0, len(whole)))
    try:
        found = read(whole[:at])
    except StatementError:
        return
    assert came(found) == [item.amount for item in entries]


@settings(max_examples=50)
@given(ITEMS, st.booleans(), st.data())
def test_an_entry_too_few_or_too_many_contradicts_the_totals(
    entries: list[Item], by_balance: bool, data: st.DataObject
) -> None:
    # A balance says nothing of what is pending, and a total may leave it out.
    entries = [item._replace(booked=True) for item in entries]
    head, rows, foot = camt_file(entries, balances=by_balance, totals=not by_balance)
    at = data.draw(st.integers(0, len(rows) - 1))
    fewer = rows[:at] + rows[at + 1 :]
    for changed in (fewer, [*rows, rows[at]]):
        with pytest.raises(StatementError):
            read((head + "".join(changed) + foot).encode())
    shuffled = data.draw(st.permutations(rows))
    assert Counter(came(read((head + "".join(shuffled) + foot).encode()))) == Counter(
        came(read((head + "".join(rows) + foot).encode()))
    )


@settings(max_examples=50)
@given(SINGLE, st.integers(0), st.booleans())
def test_an_amount_that_changed_contradicts_the_totals(
    entries: list[Item], which: int, by_balance: bool
) -> None:
    head, rows, foot = camt_file(entries, balances=by_balance, totals=not by_balance)
    at = which % len(rows)
    other = entries[at]._replace(amount=entries[at].amount * 10)
    rows[at] = camt_entry(other)
    with pytest.raises(StatementError):
        read((head + "".join(rows) + foot).encode())


@settings(max_examples=50)
@given(SINGLE, st.randoms(use_true_random=False))
def test_however_tags_are_written_the_same_is_read(entries: list[Item], rng: random.Random) -> None:
    """Upper and lower case, spaces, end tags of fields or none, fields that are empty."""

    def written(tag: re.Match[str]) -> str:
        end, name = tag[1], tag[2]
        if name in ("TRNAMT", "NAME", "ACCTID", "CURDEF") and end and rng.random() < 0.5:
            return ""
        more = "<SIC>" if name == "FITID" and not end and rng.random() < 0.5 else ""
        name = rng.choice([name, name.lower(), name.capitalize()])
        return f"{more}<{end}{name}{rng.choice(['', ' ', '  '])}>"

    head, _, body = ofx_file(entries, ends=True).partition("<OFX>")
    changed = re.sub(r"<(/?)([A-Z0-9]+)>", written, f"<OFX>{body}")
    assert read((head + changed).encode()) == read((head + "<OFX>" + body).encode())


@settings(max_examples=50)
@given(SINGLE, st.booleans(), st.data())
def test_a_garbled_file_is_read_as_its_text_or_refused(
    entries: list[Item], as_ofx: bool, data: st.DataObject
) -> None:
    """Whatever is struck out: what is read is what a look at the text finds."""
    head, rows, foot = camt_file(entries, balances=False, totals=False)
    text = ofx_file(entries, ends=False) if as_ofx else "".join([head, *rows, foot])
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(1, 60))
    text = text[:start] + text[start + length :]
    try:
        found = read(text.encode())
    except StatementError:
        return
    tag, amount = ("STMTTRN", "TRNAMT") if as_ofx else ("Ntry", 'Amt Ccy="EUR"')
    parts = text.split(f"<{tag}>")[1:]
    figures = [re.findall(f"<{amount}>([^<\n]*)", part)[0] for part in parts]
    assert [abs(value) for value in came(found)] == [abs(Decimal(figure)) for figure in figures]


@given(st.binary(max_size=30), st.integers(0), st.booleans())
def test_no_byte_leads_to_anything_but_a_refusal(noise: bytes, where: int, as_ofx: bool) -> None:
    entries = [Item(Decimal("76.80"), True, "Nord")] * 2
    head, rows, foot = camt_file(entries, balances=True, totals=True)
    whole = (ofx_file(entries, ends=False) if as_ofx else "".join([head, *rows, foot])).encode()
    at = where % len(whole)
    try:
        found = read(whole[:at] + noise + whole[at + len(noise) :])
    except StatementError as error:
        assert all(fault.text for fault in error.faults)
    else:
        assert len(found) == 2


@given(CENTS, st.sampled_from(["", "+", "-", "- "]))
def test_amounts_of_ofx_as_banks_write_them(amount: Decimal, sign: str) -> None:
    value = -amount if sign.startswith("-") else amount
    plain, grouped = f"{amount}", f"{amount:,}"
    ways = {plain + "0" * 20, plain, plain.replace(".", ","), grouped, grouped.replace(",", " ")}
    ways |= {grouped.translate({ord(","): ".", ord("."): ","}), plain + "00"}
    if amount < 1:
        ways.add(plain.removeprefix("0"))
    if amount == amount.to_integral():
        ways |= {plain[:-2], plain[:-3]}
    for text in ways:
        assert ofx._amount(sign + text) == value, text


@pytest.mark.parametrize(
    "text", ["", ".", "+", "-", "1.2.3", "1,07,6.80", "1.234.5", "12,345,67", "$5", "1e3", "5-",
             "1 2345.00", "(5.00)", "١", "1234,567.890,1", "--5", "NaN"]
)  # fmt: skip
def test_what_may_not_be_an_amount_of_ofx(text: str) -> None:
    assert ofx._amount(text) is None


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20260103", "2026-01-03"),
        ("20260103120000[-5:EST]", "2026-01-03"),
        ("20260103000000.000[+1.00:CET]", "2026-01-03"),
        ("20260131233000[-3:BRT]", "2026-01-31"),
        ("20260103093914:014", "2026-01-03"),
        ("202601031200", "2026-01-03"),
        ("2026-01-03", "2026-01-03"),
        ("2026-01-03T12:00:00", "2026-01-03"),
        ("20261301", "None"),
        ("2026-13-01", "None"),
        ("03/01/2026", "None"),
        ("2026010", "None"),
        ("2026-1-3", "None"),
    ],
)
def test_dates_of_ofx(text: str, day: str) -> None:
    assert str(ofx._day(text)) == day


@settings(max_examples=50)
@given(ITEMS)
def test_no_amount_that_came_in_is_lost(entries: list[Item]) -> None:
    """Whatever becomes of them, the parts add up to what the file says came in."""
    head, rows, foot = camt_file(entries, balances=True, totals=True)
    movements = read((head + "".join(rows) + foot).encode())
    result = matching.match(movements, matching.known([], movements))
    parts = [part for item in entries for part in item.parts or (item.amount,)]
    came_in = money.total(part for part in parts if part > 0)
    assert money.total(statements.signed(one.movement) for one in result.review) == came_in
    assert -money.total(map(statements.signed, result.outgoing)) == came_in - money.total(parts)
    lines = [
        f"{came_in} EUR came in, of which 0.00 proposed, {came_in} to review, 0.00 recorded already"
    ]
    assert list(map(str, read_statement.incoming(movements, result))) == (lines if came_in else [])


# --- the check itself ----------------------------------------------------------------


def movement(amount: str, **more: object) -> BankMovement:
    value = Decimal(amount)
    fields = (
        "1",
        "FR76",
        None,
        abs(value),
        "EUR",
        value > 0,
        False,
        "transfer",
        (),
        "",
        "",
        "",
        "",
    )
    return BankMovement(*fields)._replace(**more)  # type: ignore[arg-type]


def entry(amount: str, *parts: str, booked: bool = True) -> StatementEntry:
    movements = [movement(part) for part in parts or (amount,)]
    return StatementEntry("entry", Decimal(amount), "EUR", booked, movements)


def checked(statement: Statement, number: int = 2, amounts: str = "5.00 -2.00") -> list[str]:
    found = [Decimal(amount) for amount in amounts.split()]
    try:
        statements.check(File([statement], "TAG", number, found, []))
    except StatementError as error:
        return [fault.text for fault in error.faults]
    return []


TWO = Statement("statement 1", "FR76", [entry("5.00"), entry("-2.00")], [], [], [])
HUNDRED, REST = Balance(Decimal(100), "EUR"), Balance(Decimal(103), "EUR")


@pytest.mark.parametrize(
    ("statement", "number", "amounts", "faults"),
    [
        (TWO, 2, "5.00 -2.00", 0),
        (TWO, 3, "5.00 -2.00", 1),
        (TWO, 2, "5.00 2.00", 1),
        (TWO, 2, "5.00", 1),
        (TWO, 2, "5.00 -2.00 1.00", 1),
        (TWO._replace(entries=[entry("5.00", "3.00", "2.01"), entry("-2.00")]), 2, "5 -2", 1),
        (TWO._replace(opening=[HUNDRED], closing=[REST]), 2, "5 -2", 0),
        (TWO._replace(opening=[REST], closing=[HUNDRED]), 2, "5 -2", 1),
        (TWO._replace(opening=[REST, HUNDRED], closing=[HUNDRED, REST]), 2, "5 -2", 0),
        (TWO._replace(opening=[HUNDRED]), 2, "5 -2", 0),
        (TWO._replace(declared=[Declared("Sum", "all", 2, Decimal(7), Decimal(3))]), 2, "5 -2", 0),
        (TWO._replace(declared=[Declared("Sum", "all", 3, Decimal(8), Decimal(4))]), 2, "5 -2", 3),
        (TWO._replace(declared=[Declared("Sum", "all", None, Decimal(3))]), 2, "5 -2", 0),
        (TWO._replace(declared=[Declared("Sum", "in", 1, Decimal(5))]), 2, "5 -2", 0),
        (TWO._replace(declared=[Declared("Sum", "out", 1, Decimal(5))]), 2, "5 -2", 1),
    ],
)
def test_each_difference_is_found(
    statement: Statement, number: int, amounts: str, faults: int
) -> None:
    assert len(checked(statement, number, amounts)) == faults


def test_entries_in_another_currency_than_the_balances_are_for_a_person() -> None:
    dollars = [Balance(Decimal(100), "USD"), Balance(Decimal(103), "USD")]
    assert checked(TWO._replace(opening=[HUNDRED], closing=dollars[1:])) == [
        "opens in EUR and closes in USD"
    ]
    other = TWO._replace(opening=dollars[:1], closing=dollars[1:])
    found = statements.check(File([other], "TAG", 2, [Decimal(5), Decimal(-2)], []))
    assert [str(one.doubt) for one in found] == [
        "is in EUR, the balances of the account in USD"
    ] * 2
    both = TWO._replace(opening=[HUNDRED, dollars[0]], closing=[REST, dollars[0]])
    assert checked(both) == []


def test_totals_may_leave_out_what_is_not_booked() -> None:
    with_pending = TWO._replace(entries=[entry("5.00"), entry("-2.00", booked=False)])
    for number, total in ((2, 7), (1, 5)):
        declared = [Declared("Sum", "all", number, Decimal(total))]
        assert checked(with_pending._replace(declared=declared)) == []
    balances = with_pending._replace(opening=[HUNDRED], closing=[Balance(Decimal(105), "EUR")])
    assert checked(balances) == []


@pytest.mark.parametrize(
    ("name", "tag"),
    [("ofx_211.ofx", "STMTTRN"), ("camt053_08_six.xml", "Ntry")],
)
def test_an_entry_under_another_name_is_not_skipped(name: str, tag: str) -> None:
    """Start and end tag garbled alike: the file is well-formed, and would be short of an entry."""
    text = (Path(__file__).parent / "statements" / name).read_text(encoding="utf-8")
    first, _, rest = text.partition(f"<{tag}>")
    odd = first + f"<{tag}Q>" + rest.replace(f"</{tag}>", f"</{tag}Q>", 1)
    odd = re.sub(r"<(Bal|TxsSummry)>.*?</\1>", "", odd, flags=re.DOTALL)
    with pytest.raises(StatementError, match=f"<{tag}Q> is not a"):
        read(odd.encode())


def test_the_same_statement_twice_is_refused() -> None:
    twice = File(
        [TWO, TWO._replace(place="statement 2")], "TAG", 4, [Decimal(5), Decimal(-2)] * 2, []
    )
    with pytest.raises(StatementError, match="statement 2: is the same as statement 1"):
        statements.check(twice)
