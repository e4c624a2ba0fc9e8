"""Bank statements: what they propose, what goes to a person, what is refused.

The samples follow the usage of the Deutsche Kreditwirtschaft and CFONB (camt.053.001.02), of
SIX (camt.053.001.08), and of banks' OFX exports; each entry says what it is about.
"""

import re
from decimal import Decimal
from pathlib import Path

import pytest

import books
import house
import statement_files
from lib.core.root import Root
from statement_files import SAMPLES, read, reasons, sample

TWO = "RF71EST20260001 RF44EST20260002"
NOTE = "bank reference 202612030000000{}"


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return statement_files.build(tmp_path / "root")


# --- camt.053 ------------------------------------------------------------------------


def test_a_sepa_statement_entry_by_entry(root: Root) -> None:
    found = read(root, SAMPLES / "camt053_02_sepa.xml")
    rows = [[*row.values()] for row in found.proposed]
    assert [[*row[:4], *row[5:7]] for row in rows] == [
        ["nord", "NORD-2026-0001", "76.80", "2026-12-03", "RF61NORD20260001", NOTE.format(1)],
        ["sud", "SUD-2026-0001", "76.80", "2026-12-03", "SUD-2026-0001", NOTE.format(2)],
        [
            "ouest",
            "OUEST-2026-0001",
            "76.80",
            "2026-12-04",
            "RF94OUEST20260001",
            "bank reference T6-1",
        ],
        ["nord", "NORD-2026-0002", "76.80", "2026-12-09", "NORD-2026-0002", ""],
        ["est", "EST-2026-0001", "76.80", "2026-12-09", TWO, ""],
        ["est", "EST-2026-0002", "76.80", "2026-12-09", TWO, ""],
    ]
    matched_by = [row["matched_by"] for row in found.proposed]
    assert matched_by == [*["reference_field"] * 3, "number_in_text", *["reference_field"] * 2]
    assert reasons(found) == [
        ("1, entry 4", "is not booked (PDNG)", "EST-2026-0001"),
        ("1, entry 5", "the bank reverses an earlier movement", ""),
        ("1, entry 6, detail 2", "names no invoice of ours", ""),
        (
            "1, entry 7",
            "a second transfer for NORD-2026-0001; statement 1, entry 1 is proposed already",
            "NORD-2026-0001",
        ),
        ("1, entry 9", "OUEST-2026-0002 has another amount outstanding", "OUEST-2026-0002"),
        ("1, entry 10", "is in USD, the invoice in EUR", "OUEST-2026-0002"),
        ("1, entry 11", "charges of 1.50 EUR are in it", "OUEST-2026-0002"),
        (
            "1, entry 13",
            "goes out and names an invoice: a refund, or a payment that came back?",
            "SUD-2026-0001",
        ),
    ]
    by_place = {row["place"]: row for row in found.review}
    assert by_place["statement 1, entry 9"]["outstanding"] == "76.80"
    assert by_place["statement 1, entry 5"]["amount"] == "-12.00"
    assert by_place["statement 1, entry 7"]["party"] == '\'=HYPERLINK("http://evil.example")'
    assert "0 recorded already, 1 outgoing" in found.out


def test_a_swiss_statement_of_two_accounts(root: Root) -> None:
    found = read(root, SAMPLES / "camt053_08_six.xml")
    assert [(row["invoice"], row["date"], row["method"]) for row in found.proposed] == [
        ("NORD-2026-0001", "2026-12-03", "transfer"),
        ("SUD-2026-0001", "2026-12-05", "direct_debit"),
    ]
    assert reasons(found) == [
        ("1, entry 2", "a batch of 2 transfers that the statement does not itemise", ""),
        ("1, entry 3", "its 2 transfers do not add up to its amount", ""),
        ("1, entry 4", "a transfer that came back (AC04)", "EST-2026-0001"),
    ]


