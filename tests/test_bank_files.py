"""The files of French banks and of SWIFT: CFONB 120 and MT940."""

import random
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import house
import statement_files
from lib.bank import cfonb, mt940, statements
from lib.bank.statements import BankMovement, StatementError
from lib.core.root import Root
from lib.values import money
from statement_files import SAMPLES, read, reasons, sample

CFONB, SWIFT = "cfonb_120.txt", "mt940_de.sta"
READERS = {CFONB: cfonb, SWIFT: mt940}


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return statement_files.build(tmp_path / "root")


def movements(name: str, data: bytes) -> list[BankMovement]:
    return statements.check(READERS[name].read(data))


def refused(root: Root, tmp_path: Path, name: str, *replaced: tuple[str, str]) -> str:
    """What is said of a sample that is not what it was."""
    before = house.tree(root)
    ran = house.call("read_statement", root, file=str(sample(tmp_path, name, *replaced)))
    assert (ran.code, ran.out, house.tree(root)) == (1, "", before), ran
    return ran.err


# --- CFONB 120 -----------------------------------------------------------------------


def test_a_statement_in_cfonb_120(root: Root) -> None:
    found = read(root, SAMPLES / CFONB)
    rows = [tuple(row.values())[1:6] for row in found.proposed]
    assert rows == [
        ("NORD-2026-0001", "76.80", "2026-12-03", "transfer", "NORD-2026-0001"),
        ("SUD-2026-0001", "76.80", "2026-12-04", "transfer", "RF34SUD20260001"),
    ]
    assert reasons(found) == [
        ("1, entry 4", "a transfer that came back (4)", "EST-2026-0001"),
        ("1, entry 5", "OUEST-2026-0001 has another amount outstanding", "OUEST-2026-0001"),
    ]
    assert [row["party"] for row in found.review] == ["", ""]
    assert "242.74 EUR came in, of which 153.60 proposed, 89.14 to review" in found.out
    assert {row["account"] for row in found.review} == {"300060000112345678901"}


@pytest.mark.parametrize("ending", ["", "\r\n", "\r", "\n\n"])
def test_records_with_line_ends_or_without(ending: str) -> None:
    text = (SAMPLES / CFONB).read_text().replace("\n", ending) + "\x1a"
    assert movements(CFONB, text.encode()) == movements(CFONB, (SAMPLES / CFONB).read_bytes())


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("0000000000768{", "0000000000769{", "opens with 1000.00 EUR, its entries come to -207.16"),
        ("0000000000768{", "0000000000768S", 'record 04, 91 to 104: "0000000000768S" is not an am'),
        ("A1031226", "A1301126", ""),
        ("A1031226", "A1311326", 'record 04, 35 to 40: "311326" is not a date; expected 311026'),
        ("12345678901B1", "12345678902B1", '22 to 32: "12345678902" differs from the other rec'),
        ("EUR2 12345678901B1", "EUR3 12345678901B1", '20 to 20: "3" differs from the other record'),
        ("EUR2 12345678901B1", "EUR  12345678901B1", ""),
        ("\n07", "\n04", "ends without a record 07: it is cut short; download it again"),
        (
            "\n07",
            "\n08",
            'line 14: record 08, 1 to 2: "08" is not a record; expected 01, 04, 05 or',
        ),
        ("\n04", "\n05", 'line 2: record 05, 1 to 2: "05" adds to no entry'),
        ("\n04", "\n07", 'line 3: record 05, 1 to 2: "05" stands outside of an account'),
        ("VIR SEPA CLIENT NORD", "VIR SEPA CLIENT  NORD", "line 2: record 04, 91 to 104"),
        ("LCC", "LIB", ""),
    ],
)
def test_cfonb_that_is_not_as_it_should_be_is_refused_whole(
    root: Root, tmp_path: Path, old: str, new: str, fault: str
) -> None:
    if fault:
        assert fault in refused(root, tmp_path, CFONB, (old, new))
    else:
        assert len(read(root, sample(tmp_path, CFONB, (old, new))).proposed) >= 1


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [("0000000000768{", "2", "76.80"), ("0000000001904}", "2", "-190.40"),
     ("0000000000322J", "2", "-32.21"), ("0000000000974I", "2", "97.49"),
     ("0000000000001R", "0", "-19"), ("0000000012345A", "3", "123.451"),
     ("0000000000000}", "2", "-0.00"), ("0000000000768é", "2", "76.80"),
     ("0000000001904è", "2", "-190.40")],
)  # fmt: skip
def test_the_last_letter_is_a_digit_and_the_sign(text: str, decimals: str, value: str) -> None:
    """é and è stand where a file was written in the French ISO 646."""
    assert str(cfonb._value(text, decimals)) == value


