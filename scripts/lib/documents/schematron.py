"""The official schematrons, compiled so that each rule goes straight to what it is about.

As published, a schematron walks all elements and attributes of an invoice once for each of
its patterns (66 and 58 of them), and once more in the default mode, to print nothing. Here a
pattern begins at the nodes that its rules match, found by those very match patterns, and
goes no further down from them. Each node still gets the first rule that fits it, in document
order. A code is looked up by a key, where as published its whole list is read for it.

Of the report, only what is found is written out: a rule that fired is a sign, and no element
that repeats its path. Tests compare it with the official report, to the byte but for that.
"""

import re
import resource
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lxml import etree

FIRED = "\u2713"  # what stands in a report for each rule that fired
_XSL = "{http://www.w3.org/1999/XSL/Transform}"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_PATTERN = re.compile(r"M[0-9]+")  # the mode of a pattern's rules
_ON_THE_WAY = ("text()", "@*|node()")  # templates that only lead on to what is below
_ATTRIBUTE = re.compile(r"@[^/]*$")
_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
_CONDITION = re.compile(r"\[[^\[\]]*\]")  # one that has none inside
# A code in the list of this number: 5,800 codes of EN 16931 lie in one file.
_LOOK_UP = re.compile(
    r"(?P<file>document\('[^']+'\))/codedb"
    r"/cl\[@id=(?P<list>[0-9]+)\]/enumeration\[@value=(?P<code>\$\w+)\]"
)
# A pattern with more rules (EN 16931 has one of 308) finds its nodes faster by one walk.
_MOST_PATHS = 20


