"""A QR code (ISO/IEC 18004) as a matrix of modules: bytes, error correction level M.

What all codes of one version share is computed by segno once: the function patterns,
the mask, and where each bit of a codeword goes. What is left for each code is to put its
bits there, and the error correction (Reed-Solomon over GF(256)) on whole numbers instead of
bit by bit. segno alone takes ten times as long, most of it in finding the same places again.

What is used of segno beyond its manual: functions and tables of its encoder. segno is pinned,
and a test compares the matrices with those of `segno.make_qr`, for each version.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain, zip_longest
from operator import itemgetter
from typing import Any, NamedTuple

from lib.values import payment_code

# Readers take any of the eight masks. Weighing all of them takes four fifths of segno's time,
# and this one wins most often for payment codes.
MASK = 2

Matrix = tuple[bytes, ...]


class _Version(NamedTuple):
    """What the codes of one version share."""

    size: int
    blocks: tuple[int, ...]  # the data codewords of each block
    correction: int  # the error correction codewords of each block
    blank: int  # the modules where all codewords are 0, a byte each: "0" or "1"
    places: Callable[[bytes], tuple[int, ...]]  # from the codewords' bits to the modules


def of_payment(payload: str) -> Matrix:
    """The code of a transfer (see values/payment_code), row by row, without the quiet zone.

    Raises:
      ValueError: if error correction level M would need more than version 13.
    """
    return matrix(payload.encode(), payment_code.MAX_VERSION)


def matrix(data: bytes, largest: int) -> Matrix:
    """The modules row by row, 1 for dark, without the quiet zone.

    Args:
      data: what it says, in byte mode.
      largest: the version that it must not exceed; versions are tried from 1 on.

    Raises:
      ValueError: if `data` is too long for this version.
    """
    for number in range(1, largest + 1):
        count_bits = 8 if number < 10 else 16
        if 4 + count_bits + 8 * len(data) <= _capacity(number):
            version = _version(number)
            return _drawn(version, _codewords(version, data, count_bits))
    raise ValueError(f"{len(data)} bytes do not fit a QR code of version {largest}")


@cache
def _capacity(number: int) -> int:
    """The data bits of a version."""
    from segno import consts

    capacities: Any = consts.SYMBOL_CAPACITY
    return int(capacities[number][consts.ERROR_LEVEL_M])


def _codewords(version: _Version, data: bytes, count_bits: int) -> bytes:
    """Data and error correction, block by block interleaved (7.4 to 7.6 of the standard)."""
    room = sum(version.blocks)
    bits = 0b0100 << count_bits | len(data)  # byte mode
    bits = (bits << 8 * len(data) | int.from_bytes(data, "big")) << 4  # and the terminator
    message = bits.to_bytes(len(data) + 1 + count_bits // 8, "big")
    # segno puts a codeword of zeros before the pad codewords; no reader looks behind the end.
    codewords = (message + b"\0" + b"\xec\x11" * room)[:room]
    blocks, start = [], 0
    for length in version.blocks:
        blocks.append(codewords[start : start + length])
        start += length
    corrections = [_correction(block, version.correction) for block in blocks]
    return bytes(chain(_interleaved(blocks), _interleaved(corrections)))


def _interleaved(blocks: Sequence[bytes]) -> Iterator[int]:
    columns = chain.from_iterable(zip_longest(*blocks))
    return (codeword for codeword in columns if codeword is not None)


def _correction(block: bytes, count: int) -> bytes:
    """The remainder of the block, as a polynomial, by the generator of degree `count`."""
    multiples = _multiples(count)
    top = 8 * (count - 1)
    low = (1 << top) - 1
    remainder = 0
    for codeword in block:
        remainder = (remainder & low) << 8 ^ multiples[remainder >> top ^ codeword]
    return remainder.to_bytes(count, "big")


@cache
def _multiples(count: int) -> tuple[int, ...]:
    """The generator of degree `count` times 0 to 255, without its leading coefficient."""
    from segno import consts

    exponents: Sequence[int] = consts.GALIOS_EXP
    products = [
        bytes(exponents[consts.GALIOS_LOG[factor] + each] for each in consts.GEN_POLY[count])
        for factor in range(1, 256)
    ]
    return (0, *(int.from_bytes(product, "big") for product in products))


def _drawn(version: _Version, codewords: bytes) -> Matrix:
    bits = f"{int.from_bytes(codewords, 'big'):0{8 * len(codewords)}b}".encode()
    size = version.size
    # The remainder bits, and a last one for the modules that hold no codeword.
    placed = int.from_bytes(bytes(version.places(bits + b"0" * 8)), "big")
    modules = (placed ^ version.blank).to_bytes(size * size, "big")
    return tuple(modules[i : i + size] for i in range(0, size * size, size))


@cache
def _version(number: int) -> _Version:
    from segno import consts, encoder

    size = encoder.calc_matrix_size(number)
    rows = encoder.make_matrix(size, size)
    encoder.add_finder_patterns(rows, size, size)
    encoder.add_alignment_patterns(rows, size, size)
    free = sum(row.count(2) for row in rows)  # what is neither dark nor light yet
    numbered: list[Any] = [list(row) for row in rows]
    encoder.add_codewords(numbered, [("bit", k) for k in range(free)], number)
    places = [each[1] if isinstance(each, tuple) else -1 for row in numbered for each in row]
    encoder.add_codewords(rows, bytes(free), number)
    encoder.find_and_apply_best_mask(rows, size, size, MASK)
    encoder.add_format_info(rows, number, consts.ERROR_LEVEL_M, MASK)
    encoder.add_version_info(rows, number)
    tables: Any = consts.ECC
    infos = tables[number][consts.ERROR_LEVEL_M]
    return _Version(
        size=size,
        blocks=tuple(info.num_data for info in infos for _ in range(info.num_blocks)),
        correction=infos[0].num_total - infos[0].num_data,
        blank=int.from_bytes(bytes(module | 0x30 for row in rows for module in row), "big"),
        places=itemgetter(*places),
    )