def test_several_accounts_in_one_file_of_cfonb() -> None:
    one = (SAMPLES / CFONB).read_text()
    other = one.replace("12345678901", "00000000042")
    found = movements(CFONB, (one + other).encode())
    assert len(found) == 10
    assert {one.account[-11:] for one in found} == {"12345678901", "00000000042"}
    with pytest.raises(StatementError, match="is the same as statement 1"):
        movements(CFONB, (one + one).encode())


def test_a_day_without_entries_may_say_neither_currency_nor_decimals() -> None:
    first, *_, last = (SAMPLES / CFONB).read_text().splitlines()
    quiet = [line.replace("EUR2", "    ") for line in (first, last[:90] + first[90:])]
    assert movements(CFONB, "\n".join(quiet).encode()) == []
    whole = (SAMPLES / CFONB).read_text()
    quiet_ends = re.sub("(?m)^(0[17].{14})EUR2", r"\1    ", whole)
    assert movements(CFONB, quiet_ends.encode()) == movements(CFONB, whole.encode())
    # Spaces at the end of a line may be cut, and a label may have accents of any encoding.
    cut = re.sub("(?m) +$", "", whole).replace("CLIENT SUD", "CLIENT SÜD")
    for codec in ("utf-8", "latin-1"):
        found = movements(CFONB, cut.encode(codec))
        assert [one.amount for one in found] == [
            one.amount for one in movements(CFONB, whole.encode())
        ]


# --- MT940 ---------------------------------------------------------------------------


def test_a_statement_in_mt940(root: Root) -> None:
    found = read(root, SAMPLES / SWIFT)
    rows = [tuple(row.values())[1:6] for row in found.proposed]
    assert rows == [
        ("NORD-2026-0001", "76.80", "2026-12-03", "transfer", "NORD-2026-0001"),
        ("SUD-2026-0001", "76.80", "2026-12-04", "transfer", "RF34SUD20260001"),
    ]
    assert reasons(found) == [
        (
            "2, entry 1",
            "the bank reverses an earlier movement",
            "EST-2026-0001 OUEST-2026-0001",
        )
    ]
    assert found.proposed[0]["note"] == "bank reference 2026120300000001"
    # What stands behind a closing balance is of the account, not of the last entry.
    assert "is of no entry" not in "".join(row["text"] for row in found.review)
    assert "165.94 EUR came in, of which 153.60 proposed, 12.34 to review" in found.out


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("CR76,80", "CR76,90", "opens with 1000.00 EUR, its entries come to -296.30"),
        (
            "DR450,",
            "DR",
            'line 8, statement 1: "2612041203DRNDDTNONREF//2026120300000002" cannot be',
        ),
        ("2612031203CR", "2613031203CR", "cannot be read"),
        (
            ":62F:C261204EUR703,60",
            ":62F:C261204EUR7O3,60",
            'line 12, statement 1: ":62F:C261204EUR7O3',
        ),
        (":62F:C261204EUR703,60", ":62F:C261204USD703,60", "is not a balance in EUR"),
        (":62F:C261204EUR703,60", ":62F:C261204703,70", "but it closes with 703.70"),
        (":62F:C261204EUR703,60", ":62F:C261204703,60", ""),
        (":62F:C261204EUR703,60\n", "", "has 0 closing balances (:62F: or :62M:); expected one"),
        (":60F:C261202EUR1000,00\n", "", "line 1, statement 1: has 0 opening balances"),
        (
            ":61:2612041203DR450",
            ": 61:2612041203DR450",
            "its entries come to 153.60, but it closes",
        ),
        (":20:STARTUMSE\n:25", ":25", "line 3: has :60F: before the first :20:"),
        ("RD12,34", "D12,34", "opens with 703.60 EUR, its entries come to -12.34"),
        ("CR76,80", "CR76,8", ""),
        ("CR76,80", "C76,80", ""),
        (":60F:C261204", ":60M:C261204", ""),
    ],
)
def test_mt940_that_is_not_as_it_should_be_is_refused_whole(
    root: Root, tmp_path: Path, old: str, new: str, fault: str
) -> None:
    if fault:
        assert fault in refused(root, tmp_path, SWIFT, (old, new))
    else:
        assert read(root, sample(tmp_path, SWIFT, (old, new))).proposed


