"""Strict XML, from banks and platforms: no entity is replaced, nothing is fetched."""

from lxml import etree

from lib.core import foreign_files
from lib.core.messages import say


def root_of(data: bytes) -> etree._Element:
    """The root of a file, without comments and processing instructions.

    Raises:
      ValueError: with a Message, if it is not XML, or declares a document type.
    """
    if foreign_files.kind(data) == foreign_files.WEB_PAGE:
        raise ValueError(say("is a web page: download the file again"))
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data.lstrip(b" \t\r\n"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        text = data.strip()
        if text.startswith(b"<") and not text.endswith(b">"):
            raise ValueError(say("is cut short: download it again")) from None
        raise ValueError(say("is not XML: {error}", error=str(error)[:100])) from None
    if root.getroottree().docinfo.doctype:
        raise ValueError(say("declares a document type, which is refused"))
    return root