def test_a_batch_that_adds_up_is_taken_apart(root: Root, tmp_path: Path) -> None:
    found = read(root, sample(tmp_path, "camt053_08_six.xml", ("153.61", "153.60")))
    assert {row["invoice"] for row in found.proposed} >= {"EST-2026-0001", "OUEST-2026-0001"}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "<RvslInd>false</RvslInd>",
            "<RvslInd>true</RvslInd>",
            "the bank reverses an earlier movement",
        ),
        (
            "<RvslInd>false</RvslInd>",
            "<RvslInd>1</RvslInd>",
            "the bank reverses an earlier movement",
        ),
        ("<Cd>BOOK</Cd>", "<Cd>INFO</Cd>", "is not booked (INFO)"),
        ("<Cd>BOOK</Cd>", "", "is not booked (no status)"),
        (
            "2026-12-03T00:30:00+01:00",
            "2026-11-07T23:59:00+01:00",
            "was booked before NORD-2026-0001",
        ),
        ("<DtTm>2026-12-03T00:30:00+01:00</DtTm>", "", "has no date of booking"),
        ("RF61NORD20260001", "RF62NORD20260001", "names no invoice of ours"),
        ("<EndToEndId>NOTPROVIDED", "<EndToEndId>NORD-2026-0002", "names several invoices"),
        ("<NbOfTxs>1<", "<NbOfTxs>2<", "a batch of 2 transfers"),
        ('<Amt Ccy="EUR">76.80', '<Amt Ccy="EUR">76.79', "its detail says 76.80 EUR"),
    ],
)
def test_whatever_speaks_against_a_match_sends_it_to_a_person(
    root: Root, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    found = read(root, sample(tmp_path, "camt053_08_six.xml", (old, new)))
    assert "NORD-2026-0001" not in {row["invoice"] for row in found.proposed}
    assert found.review[0]["place"] == "statement 1, entry 1"
    assert found.review[0]["reason"].startswith(reason)


def test_a_detail_that_says_the_other_direction_goes_to_a_person(
    root: Root, tmp_path: Path
) -> None:
    """Money goes the way that its entry says; what a detail says against it is not hidden."""
    side = "<CdtDbtInd>{}</CdtDbtInd>"
    in_entry = "</Amt>\n        " + side.format("{}") + "\n        <RvslInd>"
    in_detail = "</Amt>\n            " + side.format("{}") + "\n            <RltdPties>"
    for place, sign in ((in_entry, "-"), (in_detail, "")):
        swapped = (place.format("CRDT"), place.format("DBIT"))
        found = read(root, sample(tmp_path, "camt053_08_six.xml", swapped))
        assert "NORD-2026-0001" not in {row["invoice"] for row in found.proposed}
        row = found.review[0]
        assert (row["place"], row["amount"]) == ("statement 1, entry 1", f"{sign}76.80")
        assert re.fullmatch("its detail says (CRDT|DBIT), the other direction", row["reason"])
        assert row["candidate"] == "NORD-2026-0001"


@pytest.mark.parametrize(
    ("amount", "charges", "reviewed"),
    [
        ('"EUR">75.00', "", True),
        ('"EUR">75.00', "<Chrgs><Rcrd><Amt Ccy='EUR'>1.80</Amt></Rcrd></Chrgs>", False),
        ('"USD">83.10', "", False),
    ],
)
def test_money_that_goes_out_abroad_is_not_a_contradiction(
    root: Root, tmp_path: Path, amount: str, charges: str, reviewed: bool
) -> None:
    """A detail before charges, or in the currency of the payee, agrees with its entry."""
    text = (SAMPLES / "camt053_08_six.xml").read_text()
    entry = text[text.index("<Ntry>") : text.index("</Ntry>")]
    head, details, rest = entry.partition("<TxDtls>")
    rest = rest.replace('"EUR">76.80', amount).replace("<RltdPties>", charges + "<RltdPties>")
    out = (head + details + rest).replace("CRDT", "DBIT").replace("RCDT", "ICDT")
    file = tmp_path / "statement.xml"
    file.write_text(text.replace(entry, out.replace("RF61NORD20260001", "1")))
    found = read(root, file)
    assert ("1, entry 1" in {place for place, _, _ in reasons(found)}) == reviewed
    file.write_text(text.replace(entry, head + details + rest))
    assert "1, entry 1" in {place for place, _, _ in reasons(read(root, file))}


def test_a_detail_without_a_reference_is_not_lost_by_its_direction(
    root: Root, tmp_path: Path
) -> None:
    file = sample(
        tmp_path,
        "camt053_08_six.xml",
        ("<Ref>RF61NORD20260001</Ref>", "<Ref>1</Ref>"),
        ("</Amt>\n            <CdtDbtInd>CRDT", "</Amt>\n            <CdtDbtInd>DBIT"),
    )
    assert ("1, entry 1", "its detail says DBIT, the other direction", "") in reasons(
        read(root, file)
    )


@pytest.mark.parametrize(
    ("details", "reviewed"),
    [
        ("<Btch><NbOfTxs>2</NbOfTxs></Btch>", False),
        ("<TxDtls/><TxDtls/>", False),
        ("<Btch><NbOfTxs>3</NbOfTxs></Btch><TxDtls/><TxDtls/>", True),
        ("<Btch><TtlAmt Ccy='EUR'>153.00</TtlAmt></Btch>", True),
    ],
)
def test_a_batch_that_goes_out_is_reviewed_where_it_contradicts_itself(
    root: Root, tmp_path: Path, details: str, reviewed: bool
) -> None:
    """Salaries are paid in one booking, mostly without details: that is not an alarm."""
    text = (SAMPLES / "camt053_08_six.xml").read_text()
    start = text.index("<!-- 2:")
    batch = text[start : text.index("</Ntry>", start)]
    out = batch.replace("CRDT", "DBIT").replace("RCDT", "ICDT")
    out = out.replace("<Btch><NbOfTxs>2</NbOfTxs></Btch>", details)
    file = tmp_path / "statement.xml"
    file.write_text(text.replace(batch, out))
    found = read(root, file)
    assert ("1, entry 2" in {place for place, _, _ in reasons(found)}) == reviewed
    assert f"0 recorded already, {0 if reviewed else 1} outgoing" in found.out


@pytest.mark.parametrize("code", ["RCDT", "RRCT", "IDDT"])
def test_money_that_goes_out_under_a_code_of_money_received_is_reviewed(
    root: Root, tmp_path: Path, code: str
) -> None:
    text = (SAMPLES / "camt053_02_sepa.xml").read_text()
    start = text.index("<!-- 8:")
    file = tmp_path / "statement.xml"
    out = text[start:].replace("CRDT", "DBIT", 1).replace("RCDT", code, 1)
    file.write_text(text[:start] + out)
    reason = f"goes out, but its bank transaction code ({code}) says that it was received"
    assert ("1, entry 8", reason, "NORD-2026-0002") in reasons(read(root, file))


@pytest.mark.parametrize("code", ["ICDT", "IRCT", "RDDT"])
def test_money_that_comes_in_under_a_code_of_money_sent_is_reviewed(
    root: Root, tmp_path: Path, code: str
) -> None:
    """A transfer of ours that came back names what it paid, and pays no invoice of ours."""
    text = (SAMPLES / "camt053_02_sepa.xml").read_text()
    start = text.index("<!-- 1:")
    file = tmp_path / "statement.xml"
    file.write_text(text[:start] + text[start:].replace("RCDT", code, 1))
    reason = f"comes in, but its bank transaction code ({code}) says that it was sent"
    assert ("1, entry 1", reason, "NORD-2026-0001") in reasons(read(root, file))


def test_the_code_of_an_entry_with_several_details_counts_too(root: Root, tmp_path: Path) -> None:
    text = (SAMPLES / "camt053_08_six.xml").read_text()
    start = text.index("<!-- 2:")
    batch = text[start : text.index("</Ntry>", start)]
    out = batch.replace("CRDT", "DBIT").replace(
        "<Btch><NbOfTxs>2</NbOfTxs></Btch>", "<TxDtls/>" * 2
    )
    file = tmp_path / "statement.xml"
    file.write_text(text.replace(batch, out))
    reason = "goes out, but its bank transaction code (RCDT) says that it was received"
    assert ("1, entry 2", reason) in {found[:2] for found in reasons(read(root, file))}


CHARGES = "<Chrgs><TtlChrgsAndTaxAmt Ccy='EUR'>2.50</TtlChrgsAndTaxAmt>{}</Chrgs><RltdPties>"
RECORD = "<Rcrd><Amt Ccy='EUR'>2.50</Amt>{}</Rcrd>"


@pytest.mark.parametrize(
    ("records", "included"),
    [
        ("", True),
        (RECORD.format(""), True),
        (RECORD.format("<ChrgInclInd>true</ChrgInclInd>"), True),
        (RECORD.format("<ChrgInclInd>false</ChrgInclInd>"), False),
        (RECORD.format("<ChrgInclInd>0</ChrgInclInd>") + RECORD.format(""), True),
    ],
)
def test_charges_that_are_not_included_are_not_in_the_amount(
    root: Root, tmp_path: Path, records: str, included: bool
) -> None:
    charges = CHARGES.format(records)
    found = read(root, sample(tmp_path, "camt053_08_six.xml", ("<RltdPties>", charges)))
    assert ("charges of 2.50 EUR are in it" in {row["reason"] for row in found.review}) == included
    assert ("NORD-2026-0001" in {row["invoice"] for row in found.proposed}) != included


SUMMARY = """<TxsSummry>
  <TtlNtries><NbOfNtries>4</NbOfNtries><Sum>460.81</Sum>
    <TtlNetNtry><Amt>460.81</Amt><CdtDbtInd>CRDT</CdtDbtInd></TtlNetNtry></TtlNtries>
  <TtlCdtNtries><NbOfNtries>4</NbOfNtries><Sum>460.81</Sum></TtlCdtNtries>
  <TtlDbtNtries><NbOfNtries>0</NbOfNtries><Sum>0</Sum></TtlDbtNtries>
</TxsSummry>"""
CLOSING = """<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">460.81</Amt>
  <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-12-10</Dt></Dt></Bal>"""
FIRST = "</Bal>\n      <Ntry>\n        <!-- 1: booked"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("", "", ""),
        (">4</NbOf", ">5</NbOf", "TtlNtries/NbOfNtries is 5, its entries come to 4"),
        ("<Sum>460.81", "<Sum>537.61", "TtlNtries/Sum is 537.61, its entries come to 460.81"),
        ("<Amt>460.81", "<Amt>384.01", "TtlNtries/TtlNetNtry is 384.01, its entries come to 460.8"),
        (
            "4</NbOfNtries><Sum>460.81</Sum></TtlC",
            "3</NbOfNtries></TtlC",
            "TtlCdtNtries/NbOfNtries",
        ),
        ("<Sum>0</Sum>", "<Sum>0.01</Sum>", "TtlDbtNtries/Sum is 0.01, its entries come to 0.00"),
        ('"EUR">460.81', '"EUR">384.01', "opens with 0.00 EUR, its entries come to 460.81, but it"),
        ('"EUR">460.81', '"CHF">460.81', "opens in EUR and closes in CHF"),
    ],
)
def test_a_file_that_contradicts_its_own_totals_is_refused_whole(
    root: Root, tmp_path: Path, old: str, new: str, fault: str
) -> None:
    totals = (CLOSING + SUMMARY).replace(old, new, 1)
    changed = (FIRST, FIRST.replace("</Bal>", "</Bal>" + totals))
    file = sample(tmp_path, "camt053_08_six.xml", changed)
    if not fault:
        assert read(root, file).proposed
        return
    ran = house.call("read_statement", root, file=str(file))
    assert (ran.code, ran.out) == (1, "")
    assert f"statement 1: {fault}" in ran.err
    assert not (root.path / "exports").exists()