@pytest.mark.parametrize(
    ("line", "signed", "day"),
    [
        ("2612031203C76,80NTRFNONREF", "76.80", "2026-12-03"),
        ("261203C76,80NTRFNONREF", "76.80", "2026-12-03"),
        ("261203    C76,8NTRFNONREF", "76.8", "2026-12-03"),
        ("2612310102D76,80NTRFNONREF", "-76.80", "2027-01-02"),
        ("2612031203CR76,80N062NONREF\nsupplement", "76.80", "2026-12-03"),
        ("2612031203CN000000000076,80NTRFNONREF//MB1", "76.80", "2026-12-03"),
        ("2612031203RC76,NTRFNONREF", "-76", "2026-12-03"),
        ("2602300301DR76,00N024NONREF", "-76.00", "2026-03-01"),
        ("261203D000000000076,80N0600733959555      T-MOBILE BV", "-76.80", "2026-12-03"),
        ("2612031203DF76,00S   X", "-76.00", "2026-12-03"),
        ("2612031203C76,80NTRF03-12-2026 10:05//B4G", "76.80", "2026-12-03"),
        ("261203C76,80NTRFBIPI-dvT1FzfMqvzF5HaU4oetlH7SGRkonU//20261203", "76.80", "2026-12-03"),
    ],
)
def test_entries_of_mt940_as_banks_write_them(line: str, signed: str, day: str) -> None:
    value = Decimal(signed)
    closing = f"{'C' if value >= 0 else 'D'}261231EUR{abs(value):f}".replace(".", ",")
    text = (
        "{1:F01BANKFRPPXXX0000000000}{2:I940}{4:\r\n:20:X\r\n:25:FR76/1\r\n:28C:1\r\n"
        f":60F:C261202EUR0,\r\n:61:{line}\r\n:86:texte\r\n:62F:{closing}\r\n-}}"
    )
    [found] = movements(SWIFT, text.encode())
    assert (str(statements.signed(found)), str(found.booked)) == (signed, day)


def test_a_report_within_a_day_has_totals_instead_of_balances() -> None:
    text = (SAMPLES / SWIFT).read_text().partition("-\n")[0]
    text = re.sub(":60F:.*", ":34F:EUR0,", text).partition(":62F:")[0]
    report = text + ":90D:1EUR450,\n:90C:2EUR153,60\n-\n"
    assert len(movements(SWIFT, report.encode())) == 3
    with pytest.raises(StatementError, match=":90C: is 3, its entries come to 2"):
        movements(SWIFT, report.replace(":90C:2", ":90C:3").encode())


def test_a_statement_that_is_missing_between_two_is_noticed(root: Root, tmp_path: Path) -> None:
    assert "lies between" not in read(root, SAMPLES / SWIFT).out
    later = sample(tmp_path, SWIFT, (":60F:C261204EUR703,60", ":60F:C261205EUR803,60"),
                   ("EUR715,94", "EUR815,94"))  # fmt: skip
    said = "statement 2 opens with 803.60 EUR, statement 1 closed with 703.60: what lies between"
    assert said in read(root, later).out


# --- both ----------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.data())
def test_a_file_that_is_cut_is_whole_or_refused(name: str, data: st.DataObject) -> None:
    whole = (SAMPLES / name).read_bytes()
    # Nothing in a file says that another statement should follow.
    first = len(movements(name, whole.partition(b"\n-\n")[0])) if name == SWIFT else 5
    at = data.draw(st.integers(0, len(whole)))
    try:
        found = movements(name, whole[:at])
    except StatementError:
        return
    assert len(found) in (first, len(movements(name, whole)))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.randoms(use_true_random=False))
def test_an_amount_that_changed_contradicts_the_balances(name: str, rng: random.Random) -> None:
    """Whatever digit of whatever amount changes, the whole file is refused."""
    text = (SAMPLES / name).read_text()
    amounts = {CFONB: "(?m)^0[147].{88}([0-9]{13})", SWIFT: "(?:[CD]R?|EUR)([0-9]+,[0-9]*)[N\n]"}
    found = rng.choice(list(re.finditer(amounts[name], text)))
    at = rng.choice([i for i in range(*found.span(1)) if text[i].isdigit()])
    changed = text[:at] + rng.choice([d for d in "0123456789" if d != text[at]]) + text[at + 1 :]
    with pytest.raises(StatementError):
        movements(name, changed.encode())


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.binary(max_size=30), st.integers(0))
def test_no_byte_leads_to_anything_but_a_refusal(name: str, noise: bytes, where: int) -> None:
    whole = (SAMPLES / name).read_bytes()
    at = where % len(whole)
    try:
        found = movements(name, whole[:at] + noise + whole[at + len(noise) :])
    except StatementError as error:
        assert all(fault.text for fault in error.faults)
    else:
        sums = {CFONB: Decimal("-207.26"), SWIFT: Decimal("-284.06")}
        assert money.total(map(statements.signed, found)) == sums[name]
