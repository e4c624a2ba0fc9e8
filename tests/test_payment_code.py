"""The RF reference and the EPC QR code, read back by other means than those that wrote them."""

from decimal import Decimal

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from stdnum import iso11649

from lib.documents import qr_code
from lib.values import payment_code

IBAN = "FR1420041010050500013M02606"
GIVEN = {
    "name": "Studio Lumière",
    "iban": IBAN,
    "bic": "PSSTFRPPXXX",
    "amount": Decimal("1234.50"),
    "reference": "RF18539007547034",
}


def test_reference_of_the_standard() -> None:
    assert payment_code.creditor_reference("539007547034") == "RF18539007547034"


@given(st.from_regex(r"[A-Z0-9]{1,8}-20[0-9]{2}-[0-9]{4,9}", fullmatch=True))
def test_reference_is_valid_and_holds_the_number(number: str) -> None:
    reference = payment_code.creditor_reference(number)
    assert iso11649.validate(reference) == reference
    assert reference[4:] == number.replace("-", "")


@pytest.mark.parametrize("number", ["", "--", "acme-2026-1", "A/2026", "A" * 22, "É-2026"])
def test_reference_refuses_what_the_standard_cannot_hold(number: str) -> None:
    with pytest.raises(ValueError, match="creditor reference"):
        payment_code.creditor_reference(number)


def test_payload_line_by_line() -> None:
    assert payment_code.epc_payload(**GIVEN).split("\n") == [
        "BCD",
        "002",
        "1",
        "SCT",
        "PSSTFRPPXXX",
        "Studio Lumière",
        IBAN,
        "EUR1234.50",
        "",
        "RF18539007547034",
    ]


def test_text_stands_after_the_empty_reference() -> None:
    payload = payment_code.epc_payload(**(GIVEN | {"reference": "", "text": "Facture 12"}))
    assert payload.split("\n")[8:] == ["", "", "Facture 12"]


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 71},
        {"name": "Studio\nEUR9.99"},
        {"iban": "FR1420041010050500013M02607"},
        {"iban": "FR14 2004 1010 0505 0001 3M02 606"},
        {"bic": "PSSTFRPP1"},
        {"amount": Decimal("0.00")},
        {"amount": Decimal("1000000000.00")},
        {"amount": Decimal("1.005")},
        {"reference": "RF19539007547034"},
        {"reference": "RF18 5390 0754 7034"},
        {"text": "and a text"},
        {"reference": "", "text": "x" * 141},
        {"name": "я" * 70, "reference": "", "text": "я" * 100},
    ],
)
def test_payload_refuses_what_does_not_fit(change: dict[str, str | Decimal]) -> None:
    with pytest.raises(ValueError):
        payment_code.epc_payload(**(GIVEN | change))


def test_largest_payload_has_a_code() -> None:
    change = {"name": "я" * 70, "reference": "", "text": "x" * 123}
    payload = payment_code.epc_payload(**(GIVEN | change))
    assert len(payload.encode()) == 331
    assert len(qr_code.of_payment(payload)) <= 4 * 13 + 17


def test_code_holds_the_payload() -> None:
    payload = payment_code.epc_payload(**GIVEN)
    matrix = qr_code.of_payment(payload)
    assert len(matrix) == 41  # version 6, the one that read_version_6 knows
    assert read_version_6(matrix) == payload


# ISO/IEC 18004, table 7: the bytes that versions 1 to 13 hold at level M.
CAPACITIES = (14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331)


@pytest.mark.parametrize("version", range(1, 14))
def test_codes_of_each_version_are_those_of_segno(version: int) -> None:
    least = CAPACITIES[version - 2] + 1 if version > 1 else 1
    for length in (least, CAPACITIES[version - 1]):
        data = bytes(i * i * 7 % 251 for i in range(length))
        theirs = segno.make_qr(data, error="M", mode="byte", boost_error=False, mask=qr_code.MASK)
        assert theirs.version == version
        assert qr_code.matrix(data, 13) == tuple(bytes(row) for row in theirs.matrix)


def test_more_than_the_largest_version_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="332 bytes do not fit"):
        qr_code.matrix(bytes(332), 13)


MASKS = (
    lambda i, j: (i + j) % 2 == 0,
    lambda i, j: i % 2 == 0,
    lambda i, j: j % 3 == 0,
    lambda i, j: (i + j) % 3 == 0,
    lambda i, j: (i // 2 + j // 3) % 2 == 0,
    lambda i, j: i * j % 2 + i * j % 3 == 0,
    lambda i, j: (i * j % 2 + i * j % 3) % 2 == 0,
    lambda i, j: ((i + j) % 2 + i * j % 3) % 2 == 0,
)


def read_version_6(matrix: tuple[bytes, ...]) -> str:
    """The text of a QR code of version 6, level M (ISO/IEC 18004), no damage repaired."""
    size = 41

    def is_function(i: int, j: int) -> bool:
        finder = (i < 9 and (j < 9 or j >= size - 8)) or (i >= size - 8 and j < 9)
        return finder or 6 in (i, j) or (32 <= i <= 36 and 32 <= j <= 36)

    format_bits = [matrix[8][j] for j in range(5)]
    level_and_mask = int("".join(map(str, format_bits)), 2) ^ 0b10101
    assert level_and_mask >> 3 == 0b00, "level M"
    masked = MASKS[level_and_mask & 7]

    bits = []
    upward = True
    for right in (*range(size - 1, 6, -2), *range(5, 0, -2)):
        for i in reversed(range(size)) if upward else range(size):
            for j in (right, right - 1):
                if not is_function(i, j):
                    bits.append(matrix[i][j] ^ masked(i, j))
        upward = not upward
    codewords = [int("".join(map(str, bits[k : k + 8])), 2) for k in range(0, 108 * 8, 8)]
    data = [codewords[block + 4 * k] for block in range(4) for k in range(27)]
    stream = "".join(f"{codeword:08b}" for codeword in data)
    assert stream[:4] == "0100", "byte mode"
    length = int(stream[4:12], 2)
    return int(stream[12 : 12 + 8 * length], 2).to_bytes(length, "big").decode()
