"""What the last summary reported: data/flags/told.json; how the last run ended: last_run.json.

    heads     the last line of each record file that a summary has reported
    notices   the notices that were reported, so that none is news twice
    sight     what the house looked like when there was nothing left to report

told.json is written when a summary cannot be lost any more: it lies in the outbox, or stands
on stderr where nobody is to get it by mail. A run that was killed is therefore reported by the
next summary, and a kill between the two reports it twice. If it is deleted, everything since
the beginning is reported again. Little is imported here: a run with nothing to report ends here.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import NamedTuple

from lib.books import heads
from lib.books.heads import Head
from lib.core import alerts, flags, storage
from lib.core.faults import Alert, Broken, Refused
from lib.core.messages import Message, say
from lib.core.root import Root

_SCRIPT = "send_alerts.py"  # the log's name for the summary, whoever asks for it


class EndedRun(NamedTuple):
    """A run that has ended, and the alerts that it raised; `failed` names the step it failed in."""

    command: str
    today: date
    month: str
    failed: str
    alerts: list[Alert]

    @property
    def name(self) -> str:
        """ "month 2026-10", "batch"."""
        return f"month {self.month}".strip() if self.command == "month" else self.command


class LastSummary(NamedTuple):
    """`heads` by the file that each is of; `sight` is empty if there may be more to report."""

    heads: dict[str, Head]
    notices: frozenset[str]
    sight: str


NOTHING = LastSummary({}, frozenset(), "")


def report(root: Root, run: EndedRun) -> bool:
    """Reports a run to the operator, if there is news: on stderr, in the log, by mail.

    Returns:
      whether there was something to report.

    Raises:
      Unavailable: the mail server cannot take the summary now.
      Refused: the run went on past something that is wrong, and ended well but for that.
    """
    before, seen = read(root), sight(root, run)
    is_same = bool(seen) and seen == before.sight and not (run.failed or run.alerts)
    if not is_same:
        # Reads inputs and records, and imports what all of that needs.
        from lib.summary import summaries

        summary = summaries.read(root, run, before)
        if summary.is_news:
            summaries.report(root, summary, _SCRIPT)
    if is_same or not summary.is_news:
        outcome = say("{run}: nothing to do, nothing new", run=run.name)
        log_outcome(root, "INFO", outcome)
        print(outcome)
    if not is_same:
        summaries.send(root, summary, before, seen, _SCRIPT)
    if not run.failed and any(alert.code.startswith("B-") for alert in run.alerts):
        raise Refused([])  # each was said where it was found
    return not is_same and summary.is_news


class RunOutcome(NamedTuple):
    """How a run ended, and when."""

    moment: str
    text: str


def log_outcome(root: Root, level: str, text: Message) -> None:
    """Writes how a run ended to the log and to data/flags/last_run.json; failing stops nothing."""
    moment = alerts.write_log(root.logs, "", level, _SCRIPT, "I-RUN", str(text))
    value = RunOutcome(moment, str(text))._asdict()
    with suppress(OSError):
        storage.update_derived(root.flags / "last_run.json", storage.pretty_json(value))


def last_outcome(root: Root) -> RunOutcome | None:
    """How the last run ended; None before the first, or if the file is missing or damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        value = json.loads((root.flags / "last_run.json").read_bytes())
        return RunOutcome(str(value["moment"]), str(value["text"]))
    return None


def path_of(root: Root) -> Path:
    """data/flags/told.json."""
    return root.flags / "told.json"


def read(root: Root) -> LastSummary:
    """What was reported; NOTHING if the file is missing or damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        value = json.loads(path_of(root).read_bytes())
        lines = [line.split(" ") for line in value["heads"]]
        reached = {file: Head(file, int(seq), hash_) for file, seq, hash_ in lines}
        return LastSummary(reached, frozenset(map(str, value["notices"])), str(value["sight"]))
    return NOTHING


def write(root: Root, reported: LastSummary) -> None:
    """Remembers what was reported, whole or not at all."""
    value = {
        "heads": heads.witness(sorted(reported.heads.values())).splitlines(),
        "notices": sorted(reported.notices),
        "sight": reported.sight,
    }
    storage.update_derived(path_of(root), storage.pretty_json(value))


def sight(root: Root, run: EndedRun) -> str:
    """A hash of all that a summary depends on; empty where it can't be taken, or a run stopped.

    Inputs count by their times and sizes, which only saves work: another day is another sight.
    """
    try:
        heads_now = heads.read(root)
    except Broken:
        return ""
    if any(root.pending.glob("*")):
        return ""
    percent = storage.percent_used(root.path)
    server = os.environ.get("SMTP_HOST", "")
    seen = [run.today.isoformat(), run.month, server, percent, heads_now, sorted(_inputs(root))]
    return storage.sha256(storage.canonical_json(seen))


def _inputs(root: Root) -> Iterator[tuple[str, int, int, int]]:
    """Every input as a glance sees it; a house has many, so none is read."""
    for path in (root.issuer, root.env):
        with suppress(FileNotFoundError):
            yield flags.look(path.name, path.stat())
    folders = [root.clients, root.batch_clients, root.indices]
    for parent in (root.usage, root.orders):
        with suppress(FileNotFoundError):
            folders += [Path(entry.path) for entry in os.scandir(parent) if entry.is_dir()]
    for folder in folders:
        with suppress(FileNotFoundError, PermissionError), os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # a link to nothing
                    yield flags.look(f"{folder.name}/{entry.name}", entry.stat())
