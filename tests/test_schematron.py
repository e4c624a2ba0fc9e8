"""The straightened schematrons find what the official ones find, in the same words and order."""

from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from lib.documents import facturx_xml, schematron, validators
from lib.values.code_lists import facturx_folder
from test_facturx_xml import RICH

EVERY = 4  # of the mutants, to save time; three changes in turn, so that each is tried

SVRL = "{http://purl.oclc.org/dsdl/svrl}"
PATHS = [facturx_folder() / name for name in (validators._EN16931, validators._BR_FR)]


def official(path: Path) -> Any:
    """The stylesheet as it was published, its report written as ours is."""
    compiler = schematron.processor().new_xslt30_processor()
    made = compiler.compile_stylesheet(stylesheet_file=str(path))
    schematron.unindented(made)
    return made


def shortened(said: str) -> str:
    """An official report without what ours leaves out: patterns, and more of a rule than a sign.

    What it declares and what its comment says of files is left out on both sides.
    """
    if not said.startswith("<?xml"):
        return said
    root = etree.fromstring(said.encode())
    for part in list(root):
        if part.tag == f"{SVRL}active-pattern":
            _take_out(part, "")
        elif part.tag == f"{SVRL}fired-rule":
            _take_out(part, schematron.FIRED)
    return etree.tostring(root, method="c14n", exclusive=True).decode()


def _take_out(part: Any, sign: str) -> None:
    before, parent = part.getprevious(), part.getparent()
    text = sign + (part.tail or "")
    if before is None:
        parent.text = (parent.text or "") + text
    else:
        before.tail = (before.tail or "") + text
    parent.remove(part)


def report(stylesheet: Any, xml: bytes) -> str:
    """What it says of an invoice, or what it fails with: some rules fail on what has no type."""
    node = schematron.processor().parse_xml(xml_text=xml.decode())
    try:
        said = stylesheet.transform_to_string(xdm_node=node)
    except Exception as error:  # saxonche has no narrower one
        return str(error).partition(" in ")[0]
    assert isinstance(said, str)
    return said


def mutants(xml: bytes) -> Iterator[bytes]:
    """The invoice itself; each kind of element taken away, doubled, or with another content."""
    yield xml
    root = etree.fromstring(xml)
    kinds = {}
    for i, element in enumerate(root.iter()):
        parent = element.getparent()
        if parent is not None:
            kinds.setdefault((parent.tag, element.tag), i)
    for i in kinds.values():
        for change in (_take_away, _double, _write):
            changed = deepcopy(root)
            change(list(changed.iter())[i])
            yield etree.tostring(changed)


def _take_away(element: Any) -> None:
    element.getparent().remove(element)


def _double(element: Any) -> None:
    element.addnext(deepcopy(element))


def _write(element: Any) -> None:
    for child in element:
        element.remove(child)
    element.text = "-1"
    element.attrib.clear()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_report_is_the_one_of_the_official_stylesheet(path):
    ours, theirs = schematron.compiled(path), official(path)
    reports = set()
    for xml in islice(mutants(facturx_xml.generate(RICH)), None, None, EVERY):
        said = shortened(report(theirs, xml))
        assert shortened(report(ours, xml)) == said
        reports.add(said)
    assert len(reports) > 25, "the mutants are no different from each other"


def test_a_rule_about_an_attribute_is_not_passed_over(tmp_path):
    path = tmp_path / "one.xslt"
    text = PATHS[0].read_text().replace("//ram:PayeeTradeParty", "//ram:PayeeTradeParty/@id", 1)
    path.write_text(text)
    with pytest.raises(ValueError, match="a rule about an attribute"):
        schematron.straightened(path)


def test_a_code_that_is_looked_up_in_another_way_is_not_passed_over(tmp_path):
    path = tmp_path / "one.xslt"
    path.write_text(PATHS[0].read_text().replace("/codedb/cl[@id=2]", "/codedb/list[@id=2]"))
    with pytest.raises(ValueError, match="a list of codes"):
        schematron.straightened(path)


def test_no_report_has_the_sign_of_a_rule_that_fired_in_a_text_of_its_own():
    assert all(schematron.FIRED not in path.read_text() for path in PATHS)
