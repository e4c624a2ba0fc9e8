"""Outside judges of issued PDFs: veraPDF (PDF/A-3A, PDF/UA-1) and Mustangproject (Factur-X).

    python tests/conformance/judge.py FOLDER

judges every `*.pdf` under FOLDER and prints, for each judge, its version and a summary, with
the errors file by file and the distinct notices. Versions are pinned in pom.xml; Maven fetches
them once. What the judges log themselves goes to build/conformance/judges.log.

Exit status: 0 every file passed both judges; 1 a file failed, or there was no file to judge;
2 wrong usage; 4 the judges could not run, which is never a pass.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build" / "conformance"
POM = HERE / "pom.xml"
LOG = BUILD / "judges.log"
JUDGES = {"veraPDF": "PDF/A-3A and PDF/UA-1", "Mustangproject": "Factur-X"}


class CannotJudgeError(Exception):
    """The judges could not run, or did not answer for every file."""


class Verdict(NamedTuple):
    """What one judge says of one file: it passed if there are no errors."""

    judge: str
    version: str
    file: str
    errors: list[str]
    notices: list[str]


def resolve_jars() -> list[str]:
    """The jars of pom.xml, fetched by Maven where they are not there yet.

    Raises:
      CannotJudgeError: if Maven fails.
    """
    pom_hash = hashlib.sha256(POM.read_bytes()).hexdigest()[:16]
    cache = BUILD / f"class-path-{pom_hash}.txt"
    if cache.exists():
        jars = cache.read_text().split(os.pathsep)
        if all(Path(jar).exists() for jar in jars):
            return jars
    BUILD.mkdir(parents=True, exist_ok=True)
    fresh = BUILD / f"class-path-{os.getpid()}.tmp"
    command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:build-classpath"]
    done = subprocess.run(
        [*command, f"-Dmdep.outputFile={fresh}"], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CannotJudgeError(f"Maven could not fetch the judges:\n{done.stdout.strip()}")
    fresh.replace(cache)
    return cache.read_text().split(os.pathsep)


def judge(files: list[Path], without_xml: Sequence[Path] = ()) -> list[Verdict]:
    """The verdict of each judge on each file, from one JVM.

    Args:
      without_xml: files that are no invoices, which veraPDF alone judges.

    Raises:
      CannotJudgeError: if the JVM failed, or a verdict is missing.
    """
    jars = resolve_jars()
    mustang = [jar for jar in jars if jar.endswith("-shaded.jar")]
    rules = [jar for jar in jars if "phive-rules" in jar]  # for xmls.py
    vera_pdf = os.pathsep.join(jar for jar in jars if jar not in mustang + rules)
    options = ["-Dfile.encoding=UTF-8", "-Duser.language=en", "-Djava.awt.headless=true"]
    with LOG.open("wb") as log:
        done = subprocess.run(
            ["java", *options, "-cp", vera_pdf, str(HERE / "Judges.java"), *mustang],
            input="\0".join(map(str, [*files, *without_xml])).encode(),
            stdout=subprocess.PIPE,
            stderr=log,
            # In the C locale Java could not open a file whose name is not ASCII.
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            check=False,
        )
    if done.returncode != 0:
        raise CannotJudgeError(f"the judges stopped with status {done.returncode}: see {LOG}")
    verdicts = [Verdict(**json.loads(line)) for line in done.stdout.splitlines()]
    apart = set(map(str, without_xml))
    verdicts = [one for one in verdicts if one.judge == "veraPDF" or one.file not in apart]
    expected = [(name, str(file)) for name in JUDGES for file in files]
    expected = sorted([*expected, *(("veraPDF", str(file)) for file in without_xml)])
    if sorted((verdict.judge, verdict.file) for verdict in verdicts) != expected:
        raise CannotJudgeError(f"the judges did not answer once for every file: see {LOG}")
    return verdicts


def summary(name: str, verdicts: list[Verdict], folder: Path) -> list[str]:
    """The lines that tell what the judge `name` found: one, then its errors and notices."""
    mine = [verdict for verdict in verdicts if verdict.judge == name]
    failed = [verdict for verdict in mine if verdict.errors]
    notices = Counter(notice for verdict in mine for notice in verdict.notices)
    lines = [
        f"{name} {mine[0].version} ({JUDGES[name]}): {len(mine) - len(failed)} passed, "
        f"{len(failed)} failed, {notices.total()} notices ({len(notices)} distinct)"
    ]
    for verdict in failed:
        path = Path(verdict.file).relative_to(folder)
        lines += [f"  ERROR {path}: {error}" for error in verdict.errors]
    for notice, count in sorted(notices.items()):
        lines.append(f"  notice in {count} of {len(mine)}: {notice}")
    return lines


def main() -> int:
    """Judges the folder named on the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Judge issued PDFs by veraPDF and Mustangproject.")
    parser.add_argument("folder", type=Path, help="holds the PDFs, at any depth")
    folder: Path = parser.parse_args().folder.resolve()
    if not folder.is_dir():
        parser.error(f"{folder} is not a folder")
    # Judges.java is run from its source, which needs a compiler: a JRE is not enough.
    if not all(shutil.which(tool) for tool in ("java", "javac", "mvn")):
        print(
            "conformance needs a JDK and Maven: apt-get install default-jdk-headless maven",
            file=sys.stderr,
        )
        return 4
    files = sorted(path for path in folder.rglob("*.pdf") if path.is_file())
    if not files:
        print(f"no PDF to judge in {folder}", file=sys.stderr)
        return 1
    try:
        verdicts = judge(files)
    except CannotJudgeError as problem:
        print(problem, file=sys.stderr)
        return 4
    for name in JUDGES:
        print("\n".join(summary(name, verdicts, folder)))
    return 1 if any(verdict.errors for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
