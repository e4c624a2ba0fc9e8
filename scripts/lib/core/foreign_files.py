"""Files of another kind than their reader takes: known by their first bytes, only to be named."""

import codecs

from lib.core.messages import Message, say

UTF_16, WEB_PAGE, PDF = say("text in UTF-16"), say("a web page"), say("a PDF")
_KINDS = {
    b"PK\x03\x04": say("a workbook, a document of Word or an archive"),
    b"\xd0\xcf\x11\xe0": say("a workbook or a document of an old Excel or Word"),
    b"%PDF": PDF,
    b"{\\rtf": say("a document of a word processor (RTF)"),
    b"<!doctype html": WEB_PAGE,
    b"<html": WEB_PAGE,
    codecs.BOM_UTF16_LE: UTF_16,
    codecs.BOM_UTF16_BE: UTF_16,
}


def kind(data: bytes) -> Message | None:
    """What a file is that begins so; None for any that may be what its reader takes."""
    begin = data[:64].lstrip().lower()
    return next((kind for sign, kind in _KINDS.items() if begin.startswith(sign.lower())), None)


def as_csv(kind: Message) -> Message:
    """How such a file becomes a CSV."""
    if kind in (WEB_PAGE, PDF):
        return say("export it again as CSV")
    return say("open it in a spreadsheet and save it as CSV UTF-8")