def test_one_page_of_a_statement_says_so_and_its_totals_are_those_of_all(
    root: Root, tmp_path: Path
) -> None:
    changed = (FIRST, FIRST.replace("</Bal>", "</Bal>" + SUMMARY.replace(">4<", ">9<")))
    page = ("<LastPgInd>true", "<LastPgInd>false")
    found = read(root, sample(tmp_path, "camt053_08_six.xml", changed, page))
    assert "is page 1, not the last one: its totals were not checked\n" in found.out


def test_what_came_in_adds_up(root: Root) -> None:
    found = read(root, SAMPLES / "camt053_02_sepa.xml")
    assert (
        "76.80 USD came in, of which 0.00 proposed, 76.80 to review, 0.00 recorded already\n"
        in found.out
    )
    [figures] = re.findall(
        "(.*) EUR came in, of which (.*) proposed, (.*) to review, (.*) rec", found.out
    )
    whole, *parts = map(Decimal, figures)
    assert (whole, parts) == (sum(parts), [Decimal("460.80"), Decimal("300.40"), 0])


def test_an_entry_that_stands_twice_goes_to_a_person(root: Root, tmp_path: Path) -> None:
    text = (SAMPLES / "camt053_08_six.xml").read_text()
    entry = text[text.index("<Ntry>") : text.index("</Ntry>") + len("</Ntry>")]
    # Nothing names an invoice, and money that goes out would only be counted.
    once = entry.replace("RF61NORD20260001", "1").replace("CRDT", "DBIT").replace("RCDT", "ICDT")
    file = tmp_path / "twice.xml"
    file.write_text(text.replace(entry, once + once, 1))
    found = read(root, file)
    reason = "is the same as statement 1, entry 1, with the same bank reference"
    assert ("1, entry 2", reason, "") in reasons(found)
    assert "0 recorded already, 1 outgoing" in found.out