@cache
def check_room() -> None:
    """Where the address space is limited (ulimit -v), Saxon may not get the 32 GB that it sets
    aside without using them, and would end the process: here another process tries.

    Raises:
      Unavailable: if it does not.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return
    from lib.core.faults import Alert, Fault, Unavailable
    from lib.core.messages import say

    start = [
        sys.executable,
        "-I",
        "-c",
        "import saxonche; saxonche.PySaxonProcessor(license=False)",
    ]
    tried = subprocess.run(start, capture_output=True, check=False)  # noqa: S603
    if tried.returncode:
        found = say(
            "the validator of invoices cannot start in the {limit} kB of address space"
            " that `ulimit -v` leaves it",
            limit=limit // 1024,
        )
        remedy = say("`ulimit -v unlimited`, then run the command again")
        raise Unavailable([Alert("B-ENVIRONMENT", "", Fault("", found, remedy=remedy))])


@cache
def processor() -> Any:
    """Saxon.

    Raises:
      Unavailable: as `check_room` does.
    """
    from saxonche import PySaxonProcessor

    check_room()
    saxon = PySaxonProcessor(license=False)
    # Reads the code list once, when compiling, and not for each invoice.
    saxon.set_configuration_property("http://saxon.sf.net/feature/preEvaluateDocFunction", "on")
    return saxon


def reports(xml: bytes, paths: Iterable[Path]) -> list[str]:
    """What schematrons say of an XML: the report (SVRL) of each.

    Raises:
      Unavailable: as `check_room` does.
      RuntimeError: one did not run.
    """
    node = processor().parse_xml(xml_text=xml.decode())
    return [_report(path, node) for path in paths]


def _report(path: Path, node: Any) -> str:
    report: str = compiled(path).transform_to_string(xdm_node=node)
    if FIRED not in report:
        raise RuntimeError(f"{path.name} fired no rule: it did not run")
    return report


_compiled: dict[Path, Any] = {}


def compiled(path: Path) -> Any:
    """The stylesheet of a schematron, ready to transform an invoice into its report (SVRL)."""
    if path not in _compiled:
        compile_text(path, text(path))
    return _compiled[path]


def compile_text(path: Path, source: str) -> None:
    """Compiles a schematron whose `text` was made elsewhere."""
    stylesheet = processor().new_xslt30_processor().compile_stylesheet(stylesheet_text=source)
    unindented(stylesheet)
    _compiled[path] = stylesheet


def text(path: Path) -> str:
    """The stylesheet at `path`, as it is compiled here."""
    from lxml import etree

    stylesheet: str = etree.tostring(straightened(path), encoding="unicode")
    return stylesheet


def unindented(stylesheet: Any) -> None:
    """Its reports without line breaks between elements: indenting takes a tenth of its time."""
    stylesheet.set_property("!indent", "no")


def straightened(path: Path) -> "etree._Element":
    """The stylesheet at `path`, with patterns that begin at their nodes.

    Raises:
      ValueError: if it is not built as schematrons are.
    """
    from lxml import etree

    root = etree.parse(path).getroot()
    root.set(_BASE, path.as_uri())  # its code list lies beside it
    _begin_at_nodes(root)
    _look_up_by_key(root)
    _shorten_report(root)
    return root


def _begin_at_nodes(root: "etree._Element") -> None:
    """Patterns begin at the nodes of their rules, and lead no further down from them."""
    from lxml import etree

    rules: dict[str, list[str]] = {}
    for template in root.findall(f"{_XSL}template"):
        mode, match = template.get("mode", ""), template.get("match", "")
        if _PATTERN.fullmatch(mode) and match not in _ON_THE_WAY:
            rules.setdefault(mode, []).append(match)
    for call in list(root.iter(f"{_XSL}apply-templates")):
        mode = call.get("mode", "")
        if not _PATTERN.fullmatch(mode):
            continue
        template = next(call.iterancestors(f"{_XSL}template"))
        if template.get("mode") == mode:
            call.getparent().remove(call)
        elif mode in rules:
            call.set("select", _nodes(rules.pop(mode)))
        else:
            raise ValueError(f"pattern {mode} begins twice, or has no rule")
    if rules:
        raise ValueError(f"patterns that never begin: {list(rules)}")
    etree.SubElement(root, f"{_XSL}template", match="/*")  # the walk in the default mode


def _look_up_by_key(root: "etree._Element") -> None:
    """Codes are looked up by a key, which Saxon makes once of a file."""
    from lxml import etree

    for condition in root.iter(f"{_XSL}when", f"{_XSL}if"):
        test = condition.get("test", "")
        if "document(" in test:
            by_key = _LOOK_UP.sub(r"key('code', concat('\g<list> ', \g<code>), \g<file>)", test)
            if "/" in by_key:
                raise ValueError(f"a list of codes that is looked up in another way: {test}")
            condition.set("test", by_key)
    use = "concat(../@id, ' ', @value)"
    etree.SubElement(root, f"{_XSL}key", name="code", match="enumeration", use=use)


def _shorten_report(root: "etree._Element") -> None:
    """What a report repeats of the rules themselves is left out: a third of its time."""
    from lxml import etree

    root.set("exclude-result-prefixes", "#all")
    for pattern in list(root.iter(f"{_SVRL}active-pattern")):
        pattern.getparent().remove(pattern)
    for rule in list(root.iter(f"{_SVRL}fired-rule")):
        sign = etree.Element(f"{_XSL}text")
        sign.text = FIRED
        rule.getparent().replace(rule, sign)


def _nodes(matches: list[str]) -> str:
    """The path to all that rules may match: which of these they do match, they say themselves.

    A condition that fails on a broken invoice makes a match fail, but a path an error.
    """
    paths = dict.fromkeys(map(_without_conditions, matches))
    if any(_ATTRIBUTE.search(path) for path in paths):
        raise ValueError(f"a rule about an attribute: {matches}")
    if len(paths) > _MOST_PATHS:
        return "//*"
    return " | ".join(path if path.startswith("/") else f"//{path}" for path in paths)


def _without_conditions(match: str) -> str:
    """a[b = 'c']/d is a/d."""
    path = _TEXT.sub("", match)
    while (shorter := _CONDITION.sub("", path)) != path:
        path = shorter
    return path
