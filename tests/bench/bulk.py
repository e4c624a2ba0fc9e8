"""A batch: a CSV becomes invoices validated, flushed to the disk and packed, on two cores; and
the audit of what it left.

The commands are those that a person types, in processes of their own, with all that they start.
"""

import csv
import json
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import batches
import house
from bench import counting, outputs, venv
from bench.measure import (
    SECOND,
    Bar,
    CannotMeasureError,
    Line,
    Took,
    command_of_make,
    line,
    make,
    memory,
    middle,
    run,
    say,
)
from bench.outputs import BUILD
from bench.venv import Peers
from lib.billing import batch_cells
from lib.core.root import Root
from lib.values import document
from lib.values.document import Document

SCRIPT = Path(__file__).with_name("peers") / "batch.py"
PRODUCED = Path(__file__).with_name("produced.py")
CORES = 2
_MOST = 500  # MB a process
_GROWTH = 10.5  # for ten times the lines
_DOCUMENTS = 200  # audited a second
_WORKERS = {"WORKERS": str(CORES)}
_TEXTS = (
    ("Relecture et correction d’épreuves", "HUR", 4200),
    ("Mise en page, maquette comprise", "HUR", 5150),
    ("Tirage de contrôle", "C62", 1890),
)


class Sizes(NamedTuple):
    """Lines of the batches: those measured side by side, and those of ours alone, in order."""

    lines: int
    more: tuple[int, ...]


def measure(peers: Peers, sizes: Sizes, rounds: int) -> tuple[list[Line], list[str]]:
    """The lines of the table, and what is wrong with what was made."""
    folder = BUILD / "batch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with_peer = "factur-x" in peers.there
    small, whole = sizes.lines // 10, sizes.lines
    took = Rounds({}, {})
    faults: list[str] = []
    for i in range(rounds):
        for lines in (small, whole) if i == 0 else (whole,):
            made = _measure_ours(folder, lines, took, faults)
            if with_peer:
                theirs = _peer(folder, made[0], lines)
                took.batches.setdefault(("peer", lines), []).append(theirs)
                faults += _faults_of_peer(folder / "peer", made, lines)
        say(f"batch of {whole} lines: round {i + 1} of {rounds}")
    for lines in sizes.more:
        _measure_ours(folder, lines, took, faults)
        say(f"batch of {lines} lines")
    shares = _shares(folder, sizes.more[0])
    shutil.rmtree(folder)
    return _lines(took, sizes, small) + shares, faults


class Rounds(NamedTuple):
    """What was measured, by size: batches by who makes them too, and audits."""

    batches: dict[tuple[str, int], list[Took]]
    audits: dict[int, list[Took]]


def _measure_ours(folder: Path, lines: int, took: Rounds, faults: list[str]) -> list[Path]:
    """A batch of ours and its audit, added to what was measured; the documents that it made."""
    took_ours, made = ours(folder, lines)
    took.batches.setdefault(("ours", lines), []).append(took_ours)
    faults += _faults_of_ours(made, lines)
    audit = make(folder / "root", "verify", environment=_WORKERS, watch=True)
    took.audits.setdefault(lines, []).append(audit)
    return made


def _shares(folder: Path, lines: int) -> list[Line]:
    """The processor time of a batch in `produce` and outside of it, counted in one run."""
    root, counted = _root(folder, lines), folder / "counted"
    counted.mkdir()
    typed = {"TYPED": "TODAY", "TODAY": house.TODAY}
    took = run(
        *(sys.executable, "-E", "-s", "-X", "utf8", PRODUCED),
        *(house.SCRIPTS / "import_batch.py", "--root", root.path),
        environment=_WORKERS | typed | {counting.FOLDER: str(counted)},
    )
    produce = in_produce(counted, lines)
    # What `make` adds to the script: all but the lines, which have been issued.
    whole = took.cpu + run(*_command(root), environment=_WORKERS).cpu
    rest = whole - produce
    bar = Bar("÷ that of produce", rest / produce, 0.25)
    return [
        Line(f"CPU of a batch of {lines:,} lines", "counted", (whole,), (whole,), "s"),
        Line("  in `produce`", "counted", (produce,), (produce,), "s"),
        Line("  outside `produce`", "counted", (rest,), (rest,), "s", (bar,)),
    ]