@pytest.mark.parametrize("version", ["02", "03", "09", "14"])
def test_every_version_of_the_message_is_read(root: Root, tmp_path: Path, version: str) -> None:
    file = sample(tmp_path, "camt053_08_six.xml", ("camt.053.001.08", f"camt.053.001.{version}"))
    assert len(read(root, file).proposed) == 2


def test_the_first_version_has_its_details_in_no_list(root: Root, tmp_path: Path) -> None:
    text = (SAMPLES / "camt053_08_six.xml").read_text()
    text = text.replace("camt.053.001.08", "camt.053.001.01")
    text = text.replace("</Bal>", "</Bal>" + CLOSING, 1)
    text = re.sub("</?(NtryDtls|CdOrPrtry)>", "", text)
    file = tmp_path / "first.xml"
    file.write_text(text)
    assert len(read(root, file).proposed) == 2
    file.write_text(text.replace('"EUR">460.81', '"EUR">460.82'))
    assert house.call("read_statement", root, file=str(file)).code == 1


REPORT = (("camt.053", "camt.052"), ("BkToCstmrStmt", "BkToCstmrAcctRpt"), ("Stmt>", "Rpt>"))
NOTIFICATION = (
    ("camt.053", "camt.054"),
    ("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn"),
    ("Stmt>", "Ntfctn>"),
)


