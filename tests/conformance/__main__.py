"""`make conformance`: outside judges over a wide corpus, and docs/conformance.md made of it.

    python -m conformance [--approve]

Exit status: 0 every judge passed; 1 one found something wrong, or a notice that is explained
nowhere; 4 a judge is missing or could not run, which is never a pass.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

import house
from conformance import corpus, court, document, judge, pages
from conformance.bench import JUDGES
from conformance.court import Corpus, Report

BUILD = house.HOME / "build/conformance/roots"
DOC = house.HOME / "docs/conformance.md"


def main() -> int:
    """Issues, judges, says and writes down; returns the exit status."""
    parser = argparse.ArgumentParser(description="Have outside judges judge a wide corpus.")
    parser.add_argument("--approve", action="store_true", help="the chosen pages look right")
    arguments = parser.parse_args()
    if missing := [one for one in JUDGES if one.is_missing()]:
        for one in missing:
            print(f"{one.name} is missing: {one.install}", file=sys.stderr)
        return 4
    begun = time.monotonic()
    try:
        given = court.read(corpus.build(BUILD))
        print(f"{len(given.issued)} documents issued, {time.monotonic() - begun:.0f} s", flush=True)
        if arguments.approve:
            pages.approve(given)
        reports = ask(given)
    except (
        corpus.CannotIssueError,
        judge.CannotJudgeError,
        subprocess.TimeoutExpired,
    ) as problem:
        print(problem, file=sys.stderr)
        return 4
    faults = list(say(reports))
    print("\n".join(faults), f"{time.monotonic() - begun:.0f} s", sep="\n")
    if any(report.errors for report in reports.values()) or document.unexplained(reports):
        return 1
    DOC.write_text(document.text(reports, len(given.issued)))
    return 0


def ask(given: Corpus) -> dict[str, Report]:
    """The report of each judge, in the order of JUDGES; two judge at a time.

    Raises:
      CannotJudgeError: if the judges of the JVM could not run.
    """
    with ProcessPoolExecutor(2) as pool:
        jvm = pool.submit(judge.judge, [issued.pdf for issued in given.issued], given.others)
        asked = {one.name: pool.submit(one.judge, given) for one in JUDGES if one.judge}
        reports = _of_jvm(jvm.result())
        reports |= {name: future.result() for name, future in asked.items()}
    return {one.name: reports[one.name] for one in JUDGES}


def _of_jvm(verdicts: Iterable[judge.Verdict]) -> dict[str, Report]:
    reports = {name: Report("PDF files") for name in judge.JUDGES}
    for verdict in verdicts:
        report = reports[verdict.judge]
        report.judged += 1
        report.errors += [f"{verdict.file}: {error}" for error in verdict.errors]
        report.notices.update(verdict.notices)
    return reports


def say(reports: dict[str, Report]) -> Iterable[str]:
    """A line for each judge, then what it found wrong."""
    for name, report in reports.items():
        state = "fail" if report.errors or not report.judged else "pass"
        yield (
            f"{state}  {name}: {report.judged} {report.what}, {len(report.errors)} errors,"
            f" {report.notices.total()} notices"
        )
        yield from (f"      {error}" for error in report.errors)
    for name, notice in document.unexplained(reports):
        yield f"fail  {name}: a notice without an explanation: {notice}"


if __name__ == "__main__":
    sys.exit(main())
