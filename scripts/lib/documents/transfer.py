"""How to pay by transfer, on a page: whose account, what to quote, and the payment QR code."""

from decimal import Decimal

from lib.documents import qr_code, typeset
from lib.documents.fonts import REGULAR, SEMIBOLD
from lib.documents.paper import LABEL, SECTION, TOTALS_WIDTH, Block
from lib.documents.pdf_writer import Modules, Page
from lib.documents.structure import Tag
from lib.documents.typeset import INK, LEFT, RIGHT, Lines, Style
from lib.values import payment_code
from lib.values.document import Seller
from lib.values.speech import Speech, grouped

QR_SIZE = 88.0
PAY = Style(REGULAR, 8.6, INK, 11.2)
PAY_STRONG = Style(SEMIBOLD, 8.6, INK, 11.2)


def block(
    seller: Seller,
    speech: Speech,
    title: str,
    amount: Decimal,
    *,
    reference: str = "",
    text: str = "",
    with_code: bool,
    room: float = RIGHT - TOTALS_WIDTH - LEFT,
) -> Block:
    """The account of a seller who has one, and what a transfer to it has to quote.

    Args:
      amount: in euros; what the QR code asks for.
      reference: a creditor reference; `text` is what is quoted where there is none.
      room: how wide it may be.

    Raises:
      ValueError: if the QR code cannot hold it.
    """
    bank = seller.bank
    assert bank is not None
    holder = bank.holder or seller.name
    matrix: tuple[bytes, ...] = ()
    if with_code:
        matrix = qr_code.of_payment(
            payment_code.epc_payload(
                name=holder,
                iban=bank.iban,
                bic=bank.bic,
                amount=amount,
                reference=reference,
                text=text,
            )
        )
    x = LEFT + (QR_SIZE + 14 if matrix else 0)
    narrow = LEFT + room - 26 - x

    def pair(key: str, value: str, style: Style) -> tuple[Lines, Lines]:
        label = [(speech.word(key), LABEL)] if value else []
        return typeset.wrap(label, narrow), typeset.wrap([(value, style)], narrow)

    quoted = grouped(reference, 4) or text
    pairs = [
        pair("holder", holder, PAY),
        pair("iban", grouped(bank.iban, 4), PAY_STRONG),
        pair("bic", bank.bic, PAY),
        pair("payment_reference", quoted, PAY_STRONG),
    ]
    pairs = [parts for parts in pairs if any(parts)]
    text_height = sum(sum(map(typeset.height, parts)) + 3 for parts in pairs)
    code_height = QR_SIZE + 6 + LABEL.leading if matrix else 0
    head = typeset.wrap([(title, SECTION)], room - 20)
    alt = _in_words(speech, speech.amount(amount, "EUR"), holder, bank.iban, quoted)

    def draw(page: Page, top: float) -> None:
        top = typeset.paragraph(page, LEFT, top, head, "H2") + 5
        if matrix:
            with typeset.inside(page, Tag("Figure", alt=alt)):
                page.append(Modules(LEFT, top + 2, QR_SIZE, matrix, INK))
            label = [(speech.word("qr"), LABEL)]
            typeset.paragraph(page, LEFT, top + QR_SIZE + 5, label)
        with typeset.inside(page, Tag("L")):
            for parts in pairs:
                top = typeset.labelled(page, x, top, *parts) + 3

    return Block(typeset.height(head) + 5 + max(text_height, code_height), draw)


def _in_words(speech: Speech, amount: str, holder: str, iban: str, reference: str) -> str:
    """What the payment code says."""
    values = {"amount": amount, "holder": holder, "iban": grouped(iban, 4)}
    if reference:
        return speech.word("qr_transfer", **values, reference=reference)
    return speech.word("qr_transfer_plain", **values)