@pytest.mark.parametrize("names", [REPORT, NOTIFICATION])
def test_reports_within_a_day_and_notifications_are_read_as_statements(
    root: Root, tmp_path: Path, names: tuple[tuple[str, str], ...]
) -> None:
    text = (SAMPLES / "camt053_02_sepa.xml").read_text()
    statement = read(root, SAMPLES / "camt053_02_sepa.xml")
    for old, new in names:
        text = text.replace(old, new)
    file = tmp_path / "report.xml"
    file.write_text(text)
    found = read(root, file)
    assert (found.proposed, found.review) == (statement.proposed, statement.review)
    # What was recorded from the notification is not proposed from the statement again.
    assert books.import_file(root, found.file).code == 0
    assert read(root, SAMPLES / "camt053_02_sepa.xml").proposed == []


BALANCE = """<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">{}</Amt>
  <CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-12-10</Dt></Dt></Bal>"""


@pytest.mark.parametrize(
    ("message", "balances", "refused"),
    [
        ("camt.052", [("OPBD", "9.00"), ("ITBD", "10.00")], False),
        ("camt.052", [("OPBD", "9.00"), ("CLBD", "10.00")], True),
        ("camt.052", [("OPBD", "9.00"), ("CLBD", "469.81")], False),
        ("camt.052", [("ITBD", "10.00")], False),
        ("camt.053", [("ITBD", "10.00")], False),
        ("camt.053", [("OPBD", "9.00"), ("ITBD", "10.00")], True),
    ],
)
def test_a_balance_within_a_day_says_nothing_of_the_entries_of_an_hour(
    root: Root, tmp_path: Path, message: str, balances: list[tuple[str, str]], refused: bool
) -> None:
    """A report of the last hour has its entries alone, and the balance of the morning."""
    text = (SAMPLES / "camt053_08_six.xml").read_text()
    text = re.sub("<Bal>.*?</Bal>", "", text, flags=re.DOTALL)
    new = "".join(BALANCE.format(*balance) for balance in balances)
    text = text.replace("</Acct>", "</Acct>" + new, 1)
    if message == "camt.052":
        for old, other in REPORT:
            text = text.replace(old, other)
    file = tmp_path / "report.xml"
    file.write_text(text)
    ran = house.call("read_statement", root, file=str(file))
    assert (ran.code, "but it closes" in ran.err) == (int(refused), refused), ran.err


# --- OFX -----------------------------------------------------------------------------


def test_ofx_without_end_tags_in_windows_1252(root: Root) -> None:
    found = read(root, SAMPLES / "ofx_102.ofx")
    rows = [
        (row["invoice"], row["date"], row["amount"], row["reference"]) for row in found.proposed
    ]
    assert rows == [
        ("NORD-2026-0001", "2026-12-03", "76.80", "RF61NORD20260001"),
        ("SUD-2026-0001", "2026-12-04", "76.80", "RF34SUD20260001"),
        ("OUEST-2026-0001", "2026-12-05", "76.80", "OUEST-2026-0001"),
    ]
    assert found.proposed[1]["matched_by"] == "rf_in_text"
    assert reasons(found) == [("1, entry 4", "names no invoice of ours", "")]
    assert "1 outgoing" in found.out


def test_ofx_as_xml(root: Root) -> None:
    found = read(root, SAMPLES / "ofx_211.ofx")
    assert [(row["invoice"], row["method"]) for row in found.proposed] == [
        ("NORD-2026-0001", "cheque")
    ]
    assert reasons(found) == [
        ("1, entry 2", "corrects an earlier movement, A0", "SUD-2026-0001"),
        ("1, entry 3", "is in CHF, the invoice in EUR", "EST-2026-0001"),
    ]


