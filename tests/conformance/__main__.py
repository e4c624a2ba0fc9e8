"""`make conformance`: outside judges over a wide corpus, and docs/conformance.md made of it.

    python -m conformance [--approve]

Exit status: 0 every judge passed; 1 one found something wrong, or said something that
EXPLAINED below does not explain; 4 a judge is missing or could not run, which is never a pass.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version

import house
from conformance import accounts, corpus, court, judge, mails, pages, xmls
from conformance.court import Corpus, Judge, Report

BUILD = house.HOME / "build/conformance/roots"
DOC = house.HOME / "docs/conformance.md"


def _jvm(name: str, given: Corpus) -> Report:
    """What one of the two judges of judge.py says; both answer from one JVM."""
    report = Report("PDF files")
    for verdict in _verdicts(given):
        if verdict.judge == name:
            report.judged += 1
            report.errors += [f"{verdict.file}: {error}" for error in verdict.errors]
            report.notices.update(verdict.notices)
    return report
