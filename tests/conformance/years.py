"""Judge of what goes to a platform over a year, of a random studio (platform_year.py)."""

from pathlib import Path
from tempfile import TemporaryDirectory

import platform_year
from conformance import ereports
from conformance.court import Corpus, Report
from platform_stub import Platform, running

_MONTHS, _SEED = 12, 2026
CASH_INS = (
    "cdar-xsd/CrossDomainAcknowledgementAndResponse_100pD22B.xsd",
    "cdar-schematron/BR-FR-CDV-Schematron-CDAR.xslt",
)


def year(_: Corpus) -> Report:
    """Each 212 and each report keeps its XSD and its schematron as pyfrctc ships them, and the
    platform, which checks each invoice too, has each file once."""
    report = Report("messages and reports")
    platform = Platform()
    platform.duplicates = "take"
    with TemporaryDirectory() as folder, running(platform):
        platform_year.lived(Path(folder) / "root", platform, _SEED, _MONTHS)
    report.errors += platform.wrong
    if len(platform.deposited) != len(set(platform.deposited)):
        report.errors.append("a file was deposited twice")
    for syntax, shipped in (("CDAR", CASH_INS), ("FRR", ereports.RULES)):
        files = platform_year.taken(platform, syntax)
        if not files:
            report.errors.append(f"no {syntax} was deposited")
        report.judged += len(files)
        report.errors += (
            f"{syntax} {i}: {text}"
            for i, xml in enumerate(files, 1)
            for text in ereports.broken(xml, *shipped)
        )
    return report
