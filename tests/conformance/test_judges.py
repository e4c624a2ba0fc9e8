"""The outside validators really judge: they accept a good file and refuse broken ones."""

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib.documents import pdf_writer, typeset
from lib.documents.fonts import REGULAR
from lib.documents.pdf_writer import Box, EmbeddedFile, Text
from lib.documents.structure import END, Tag

pytestmark = pytest.mark.conformance

HERE = Path(__file__).parent
GOOD_XML = (HERE / "invoice.xml").read_bytes()
DAY = dt.date(2026, 10, 31)
FACTUR_X = {
    "version": "1.0",
    "documenttype": "INVOICE",
    "xml_filename": "factur-x.xml",
    "xmp_level": "EN 16931",
    "urn": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
}


def factur_x(xml: bytes, folder: Path) -> bytes:
    """A tagged PDF/A-3A file with `xml` inside, its objects in the clear."""
    ink = (0, 0, 0)
    page = [
        Tag("H1"), Text(40, 60, "A", REGULAR, 12, ink), END,
        Tag("Figure", alt="A box"), Box(40, 80, 20, 20, ink), END,
    ]  # fmt: skip
    data = pdf_writer.write(
        [page],
        moment=dt.datetime.combine(DAY, dt.time(), dt.UTC),
        language="en",
        xmp=typeset.xmp("ACME-2026-0001", "Studio Exemple", "Invoice", DAY, "tests", FACTUR_X),
        attachment=EmbeddedFile("factur-x.xml", xml, "text/xml", "Factur-X"),
    )
    packed, clear = folder / "packed.tmp", folder / "clear.tmp"
    packed.write_bytes(data)
    options = ["--object-streams=disable", "--stream-data=preserve", "--newline-before-endstream"]
    subprocess.run(["qpdf", *options, packed, clear], check=True)
    return clear.read_bytes()


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """`data` with its one `old` made `new`, of the same length: a PDF's offsets still hold."""
    assert data.count(old) == 1
    assert len(old) == len(new)
    return data.replace(old, new)


def run(folder: Path, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    """`judge.py FOLDER`, with `path` as PATH."""
    return subprocess.run(
        [sys.executable, str(HERE / "judge.py"), str(folder)],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def refused(stdout: str, judge: str) -> dict[str, str]:
    """The files that `judge` refused, each with its errors."""
    found: dict[str, str] = {}
    mine = False
    for line in stdout.splitlines():
        if not line.startswith(" "):
            mine = line.startswith(judge)
        elif mine and line.startswith("  ERROR "):
            file, _, error = line.removeprefix("  ERROR ").partition(": ")
            found[file] = found.get(file, "") + error + "\n"
    return found


@pytest.fixture(scope="module")
def good_pdf(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return factur_x(GOOD_XML, tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="module")
def good_run(
    good_pdf: bytes, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    folder = tmp_path_factory.mktemp("good run")
    (folder / "2026").mkdir()
    (folder / "2026" / "L'été 1.pdf").write_bytes(good_pdf)
    return folder, run(folder)


def test_a_good_file_passes_both_judges(
    good_run: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    _, done = good_run
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    summaries = [line for line in done.stdout.splitlines() if not line.startswith(" ")]
    assert summaries == [
        "veraPDF 1.30.2 (PDF/A-3A and PDF/UA-1): 1 passed, 0 failed, 0 notices (0 distinct)",
        # Mustang reports for every EN 16931 invoice which German rules (BR-DE) it breaks.
        "Mustangproject 2.22.0 (Factur-X): 1 passed, 0 failed, 3 notices (3 distinct)",
    ]
    assert "  notice in 1 of 1: [BR-DE-15]" in done.stdout


def test_broken_files_are_refused(good_pdf: bytes, tmp_path: Path) -> None:
    amount = replaced(GOOD_XML, b"<ram:GrandTotalAmount>120.00", b"<ram:GrandTotalAmount>120.01")
    (tmp_path / "amount.pdf").write_bytes(factur_x(amount, tmp_path))
    (tmp_path / "font.pdf").write_bytes(replaced(good_pdf, b"/FontFile2 ", b"/FontFileX "))
    (tmp_path / "no_xml.pdf").write_bytes(replaced(good_pdf, b"/EmbeddedFiles", b"/EmbeddedFilex"))
    (tmp_path / "no_xmp.pdf").write_bytes(replaced(good_pdf, b"/Metadata 3", b"/Metadatx 3"))
    untagged = replaced(good_pdf, b"/MarkInfo ", b"/MarkInfx ")
    (tmp_path / "untagged.pdf").write_bytes(untagged)
    (tmp_path / "silent.pdf").write_bytes(replaced(good_pdf, b"/Alt ", b"/Alx "))
    (tmp_path / "no_pdf.pdf").write_bytes(b"%PDF-1.7\n" + b"This is no PDF.\n" * 9)
    (tmp_path / "zz_good.pdf").write_bytes(good_pdf)

    done = run(tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    vera_pdf = refused(done.stdout, "veraPDF")
    assert sorted(vera_pdf) == [
        "font.pdf", "no_pdf.pdf", "no_xmp.pdf", "silent.pdf", "untagged.pdf",
    ]  # fmt: skip
    assert "ua1 [7.3-1]" in vera_pdf["silent.pdf"]
    assert "3a [6.7.2.2-1]" in vera_pdf["untagged.pdf"]
    assert "fonts used for rendering" in vera_pdf["font.pdf"]
    assert "Metadata key" in vera_pdf["no_xmp.pdf"]
    mustang = refused(done.stdout, "Mustangproject")
    assert sorted(mustang) == [
        "amount.pdf", "font.pdf", "no_pdf.pdf", "no_xml.pdf", "no_xmp.pdf", "untagged.pdf",
    ]  # fmt: skip
    assert "[BR-CO-16]" in mustang["amount.pdf"]
    assert "fonts used for rendering" in mustang["font.pdf"]
    assert "XML could not be extracted" in mustang["no_xml.pdf"]
    assert "XMP Metadata not found" in mustang["no_xmp.pdf"]


def test_nothing_to_judge_is_a_failure(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no PDF to judge" in done.stderr


def test_missing_tools_are_named(tmp_path: Path) -> None:
    done = run(tmp_path, path=str(tmp_path))
    assert (done.returncode, done.stdout) == (4, "")
    assert "apt-get install default-jdk-headless maven" in done.stderr


@pytest.mark.parametrize("script", ["exit 0", "exit 3"])
def test_a_judge_that_could_not_run_is_not_a_pass(
    script: str, good_run: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder, _ = good_run
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    done = run(folder, path=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (4, "")
    assert "judges.log" in done.stderr


def test_one_judge_alone_is_not_a_pass(
    good_run: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder, _ = good_run
    (file,) = folder.rglob("*.pdf")
    verdict = {
        "judge": "veraPDF",
        "version": "1.30.2",
        "file": str(file),
        "errors": [],
        "notices": [],
    }
    (tmp_path / "verdict").write_text(json.dumps(verdict))
    java = tmp_path / "java"
    java.write_text(f"#!/bin/sh\ncat '{tmp_path}/verdict'\n")
    java.chmod(0o755)
    done = run(folder, path=f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (4, "")
    assert "did not answer once for every file" in done.stderr