def in_produce(counted: Path, documents: int) -> int:
    """The nanoseconds that so many documents took: pages, XMLs and rules, and neither what is said
    to judges and by them nor what other threads do, which flush.

    Args:
      counted: what bench/produced left.

    Raises:
      CannotMeasureError: if judges did not judge each document once.
    """
    made, asked, answered, judged = (
        counting.read(counted, name) for name in ("produce_all", "_ask", "_answer", "reports")
    )
    if judged.number != documents:
        raise CannotMeasureError(f"judges judged {judged.number} of {documents} documents")
    return made.took - asked.took - answered.took + judged.took


def _lines(took: Rounds, sizes: Sizes, small: int) -> list[Line]:
    """What is said of the runs: times, rates, growth, memory."""
    whole = sizes.lines
    made = []
    names = {"ours": "ours", "peer": "Typst + factur-x + saxonche"}
    clocks = {
        key: middle(one.clock for one in rounds) / key[1] for key, rounds in took.batches.items()
    }
    theirs = clocks.get(("peer", whole))
    for (who, lines), rounds in sorted(took.batches.items(), key=lambda one: one[0][1]):
        bars: list[Bar] = []
        if who == "peer" and lines == whole:
            says = "ours ÷ theirs, invoices a second"
            bars.append(Bar(says, clocks[who, lines] / clocks["ours", whole], 3.5, False))
        if who == "ours" and lines == 10 * whole:
            if theirs:
                says = f"ours ÷ theirs at {whole:,}, invoices a second"
                bars.append(Bar(says, theirs / clocks[who, lines], 4.5, False))
            ratio = lines * clocks[who, lines] / (whole * clocks[who, whole])
            bars.append(Bar(f"{lines:,} ÷ {whole:,} lines", ratio, _GROWTH))
        what = f"batch of {lines:,} lines"
        made.append(line(what, names[who], rounds, "s", *bars))
        if lines != small:
            rates = tuple(lines * SECOND // one.clock for one in rounds)
            made.append(Line("  invoices a second", names[who], rates, (), "/s"))
    made += _audits(took.audits, small, whole)
    for lines in (whole, *sizes.more):
        made += memory(f"memory of {lines:,} lines", took.batches["ours", lines], _MOST)
    return made


def _audits(audits: dict[int, list[Took]], small: int, whole: int) -> list[Line]:
    """`make verify` of what the batches left."""
    made = []
    clocks = {lines: middle(one.clock for one in rounds) for lines, rounds in audits.items()}
    for lines, rounds in sorted(audits.items()):
        if lines == small:
            continue
        growth = Bar(f"{lines:,} ÷ {whole:,}", clocks[lines] / clocks[whole], _GROWTH)
        bars = (growth,) if lines == 10 * whole else ()
        made.append(line(f"verify {lines:,} documents", "ours", rounds, "s", *bars))
        rates = tuple(lines * SECOND // one.clock for one in rounds)
        rate = Bar("", middle(rates), _DOCUMENTS, False)
        made.append(Line("  documents a second", "ours", rates, (), "/s", (rate,)))
    return made


# --- ours ----------------------------------------------------------------------------


def ours(
    folder: Path, lines: int, environment: dict[str, str] = _WORKERS
) -> tuple[Took, list[Path]]:
    """`make batch packages` in a fresh root; the documents that it made, in order."""
    root = _root(folder, lines)
    took = run(*_command(root), environment=environment, watch=True)
    return took, sorted((root.data / "invoices_batch").rglob("*.json"), key=_seq)


def _command(root: Root) -> list[str]:
    return command_of_make(root.path, "batch", "packages", f"TODAY={house.TODAY}")


def _root(folder: Path, lines: int) -> Root:
    """A fresh root with a batch in its inbox."""
    shutil.rmtree(folder / "root", ignore_errors=True)
    root = batches.build(folder / "root", changes={"defaults.language": "fr"})
    write_csv(root.inbox_batch / f"{batches.CLIENT}__{house.MONTH}.csv", lines)
    return root


def _seq(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def write_csv(path: Path, lines: int) -> None:
    """A file of invoices of four lines each, no two alike; 100,000 do not have to fit memory."""
    columns = [name for name in batch_cells.columns() if name in _row(1)]
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, delimiter=";")
        writer.writeheader()
        writer.writerows(_row(i) for i in range(1, lines + 1))


def _row(i: int) -> batches.Row:
    made = batches.row(i, unit_price_1=_price(8000 + i % 977))
    for k, (text, unit, cents) in enumerate(_TEXTS, 2):
        changes = {"description": text, "unit": unit, "quantity": str(i % 5 + k)}
        rate = "10" if k == 4 else "20"
        made |= batches.group(k, **changes, unit_price=_price(cents + i % 89), vat_rate=rate)
    return made


def _price(cents: int) -> str:
    return f"{cents // 100},{cents % 100:02d}"


def _sample(made: Sequence[Path]) -> list[tuple[Path, Document]]:
    """The first, the middle one and the last."""
    chosen = [made[0], made[len(made) // 2], made[-1]]
    return [(path, document.from_json(path.read_bytes())) for path in chosen]


def _faults_of_ours(made: Sequence[Path], lines: int) -> list[str]:
    if not made:
        raise CannotMeasureError(f"the batch of {lines} lines made nothing")
    root = Root(made[0].parents[4])
    faults = _faults_of_count(len(made), lines, "documents")
    with (root.data / f"revenues_batch/{batches.CLIENT}.jsonl").open() as stream:
        faults += _faults_of_count(sum(1 for _ in stream), lines, "records")
    (package,) = root.downloads.glob("*.zip")
    faults += _faults_of_package(package, lines)
    for path, one in _sample(made):
        pdf = path.with_suffix(".pdf")
        faults += outputs.faults_of_page(pdf, _texts(one))
        faults += outputs.faults_of_ours(pdf, one)
    return faults


def _texts(made: Document) -> list[str]:
    due = made.speech.amount(made.totals.due, made.currency)
    return [made.number, made.buyer.name, due]


def _faults_of_count(count: int, lines: int, what: str) -> list[str]:
    return [] if count == lines else [f"a batch of {lines} lines made {count} {what}"]


def _faults_of_package(package: Path, lines: int) -> list[str]:
    with zipfile.ZipFile(package) as archive:
        names = [name for name in archive.namelist() if name.endswith(".pdf")]
        bad = archive.testzip()
    faults = _faults_of_count(len(names), lines, "packed PDFs")
    return [*faults, f"{package.name}: {bad} is damaged"] if bad else faults


# --- the peer ------------------------------------------------------------------------


def _peer(folder: Path, ours: Path, lines: int) -> Took:
    """The same file by the peer's script, in the name of the same seller."""
    seller, source = folder / "seller.json", folder / "batch.csv"
    seller.write_text(json.dumps(_seller(document.from_json(ours.read_bytes()))))
    write_csv(source, lines)
    shutil.rmtree(folder / "peer", ignore_errors=True)
    return run(venv.PYTHON, SCRIPT, source, seller, folder / "peer", str(CORES))


def _seller(made: Document) -> dict[str, Any]:
    seller = made.seller
    assert seller.bank is not None
    return {
        "name": seller.name,
        "siren": seller.siren,
        "vat_number": seller.vat_number,
        "lines": seller.address.lines,
        "postcode": seller.address.postcode,
        "city": seller.address.city,
        "email": seller.email[0],
        "iban": seller.bank.iban,
        "notes": [[note.code, note.text] for note in made.notes],
    }


def _faults_of_peer(folder: Path, ours: Sequence[Path], lines: int) -> list[str]:
    """The same numbers, buyers and amounts as ours, and XML that the same rules accept."""
    faults = _faults_of_package(folder / "batch.zip", lines)
    for _, one in _sample(ours):
        pdf = folder / f"{one.number}.pdf"
        faults += outputs.faults_of_page(pdf, _texts(one))
        faults += outputs.faults_of_xml(pdf, one)
        faults += outputs.faults_of_tags(pdf)
    return [f"the peer's {fault}" for fault in faults]
