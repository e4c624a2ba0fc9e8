"""How a customer pays by transfer: the creditor reference (ISO 11649) and the EPC QR code.

The QR code follows EPC069-12, version 002: read by a banking application, it fills in the
beneficiary, the account, the amount and the reference of a SEPA credit transfer.
"""

import contextlib
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

LARGEST_TOTAL = Decimal("999999999.99")
SMALLEST = Decimal("0.01")
# Shorter numbers, of the tool before, are no evidence in a text: "148" may be anything.
SHORTEST_NUMBER = 5
MAX_NAME = 70
MAX_TEXT = 140
MAX_BYTES = 331
MAX_VERSION = 13


def creditor_reference(number: str) -> str:
    """The RF creditor reference of an invoice number, without spaces (BT-83).

    Hyphens are taken out: ISO 11649 allows 1 to 21 letters and digits after the check digits.

    Raises:
      ValueError: if what remains is not 1 to 21 of A-Z and 0-9.
    """
    from stdnum.iso7064 import mod_97_10

    body = number.replace("-", "")
    if not re.fullmatch(r"[A-Z0-9]{1,21}", body):
        raise ValueError(
            f"the number {number!r} gives no creditor reference: without its hyphens"
            " it must be 1 to 21 of A-Z and 0-9"
        )
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


def remittance(numbers: Sequence[str]) -> tuple[str, str]:
    """What a transfer that pays these invoices quotes: the creditor reference of the one, or a
    text that names all; neither where no transfer can name them so that it is matched."""
    with contextlib.suppress(ValueError):
        if len(numbers) == 1:
            return creditor_reference(numbers[0]), ""
    text = " ".join(numbers)
    is_matched = min(map(len, numbers)) >= SHORTEST_NUMBER and len(text) <= MAX_TEXT
    return "", text if is_matched else ""


def epc_payload(
    *,
    name: str,
    iban: str,
    amount: Decimal,
    bic: str = "",
    reference: str = "",
    text: str = "",
) -> str:
    """The text of the QR code: one element a line, in the order of EPC069-12.

    Args:
      name: the beneficiary, at most 70 characters.
      iban, bic: without spaces; the BIC may be empty within the EEA.
      amount: in euros, from 0.01 to 999999999.99.
      reference: a creditor reference (RF...), or empty.
      text: free remittance text, at most 140 characters, where there is no reference.

    Raises:
      ValueError: if an element does not fit; it is never cut or rounded.
    """
    from stdnum import bic as bic_number
    from stdnum import iso11649

    for label, value in (("name", name), ("text", text)):
        if any(unicodedata.category(character) == "Cc" for character in value):
            raise ValueError(f"the {label} of the QR code holds a control character: {value!r}")
    if not 1 <= len(name) <= MAX_NAME or name != name.strip():
        raise ValueError(
            f"the account holder has {len(name)} characters; the QR code holds 1 to {MAX_NAME},"
            " without spaces around them"
        )
    if not _is_iban(iban):
        raise ValueError(f"not an IBAN without spaces: {iban!r}")
    if bic and (not bic_number.is_valid(bic) or bic != bic_number.compact(bic)):
        raise ValueError(f"not a BIC: {bic!r}")
    if not SMALLEST <= amount <= LARGEST_TOTAL or amount != round(amount, 2):
        raise ValueError(
            f"the QR code holds {SMALLEST} to {LARGEST_TOTAL} euros, in cents: {amount}"
        )
    if reference and text:
        raise ValueError("the QR code holds a reference or a text, not both")
    if reference and (not iso11649.is_valid(reference) or reference != iso11649.compact(reference)):
        raise ValueError(f"not a creditor reference: {reference!r}")
    if len(text) > MAX_TEXT:
        raise ValueError(f"the text has {len(text)} characters; the QR code holds {MAX_TEXT}")
    payload = "\n".join(
        ("BCD", "002", "1", "SCT", bic, name, iban, f"EUR{amount:.2f}", "", reference, text)
    ).rstrip("\n")
    if len(payload.encode()) > MAX_BYTES:
        raise ValueError(f"the QR code holds {MAX_BYTES} bytes, these are {len(payload.encode())}")
    return payload


@cache
def _is_iban(text: str) -> bool:
    """An IBAN without spaces; a seller has one, and many invoices."""
    from stdnum import iban

    return bool(iban.is_valid(text)) and text == iban.compact(text)