OF_OFX = ["NORD-2026-0001", "SUD-2026-0001", "OUEST-2026-0001"]
HEADER = (SAMPLES / "ofx_102.ofx").read_text("cp1252").partition("<OFX>")[0]
HEADERS = {
    "none": "",
    "byte-order mark": "\ufeff" + HEADER.replace("USASCII", "UTF-8"),
    "in a comment": f"<!--\n{HEADER.strip()}\n-->\n",
    "on one line": HEADER.replace("\n", " "),
    "run together": HEADER.replace("\n", ""),
    "lower case": HEADER.lower(),
    "blank lines": "\n\n" + HEADER.replace("\n", "\r\n\r\n"),
    "spaces": HEADER.replace(":", ": "),
    "8859-1": HEADER.replace("1252", "8859-1"),
    "ISO-8859-15": HEADER.replace("1252", "ISO-8859-15"),
    "character set none": HEADER.replace("1252", "NONE"),
    "Unicode": HEADER.replace("USASCII", "UNICODE").replace("1252", "NONE"),
    "unknown character set": HEADER.replace("1252", "HP-ROMAN8"),
    "version 101": HEADER.replace("OFXHEADER:100", "OFXHEADER:101"),
    "few lines": "OFXHEADER:100\nDATA:OFXSGML\n",
    "more lines": HEADER.replace("DATA", "BANK:30006\nDATA"),
    "XML": "<?xml version='1.0' encoding='UTF-8' standalone='no'?>"
    "<?OFX OFXHEADER='200' VERSION='230' SECURITY='NONE' OLDFILEUID='NONE' NEWFILEUID=''?>",
    "XML alone": '<?xml version="1.0" encoding="ISO-8859-1"?>\n',
}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("codec", ["cp1252", "utf-8"])
def test_ofx_headers_as_banks_write_them(
    root: Root, tmp_path: Path, header: str, codec: str
) -> None:
    """Names depend on what a header says, amounts and references never."""
    text = (SAMPLES / "ofx_102.ofx").read_text("cp1252").partition("<OFX>")[2]
    file = tmp_path / "statement.ofx"
    head = HEADERS[header].encode("utf-8" if header == "byte-order mark" else "ascii")
    file.write_bytes(head + b"<OFX>" + text.encode(codec))
    found = read(root, file)
    assert [row["invoice"] for row in found.proposed] == OF_OFX
    assert len(found.review) == 1


@pytest.mark.parametrize(
    ("header", "codec", "party"),
    [
        ("8859-1", "latin-1", "Forêt"),
        ("unknown character set", "cp1252", "Forêt €"),
        ("character set none", "utf-8", "Forêt €"),
        ("byte-order mark", "utf-8", "Forêt €"),
        ("Unicode", "utf-16", "Forêt €"),
        ("XML", "cp1252", "Forêt €"),
        ("XML", "utf-8", "Forêt €"),
    ],
)
def test_names_in_ofx_keep_their_accents(
    root: Root, tmp_path: Path, header: str, codec: str, party: str
) -> None:
    text = (SAMPLES / "ofx_102.ofx").read_text("cp1252").partition("<OFX>")[2]
    text = text.replace("CLIENT EST", party)
    file = tmp_path / "statement.ofx"
    file.write_bytes((HEADERS[header] + "<OFX>" + text).encode(codec))
    found = read(root, file)
    assert found.review[0]["party"] == party
    told = header in ("unknown character set", "character set none") or (header, codec) == (
        "XML",
        "cp1252",
    )
    assert ("its header says" in found.out) == told


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("</OFX>", "", "ends before </OFX>: it is cut short; download it again"),
        ("<MEMO>RF61 NORD 2026 0001\n", "", ""),
        ("<NAME>LOYER\n", "<NAME>LOYER</NAME> rue Basse\n",
         'line 54: </NAME> has "rue Basse" after it, in no field'),
        ("<NAME>LOYER\n</STMTTRN>", "<NAME>LOYER", "line 49, statement 1, entry 2: has no TRNAMT"),
        ("<STMTTRN>\n<TRNTYPE>DEBIT", "<TRNTYPE>DEBIT", "line 54: </STMTTRN> closes nothing"),
        ("+76,80", "76,8O", 'line 44, statement 1, entry 1: TRNAMT "76,8O" is not an amount'),
        ("<TRNAMT>+76,80", "<TRNAMT>", 'entry 1: TRNAMT "" is not an amount; expected -1234.50'),
        ("<TRNAMT>+76,80\n", "", "line 41, statement 1, entry 1: has no TRNAMT"),
        ("20261203003000.000[+1:CET]", "03/12/2026",
         'line 43, statement 1, entry 1: DTPOSTED "03/12/2026" is not a date; expected 20261031'),
        ("<FITID>A1", "<TRNAMT>1.00\n<FITID>A1", "TRNAMT \"+76,80\" stands 2 times in one entry"),
        ("</OFX>", "</OFX><OFX></OFX>", "<OFX> stands after </OFX>"),
    ],
)  # fmt: skip
def test_a_fault_of_ofx_names_line_field_and_value(
    root: Root, tmp_path: Path, old: str, new: str, fault: str
) -> None:
    file = tmp_path / "statement.ofx"
    text = (SAMPLES / "ofx_102.ofx").read_text("cp1252")
    file.write_bytes(text.replace(old, new, 1).encode("cp1252"))
    ran = house.call("read_statement", root, file=str(file))
    assert (ran.code, fault in ran.err) == (1 if fault else 0, True), ran
    assert (root.path / "exports").exists() == (not fault)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<STMTTRN>", "<STMTTRN >"),
        ("<OFX>", "<OFX >"),
        ("<STMTTRN>", "<stmttrn>"),
        ("</STMTTRN>", "</StmtTrn\t>"),
        ("<TRNAMT>", '<TRNAMT unit="1">'),
        ("<FITID>", "<CHECKNUM>\n<FITID>"),
        ("<FITID>", "<CHECKNUM></CHECKNUM><SIC/><FITID>"),
        ("</BANKTRANLIST>\n", ""),
        ("\n", "\r"),
        ("\n", ""),
        ("</OFX>\n", "</OFX>\n\n\x1a"),
    ],
)
def test_no_tag_of_ofx_is_skipped(root: Root, tmp_path: Path, old: str, new: str) -> None:
    file = tmp_path / "statement.ofx"
    text = (SAMPLES / "ofx_102.ofx").read_bytes()
    file.write_bytes(text.replace(old.encode(), new.encode()))
    found = read(root, file)
    assert [row["invoice"] for row in found.proposed] == OF_OFX
    assert "5 movements" in found.out


