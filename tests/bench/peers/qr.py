"""The payment code of the peers' pages: the same symbol, by the same library, as on ours."""

import segno


def code(payload: str) -> segno.QRCode:
    """The symbol."""
    return segno.make_qr(
        payload, error="M", encoding="utf-8", mode="byte", boost_error=False, mask=2
    )


def svg(payload: str) -> str:
    """The same as a picture."""
    return code(payload).svg_inline(border=0, omitsize=True)


def modules(payload: str) -> tuple[bytes, ...]:
    """The same row by row, 1 for dark."""
    return tuple(bytes(row) for row in code(payload).matrix)
