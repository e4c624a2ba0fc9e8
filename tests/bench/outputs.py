"""What was made is looked at: its first page as a picture, its text, its rules.

A fault here is a fault of the run, whatever the figures say.
"""

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pypdf
import pypdfium2

import house
from bench.measure import say
from conformance import court, judge
from lib.documents import validators
from lib.values import document

BUILD = house.HOME / "build/bench"
PICTURES = BUILD / "pictures"
_SCALE = 80 / 72  # dots a point
_DARK, _LIGHT = 100, 200  # of 255: a page that was drawn has both


def faults_of_page(pdf: Path, texts: Iterable[str]) -> list[str]:
    """What is wrong with a page, whoever made it; its picture is kept in build/bench/pictures/.

    Args:
      texts: what has to be readable on it.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    with pypdfium2.PdfDocument(pdf) as file:
        picture = file[0].render(scale=_SCALE).to_pil()
        read = _plain(file[0].get_textpage().get_text_range())
        count = len(file)
    picture.save(PICTURES / f"{pdf.stem}.png")
    faults = [f"{pdf.name}: {text!r} is not on it" for text in texts if _plain(text) not in read]
    darkest, lightest = picture.convert("L").getextrema()
    if darkest > _DARK or lightest < _LIGHT:
        faults.append(f"{pdf.name}: its first page is blank")
    if count != 1:
        faults.append(f"{pdf.name}: it has {count} pages, expected one")
    return faults


def _plain(text: str) -> str:
    """Without any kind of space: pages set them in their own ways."""
    return "".join(text.split()).replace("\u202f", "").replace("\xa0", "")


def faults_of_ours(pdf: Path, made: document.Document) -> list[str]:
    """What our own validators, and qpdf, say of one of our files and of the XML inside it."""
    faults = faults_of_xml(pdf, made)
    if shutil.which("qpdf"):
        checked = court.run("qpdf", "--check", pdf)
        if checked.returncode:
            faults.append(f"{pdf.name}: qpdf: {court.said(checked)}")
    return faults


def faults_of_xml(pdf: Path, made: document.Document) -> list[str]:
    """What XSD and both schematrons say of the XML inside a PDF, whoever made it.

    Args:
      made: the document, which tells which rules bind it.
    """
    return [f"{pdf.name}: {one}" for one in validators.verdicts(made, attached(pdf))]


def faults_of_tags(pdf: Path) -> list[str]:
    """Whether a file is tagged for screen readers, and says that it is PDF/A of level A."""
    catalog = pypdf.PdfReader(pdf).root_object
    data = catalog["/Metadata"].get_object().get_data()
    is_a = re.search(rb"conformance(>|=.)A", data)
    return [] if is_a and "/StructTreeRoot" in catalog else [f"{pdf.name}: it is not tagged"]


def attached(pdf: Path) -> bytes:
    """The XML in a PDF."""
    (xml,) = pypdf.PdfReader(pdf).attachments["factur-x.xml"]
    return xml


def verapdf(files: Sequence[Path]) -> dict[Path, list[str]] | None:
    """What veraPDF says of files; None where `make conformance` has not set it up."""
    if not any(judge.BUILD.glob("class-path-*.txt")) or not shutil.which("javac"):
        say("veraPDF is not on this machine (make conformance brings it): not asked")
        return None
    try:
        verdicts = judge.judge(list(files))
    except judge.CannotJudgeError as problem:
        say(f"veraPDF could not run: {problem}")
        return None
    return {Path(one.file): one.errors for one in verdicts if one.judge == "veraPDF"}