def test_a_tag_that_cannot_be_read_refuses_the_whole_file(root: Root, tmp_path: Path) -> None:
    file = sample(tmp_path, "ofx_102.ofx", ("<STMTTRN>", "< STMTTRN>"))
    ran = house.call("read_statement", root, file=str(file))
    assert ran.code == 1
    assert "B-STATEMENT" in ran.err


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<TRNTYPE>DEBIT", "<TRNTYPE>CREDIT",
         "is of type CREDIT, money that comes in, but has a minus sign"),
        ("<TRNAMT>-450.00", "<TRNAMT>450.00",
         "is of type DEBIT, money that leaves, but has no minus sign"),
        ("<TRNAMT>-450.00", "<TRNAMT>-1.450",
         'its amount "-1.450" may be of thousands or of thousandths'),
    ],
)  # fmt: skip
def test_an_entry_of_ofx_that_contradicts_itself_goes_to_a_person(
    root: Root, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    found = read(root, sample(tmp_path, "ofx_102.ofx", (old, new)))
    assert reason in {row["reason"] for row in found.review}


# --- from the statement to the records -----------------------------------------------


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_what_is_proposed_is_imported_as_it_is_and_not_proposed_again(
    root: Root, name: str
) -> None:
    before = house.tree(root, "exports/")
    first = read(root, SAMPLES / name)
    assert house.tree(root, "exports/") == before
    assert first.proposed
    ran = books.import_file(root, first.file)
    assert (ran.code, ran.err) == (0, "")
    second = read(root, SAMPLES / name)
    assert second.proposed == []
    transfers = {(row["date"], row["reference"]) for row in first.proposed}
    assert f"{len(transfers)} recorded already" in second.out
    # The duplicate in the file stays for a person; only the words change.
    assert [row["place"] for row in second.review] == [row["place"] for row in first.review]
    assert books.import_file(root, second.file).code == 1


def test_a_payment_reversed_since_is_not_proposed_again(root: Root) -> None:
    file = SAMPLES / "ofx_211.ofx"
    books.import_file(root, read(root, file).file)
    books.reverse(root, "nord/1")
    found = read(root, file)
    assert found.proposed == []
    assert found.review[0]["reason"] == "was recorded, and reversed by nord/2"


def test_an_invoice_paid_by_hand_is_not_proposed_again(root: Root) -> None:
    books.pay(root, "NORD-2026-0001", "76.80")
    found = read(root, SAMPLES / "ofx_211.ofx")
    assert found.review[0]["reason"] == "nothing is outstanding of NORD-2026-0001"


def test_a_part_already_paid_leaves_the_rest_to_match(root: Root, tmp_path: Path) -> None:
    books.pay(root, "NORD-2026-0001", "26.80")
    file = sample(tmp_path, "ofx_211.ofx", ("76.80", "50.00"))
    assert [row["amount"] for row in read(root, file).proposed] == ["50.00"]


def test_the_same_statement_gives_the_same_bytes(root: Root) -> None:
    found = read(root, SAMPLES / "camt053_02_sepa.xml")
    first = found.file.read_bytes()
    found.file.unlink()
    assert read(root, SAMPLES / "camt053_02_sepa.xml").file.read_bytes() == first


# --- refused -------------------------------------------------------------------------

ENTITIES = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE Document [<!ENTITY e0 "ha">{ENTITIES}]>'
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"
BODY = (
    f'<Document xmlns="{CAMT}"><BkToCstmrStmt><Stmt><Id>%s</Id></Stmt></BkToCstmrStmt></Document>'
)
HOSTILE = {
    "laughs": (LAUGHS + BODY % "&e9;").encode(),
    "laughs in an attribute": (LAUGHS + f'<Document xmlns="{CAMT}" a="&e9;"/>').encode(),
    "outside file": (
        '<!DOCTYPE Document [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + BODY % "&x;"
    ).encode(),
    "laughs in UTF-16": (LAUGHS.replace("?>", ' encoding="UTF-16"?>', 1) + BODY % "&e9;").encode(
        "utf-16"
    ),
    "garbage": bytes((i * 7919 + i // 251) % 256 for i in range(1_000_000)),
    "zeros": bytes(1_000_000),
    "deep": f'<Document xmlns="{CAMT}">'.encode() + b"<a>" * 300_000,
    "empty": b"",
    "text": b"date;libelle;montant\n03/12/2026;VIR;76,80\n",
    "camt.056": (SAMPLES / "camt053_02_sepa.xml").read_bytes().replace(b"camt.053", b"camt.056"),
    "camt.054 with a statement": (SAMPLES / "camt053_02_sepa.xml")
    .read_bytes()
    .replace(b"camt.053", b"camt.054"),
    "version 15": (SAMPLES / "camt053_02_sepa.xml")
    .read_bytes()
    .replace(b"053.001.02", b"053.001.15"),
    "no namespace": b"<Document><BkToCstmrStmt/></Document>",
    "no statement": BODY.replace("Stmt>", "Rpt>").encode(),
    "amount": (SAMPLES / "camt053_02_sepa.xml").read_bytes().replace(b">76.8<", b">7.68e1<"),
    "negative": (SAMPLES / "camt053_02_sepa.xml").read_bytes().replace(b">76.8<", b">-76.8<"),
    "direction": (SAMPLES / "camt053_02_sepa.xml")
    .read_bytes()
    .replace(b"CRDT</CdtDbtInd>\n        <Sts>", b"CR</CdtDbtInd>\n        <Sts>"),
    "date": (SAMPLES / "camt053_02_sepa.xml").read_bytes().replace(b"2026-12-09", b"09.12.2026"),
    "cut": (SAMPLES / "camt053_02_sepa.xml").read_bytes()[:5000],
    "OFX header": b"OFXHEADER:100\nDATA:OFXSGML\n<OFX>",
    "OFX garbage": (SAMPLES / "ofx_102.ofx").read_bytes()[:200] + bytes(range(256)) * 4000,
    "OFX amount": (SAMPLES / "ofx_211.ofx").read_bytes().replace(b"76.80", b"1,07,6.80"),
    "OFX date": (SAMPLES / "ofx_211.ofx").read_bytes().replace(b"20261203", b"2026-12-"),
    "OFX without statement": b'<?xml version="1.0"?><?OFX OFXHEADER="200" VERSION="211"?><OFX/>',
    "OFX statement in a statement": (SAMPLES / "ofx_102.ofx")
    .read_bytes()
    .replace(b"<STMTRS>", b"<STMTRS><STMTRS>"),
    "OFX after a long header": b"OFXHEADER:" + b" " * 100_000 + b"<OFX>",
    "many comments": b"<?xml version='1.0'?>" + b"<!---->" * 560 + b"<OFY>",
    "OFX with a document type": (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "x">]><?OFX OFXHEADER="200"?><OFX>&e;</OFX>'
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_a_statement_is_refused_in_a_line_for_each_fault(
    root: Root, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "statement"
    file.write_bytes(HOSTILE[name])
    before = house.tree(root)
    ran = house.call("read_statement", root, file=str(file))
    assert (ran.code, ran.out) == (1, ""), ran
    assert re.fullmatch(r"([^\n]{20,300}\[B-STATEMENT]\n)+", ran.err)
    assert "root:" not in ran.err
    assert house.tree(root) == before


def test_make_reads_imports_and_reconciles(root: Root) -> None:
    ran = house.make(root, "statement", f"FILE={SAMPLES / 'camt053_02_sepa.xml'}")
    assert ran.code == 0, ran.err
    [words] = re.findall("record them: make (.*)", ran.out)
    ran = house.make(root, *words.split(), f"TODAY={books.TODAY}")
    assert "6 payments recorded, 460.80 in all\n" in ran.out
    assert "sud: gross 153.60, credited 0.00, paid 76.80" in house.make(root, "reconcile").out
    late = house.make(root, "overdue", "DATE=2026-12-20", f"TODAY={books.TODAY}").out
    assert "153.60 outstanding on 2026-12-20, of which 0.00 late (0 invoices)" in late
