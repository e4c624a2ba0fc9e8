"""The pages of a statement of account: what was invoiced and paid, and what is to be paid still.

Like the page of an invoice, the layout is a pure function of what it says.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import NamedTuple

from msgspec.structs import replace

from lib.books.client_accounts import AccountEntry, ClientAccount, OpenItem
from lib.documents import paper, pdf_writer, transfer, typeset
from lib.documents.fonts import SEMIBOLD
from lib.documents.paper import SUBJECT, VALUE, VALUE_STRONG, Fact
from lib.documents.ruled_tables import ColumnShare, RuledRow, height_of, put_table
from lib.documents.sheet import Sheet
from lib.documents.typeset import ACCENT, LEFT, WIDTH, Style
from lib.values import payment_code
from lib.values.document import Party, Seller
from lib.values.money import in_euros
from lib.values.speech import Speech

HEADING = Style(SEMIBOLD, 11.5, ACCENT, 20)
SECTION_GAP = 20.0
FIRST_ROWS = 60.0  # of a table, which stand beneath its heading
DATE, FIGURE = 84.0, 62.0  # widths


class AccountPaper(NamedTuple):
    """A client's account as it is sent: by whom, to whom, in which language and currency.

    The parties are as their files have them: money is paid into the account of today.
    """

    account: ClientAccount
    seller: Seller
    buyer: Party
    language: str
    currency: str

    @property
    def speech(self) -> Speech:
        return Speech(self.language)


def render(statement: AccountPaper, logo: bytes | None) -> bytes:
    """The PDF of a statement: the same arguments give the same bytes.

    Returns:
      A PDF/A-3A file.

    Raises:
      ValueError: if a character has no glyph, or the logo cannot be used.
    """
    speech, day = statement.speech, statement.account.end
    title, seller = _title(statement), paper.full_name(statement.seller)
    subject = f"{title}, {seller}, {statement.buyer.name}"
    return pdf_writer.write(
        _lay_out(statement, logo),
        moment=datetime.combine(day, time(), UTC),
        language=speech.language,
        xmp=typeset.xmp(title, seller, subject, day, "account_pdf", {}),
    )


def _title(statement: AccountPaper) -> str:
    return f"{statement.speech.word('account')} {_as_of(statement)}"


def _as_of(statement: AccountPaper) -> str:
    speech = statement.speech
    return speech.word("account_as_of", date=speech.date(statement.account.end))


def _lay_out(statement: AccountPaper, logo: bytes | None) -> list[pdf_writer.Page]:
    speech = statement.speech
    sheet = paper.begin(statement, _title(statement))
    title = speech.word("account")
    sheet.y = paper.header(sheet.page, statement, title, _as_of(statement), logo)
    sheet.y = paper.fact_row(sheet.page, _facts(statement), sheet.y)
    # Where goods are delivered is nothing to an account.
    parties = statement._replace(buyer=replace(statement.buyer, delivery_address=None))
    sheet.y = paper.parties(sheet.page, parties, "report_client", sheet.y) - SECTION_GAP
    _entries(sheet, statement)
    if statement.account.items:
        _items(sheet, statement)
        _ages(sheet, statement)
    _conclusion(sheet, statement)
    return sheet.finish()


def _facts(statement: AccountPaper) -> list[Fact]:
    account, speech = statement.account, statement.speech
    facts = [
        ("account_period", speech.period(account.start, account.end), VALUE),
        ("account_balance", _money(statement, account.closing), VALUE_STRONG),
    ]
    if account.late > 0:
        facts.append(("report_late", _money(statement, account.late), VALUE_STRONG))
    return [Fact(speech.word(key), value, style) for key, value, style in facts]


def _money(statement: AccountPaper, amount: int) -> str:
    return statement.speech.amount(in_euros(amount), statement.currency)


def _figure(statement: AccountPaper, amount: int) -> str:
    return statement.speech.number(in_euros(amount), 2)


def _day(speech: Speech, day: str) -> str:
    return speech.date(date.fromisoformat(day)) if day else ""


# --- tables --------------------------------------------------------------------------


def _table(
    sheet: Sheet,
    statement: AccountPaper,
    key: str,
    columns: Sequence[ColumnShare],
    rows: Sequence[RuledRow],
) -> None:
    """A table beneath its heading, which stays with its first rows."""
    needed = min(height_of(columns, rows), FIRST_ROWS) + SECTION_GAP + HEADING.leading
    if needed > sheet.room:
        sheet.turn()
    else:
        sheet.y += SECTION_GAP
    style = HEADING._replace(colour=paper.accent(statement))
    heading = [(sheet.speech.word(key), style)]
    sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, heading, "H2") + 2
    put_table(sheet, columns, rows)


def _entries(sheet: Sheet, statement: AccountPaper) -> None:
    """The opening balance, what changed it, and the closing balance."""
    account, speech = statement.account, statement.speech
    words = ("date", "operation", "document", "debit", "credit", "balance")
    widths = (DATE, WIDTH - DATE - 100 - 3 * FIGURE, 100.0, FIGURE, FIGURE, FIGURE)
    columns = [
        ColumnShare(
            speech.word(f"account_{key}"), width, right=i > 2, is_identifier=key == "document"
        )
        for i, (key, width) in enumerate(zip(words, widths, strict=True))
    ]
    opening = speech.word("account_opening")
    day = speech.date(account.start)
    rows = [RuledRow([day, opening, "", "", "", _figure(statement, account.opening)])]
    for entry in account.entries:
        debit, credit = max(entry.amount, 0), max(-entry.amount, 0)
        figures = [_figure(statement, amount) if amount else "" for amount in (debit, credit)]
        balance = _figure(statement, entry.balance)
        cells = [_day(speech, entry.date), _operation(speech, entry), entry.number]
        rows.append(RuledRow([*cells, *figures, balance]))
    debits = sum(max(entry.amount, 0) for entry in account.entries)
    sums = [debits, debits + account.opening - account.closing, account.closing]
    figures = [_figure(statement, amount) for amount in sums]
    closing = speech.word("account_closing")
    rows.append(RuledRow([speech.date(account.end), closing, "", *figures], is_sum=True))
    _table(sheet, statement, "account_entries", columns, rows)


def _operation(speech: Speech, entry: AccountEntry) -> str:
    """What an entry is, in words."""
    if entry.cause:
        cause = speech.word(f"written_off_{entry.cause}")
        if entry.kind.endswith("_reversed"):
            return speech.word("account_reversed", what=cause)
        return cause[0].upper() + cause[1:]
    if entry.kind.startswith(("payment", "refund")):
        what = speech.word(f"account_{entry.kind}")
        return f"{what} ({speech.method(entry.method)})" if entry.method else what
    return speech.word("invoice" if entry.kind == "opening" else entry.kind)


def _items(sheet: Sheet, statement: AccountPaper) -> None:
    """What is outstanding, document by document."""
    account, speech = statement.account, statement.speech
    words = ("account_document", "issue_date", "due_date", "report_age", "amount", "rest")
    widths = (WIDTH - 2 * DATE - 72 - 2 * 80, DATE, DATE, 72.0, 80.0, 80.0)
    columns = [
        ColumnShare(speech.word(key), width, right=i > 3, is_identifier=i == 0)
        for i, (key, width) in enumerate(zip(words, widths, strict=True))
    ]
    rows = [
        RuledRow(
            [
                item.number,
                _day(speech, item.date),
                _day(speech, item.due_date),
                _age(speech, item),
                _figure(statement, item.gross),
                _figure(statement, item.outstanding),
            ]
        )
        for item in account.items
    ]
    total = _figure(statement, account.closing)
    rows.append(RuledRow([speech.word("report_total"), "", "", "", "", total], is_sum=True))
    _table(sheet, statement, "account_items", columns, rows)


def _age(speech: Speech, item: OpenItem) -> str:
    if item.outstanding < 0:
        return speech.word("overpaid")
    if not item.days_late:
        return speech.word("report_age_0")
    return speech.counted("one_day", "days", item.days_late)


def _ages(sheet: Sheet, statement: AccountPaper) -> None:
    """What is outstanding, by how long it is overdue."""
    account, speech = statement.account, statement.speech
    labels = [*(f"report_age_{i}" for i in range(len(account.ages) - 1)), "overpaid"]
    parts = list(zip(labels, account.ages, strict=True))
    if not account.ages[-1]:
        parts.pop()
    parts.append(("report_total", account.closing))
    width = WIDTH / (len(parts) + 1)
    columns = [ColumnShare(speech.word("report_age"), width)]
    columns += [ColumnShare(speech.word(key), width, right=True) for key, _ in parts]
    figures = [_figure(statement, amount) for _, amount in parts]
    rows = [RuledRow([speech.word("rest"), *figures])]
    _table(sheet, statement, "account_ages", columns, rows)


# --- what is to be paid --------------------------------------------------------------


def _conclusion(sheet: Sheet, statement: AccountPaper) -> None:
    """How to pay all of it, where it is all still to be paid; else what there is to say."""
    account, speech = statement.account, statement.speech
    sheet.y += SECTION_GAP
    if account.closing <= 0:
        key = "account_in_favour" if account.closing else "account_settled"
        text = speech.word(key, amount=_money(statement, -account.closing))
        _sentence(sheet, text, SUBJECT)
        return
    if statement.seller.bank is None or not account.is_current:
        return
    numbers = [item.number for item in account.items]
    is_whole = all(item.outstanding > 0 for item in account.items)
    reference, text = payment_code.remittance(numbers)
    amount = in_euros(account.closing)
    title = speech.word("account_transfer", amount=_money(statement, account.closing))
    block = transfer.block(
        statement.seller,
        speech,
        title,
        amount,
        reference=reference,
        text=text or ("" if reference else speech.word("account_numbers")),
        with_code=statement.currency == "EUR" and is_whole and bool(reference or text),
        room=WIDTH,
    )
    if block.height > sheet.room:
        sheet.turn()
    block.draw(sheet.page, sheet.y)
    sheet.y += block.height


def _sentence(sheet: Sheet, text: str, style: Style) -> None:
    lines = typeset.wrap([(text, style)], WIDTH)
    if typeset.height(lines) > sheet.room:
        sheet.turn()
    sheet.y = typeset.paragraph(sheet.page, LEFT, sheet.y, lines)
