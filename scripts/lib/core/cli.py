"""How every script starts and ends: options, the root, exit codes, no traceback.

A script reads its options before it imports the rest of the house: --help and an option that
is mistyped are answered at once. An option that is not given has the value that was typed under
its name after `make` (--issue-date: ISSUE_DATE); TYPED lists these names. Anything else in the
environment is ignored.

0 done, 1 input refused, 2 wrong usage, 3 integrity broken, 4 environment.
"""

import argparse
import errno
import io
import os
import re
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TextIO

from lib.core import alerts, messages
from lib.core.faults import Alert, Fault, Refused, Stop, Unavailable, WrongUsage
from lib.core.messages import ENGLISH, Message, either, say, verbatim
from lib.core.root import Root

HOME = Path(__file__).resolve().parents[3]


class _Parser(argparse.ArgumentParser):
    """Takes what was typed after `make`; says what is wrong with an option in one line.

    The help of an option that is required is an example of its value.
    """

    def parse_args(self, args: Sequence[str] | None = None, _: None = None) -> argparse.Namespace:  # type: ignore[override]
        """The options of the command line, which go before what was typed after `make`."""
        options = [option for action in self._actions for option in action.option_strings]
        values = [(option, typed(option.lstrip("-"))) for option in options]
        of_make = [f"{option}={value}" for option, value in values if value]
        words = [*of_make, *(sys.argv[1:] if args is None else args)]
        speak(_root_of(words))
        if faults := self._faults({word.partition("=")[0] for word in words}):
            self._refuse(faults)
        try:
            arguments, unknown = self.parse_known_args(words)
        except argparse.ArgumentError as error:
            self._refuse([self._misused(error)])
        remedy = say("--help has them all")
        if unknown:
            self._refuse([Fault(word, say("is not an option"), remedy=remedy) for word in unknown])
        return arguments

    def format_help(self) -> str:
        """All options, in the operator's language."""
        self.description = str(Message(self.description or ""))
        self._optionals.title = str(say("options"))
        self._positionals.title = str(say("positional arguments"))
        for action in self._actions:
            action.help = str(Message(action.help or ""))
        return super().format_help()

    def _misused(self, error: argparse.ArgumentError) -> Fault:
        """An option without its value, or a switch with one."""
        names = str(error.argument_name).split("/")
        for action in self._actions:
            if not set(names) & {*action.option_strings, action.dest}:
                continue
            if action.nargs == 0:
                return Fault(names[0], say("takes no value"))
            if not action.choices:
                return Fault(names[0], say("has no value"), remedy=say("--help has them all"))
            return Fault(names[0], say("write one of {choices}", choices=tuple(action.choices)))
        return Fault("", verbatim(str(error)))

    def _faults(self, words: set[str]) -> list[Fault]:
        """What is required and stands nowhere among the words, and what excludes each other."""
        if not words.isdisjoint(("-h", "--help")):
            return []
        groups = [group for group in self._mutually_exclusive_groups if group.required]
        choices = [
            *([action] for action in self._actions if action.required and action.option_strings),
            *(group._group_actions for group in groups),
        ]
        faults = []
        for choice in choices:
            names = [_name(action) for action in choice]
            examples = either(f"{_name(action)}={action.help}" for action in choice)
            present = [
                name
                for name, action in zip(names, choice, strict=True)
                if not words.isdisjoint(action.option_strings)
            ]
            if not present:
                remedy = say("add {examples}", examples=examples)
                faults.append(Fault(str(either(names)), say("is missing"), remedy=remedy))
            elif len(present) > 1:
                found = say("is not allowed with {other}", other=present[0])
                expected = say("expected one of them, {examples}", examples=examples)
                faults.append(Fault(present[1], found, expected))
        return faults

    def _get_value(self, action: argparse.Action, text: str) -> Any:
        try:
            return super()._get_value(action, text)
        except Unfit as unfit:
            self._refuse([unfit.fault._replace(place=_name(action))])

    def error(self, message: str) -> NoReturn:
        self._refuse([Fault("", verbatim(message), remedy=say("--help has them all"))])

    def _refuse(self, faults: list[Fault]) -> NoReturn:
        alerts.report(None, self.prog, [Alert("B-USAGE", "", fault) for fault in faults])
        sys.exit(2)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help whose own words are in the operator's language too."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, prefix or str(say("usage: ")))

    def start_section(self, heading: str | None) -> None:
        # argparse sets the colon, without the space that a language has before it.
        super().start_section(str(say("{heading}:", heading=heading or "")).removesuffix(":"))


class Unfit(Exception):
    """An option's text that is not of its kind."""

    def __init__(self, found: Message, remedy: Message | None = None):
        self.fault = Fault("", found, remedy=remedy)
        super().__init__(self.fault.text)


def _name(action: argparse.Action) -> str:
    """How an option is typed after `make`: KEEP_DAYS."""
    return action.option_strings[0].lstrip("-").replace("-", "_").upper()


def speak(root: Path) -> None:
    """Binds the operator's language: `language` in issuer.json, before there is one the locale's.

    It is looked for in the text of the file, so that a file with a fault is reported in it.
    """
    path = root / "issuer.json"
    language = ENGLISH
    try:
        if path.is_file():
            data = path.read_bytes().replace(b"\0", b"")  # of UTF-16
            found = re.search(rb'"language"\s*:\s*"([a-z]+)"', data)
            if found:
                language = found[1].decode()
            elif b'"code"' not in data:  # not an issuer's file, whatever its name
                language = of_locale()
        else:
            language = of_locale()
    except OSError:
        pass  # whoever needs the file reports that it cannot be read
    messages.speak(language if language in messages.languages() else ENGLISH)


def of_locale() -> str:
    """The language of the locale that a command is typed in: fr of fr_FR.UTF-8."""
    names = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next(filter(None, names), "")
    return re.split("[_.@]", locale)[0]


def _root_of(words: Sequence[str]) -> Path:
    """The root among the words of a command line, read before they are checked."""
    root = HOME
    for i, word in enumerate(words):
        if word == "--root" and words[i + 1 :]:
            root = Path(words[i + 1])
        elif word.startswith("--root="):
            root = Path(word.partition("=")[2])
    return root


def parser(description: str, *, lays_out: bool = False) -> argparse.ArgumentParser:
    """A parser with the one option that all scripts have; `lays_out`: of a root that is new."""
    options = _Parser(
        description=description,
        formatter_class=_Formatter,
        allow_abbrev=False,
        exit_on_error=False,
        add_help=False,
    )
    options.add_argument("-h", "--help", action="help", help="show this help and end")
    options.add_argument(
        "--root", type=Path, default=HOME, help="the folder that holds issuer.json (default: ours)"
    )
    options.set_defaults(lays_out=lays_out)
    return options


def typed(name: str) -> str:
    """What was typed after `make` under the name of an option; nothing where a script is run."""
    name = name.replace("-", "_").upper()
    return os.environ.get(name, "") if name in os.environ.get("TYPED", "").split() else ""


def add_period(options: argparse.ArgumentParser, *, quarter_too: bool = False) -> None:
    """--year or --month, one of them, or --quarter."""
    either = options.add_mutually_exclusive_group(required=True)
    either.add_argument("--year", dest="period", type=year, help="2024")
    either.add_argument("--month", dest="period", type=month, help="2024-03")
    if quarter_too:
        either.add_argument("--quarter", dest="period", type=quarter, help="2024-Q1")
    add_flag(options)


def add_today(options: argparse.ArgumentParser) -> None:
    """--today, which `run` finds where it is not given."""
    options.add_argument("--today", type=day, help="(default: the date in issuer.json's time zone)")


def add_dates(options: argparse.ArgumentParser, *, month_too: bool = True) -> None:
    """--today and --issue-date, and --month, which `run` finds where they are not given."""
    add_today(options)
    options.add_argument("--issue-date", type=day, help="2026-11-08 (default: today)")
    if month_too:
        options.add_argument("--month", type=month, help="2026-10 (default: before the issue date)")


def add_flag(options: argparse.ArgumentParser) -> None:
    """--flag: the work is done only where its flag does not stand, and raises it."""
    options.add_argument("--flag", action="store_true", help="only if something changed since")


def add_payment(options: argparse.ArgumentParser) -> None:
    """The options that a payment and a refund share; empty texts count as missing."""
    options.add_argument("--client", default="", help="studio_nord")
    options.add_argument("--invoice", default="", help="NORD-2026-0001")
    options.add_argument("--amount", default="", help="175.80")
    options.add_argument("--date", default="", help="the day on which the money moved, 2026-12-03")
    options.add_argument(
        "--value-date", default="", help="the day on which it moved, where that is closed"
    )
    options.add_argument(
        "--method", default="", help="transfer, card, cheque, cash, direct_debit, other"
    )
    options.add_argument("--again", type=yes, default=False, help="yes: the same once more")
    add_today(options)


def run(
    arguments: argparse.Namespace,
    main: Callable[[argparse.Namespace, Root], None],
    work: str = "",
    *,
    is_apart: Callable[[Root], bool] = lambda _: False,
    finds_days: bool = True,
) -> None:
    """Runs `main`, reports every alert that stops it, and exits with its code.

    Args:
      work: what its flag is called, for a script that has --flag.
      is_apart: whether this run writes files of another name, which the flag is not about.
      finds_days: whether the days that were not given are found before it.
    """
    from lib.core import storage

    said = _prepare(main)
    root = Root(arguments.root.resolve())
    script = Path(sys.argv[0]).name
    logs: Path | None = None
    try:
        if arguments.lays_out:
            root.path.mkdir(mode=0o750, parents=True, exist_ok=True)
        _refuse_no_root(root, arguments.lays_out)
        storage.refuse_links(root)
        logs = root.logs if root.issuer.exists() else None
        if finds_days:
            _find_days(arguments, root)
        if work and arguments.flag:
            _flagged(arguments, root, main, work, is_apart)
        else:
            main(arguments, root)
        _check_said(said)
    except Stop as stop:
        alerts.report(logs, script, stop.alerts)
        sys.exit(stop.exit_code)
    except OSError as error:
        alerts.report(logs, script, [alerts.of_machine(error)])
        sys.exit(4)
    except MemoryError:
        alerts.report(logs, script, [Alert("B-ENVIRONMENT", "", Fault("", say("out of memory")))])
        sys.exit(4)
    except KeyboardInterrupt:
        interrupted = Fault("", say("interrupted"), remedy=say("run the command again"))
        alerts.report(logs, script, [Alert("B-INTERRUPTED", "", interrupted)])
        sys.exit(4)
    except Exception:
        import traceback

        # A fault of ours: the person gets one line, the log keeps what we need to fix it.
        place = "data/logs/system.log" if logs else "stderr"
        fault = Fault("", say("a fault of the program"), remedy=say("{place} has it", place=place))
        if logs:
            trace = traceback.format_exc()
            alerts.write_log(logs, "", "ERROR", script, "B-INTERNAL", trace)
        else:
            traceback.print_exc()
        alerts.report(None, script, [Alert("B-INTERNAL", script, fault)])
        sys.exit(4)


def _refuse_no_root(root: Root, may_be_empty: bool) -> None:
    """Where nothing found would look like nothing wrong, a mistyped ROOT is named.

    Raises:
      WrongUsage: if it is not a folder, or holds neither issuer.json nor records.
    """
    if not root.path.is_dir():
        found = say("is not a folder")
    elif may_be_empty or root.issuer.exists() or root.heads.exists():
        return
    else:
        found = say("has no issuer.json and no records")
    remedy = say("name another folder with ROOT=..., or lay one out with `make init ROOT=...`")
    raise WrongUsage([Alert("B-USAGE", str(root.path), Fault("", found, remedy=remedy))])


def _find_days(arguments: argparse.Namespace, root: Root) -> None:
    """The days that were not given, and the month that they come to."""
    values = vars(arguments)
    names = ("today", "issue_date", "month")
    missing = [name for name in names if name in values and values[name] is None]
    if not missing:
        return
    from lib.core import dates

    days = dates.of_run(root, *(values.get(name) for name in names))
    for name in missing:
        setattr(arguments, name, getattr(days, name))


def _flagged(
    arguments: argparse.Namespace,
    root: Root,
    main: Callable[[argparse.Namespace, Root], None],
    work: str,
    is_apart: Callable[[Root], bool],
) -> None:
    from lib.core import flags

    if is_apart(root):
        main(arguments, root)
    else:
        with flags.raising(root, work, _period(arguments) or ""):
            main(arguments, root)


def leave_if_done(arguments: argparse.Namespace, work: str) -> None:
    """Ends a script that has --flag, before it imports the house, where its flag stands."""
    period = _period(arguments)
    if not arguments.flag or period is None:
        return
    from lib.core import flags

    is_once = flags.is_of_dialect(work) and any(map(os.environ.get, flags.DIALECT))
    if not is_once and flags.stands(Root(arguments.root.resolve()), work, period):
        name = f"{work} {period}".strip()
        print(say("{name}: nothing changed since it was made", name=name))
        sys.exit(0)


def _period(arguments: argparse.Namespace) -> str | None:
    """The month or year that a work is about: "" where it is about none, None if not known yet."""
    values = vars(arguments)
    return next((values[name] for name in ("period", "month", "year") if name in values), "")


def run_without_root(main: Callable[[], None]) -> None:
    """Runs what makes a root, where none is yet, and reports in a line what the machine refuses."""
    said = _prepare(main)
    script = Path(sys.argv[0]).name
    try:
        main()
        _check_said(said)
    except Stop as stop:
        alerts.report(None, script, stop.alerts)
        sys.exit(stop.exit_code)
    except OSError as error:
        then = say("nothing was half-done: run the command again")
        alerts.report(None, script, [alerts.of_machine(error, then)])
        sys.exit(4)


# --- what is said -------------------------------------------------------------------------


class _Output(io.FileIO):
    """Standard output or error that stops nothing: a failed write is reported at the end."""

    refused: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.refused = self.refused or error
            return len(data)


def _prepare(main: Callable[..., None]) -> _Output | None:
    """Lets nothing that is said stop a command, whatever the locale and wherever it goes.

    Returns:
      standard output, unless a test reads it.
    """
    if main.__module__ == "__main__" and sys.getfilesystemencoding() != "utf-8":
        # What was typed and what names are called would be read in the encoding of the locale.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
    # What a umask takes from the owner himself, the next command could not read.
    os.umask(os.umask(0o077) & 0o077)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if stream is None:  # closed: the next file that is opened would take its place
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0), "utf-8")
    sys.stderr, _ = _lenient(sys.stderr, 2)
    sys.stdout, said = _lenient(sys.stdout, 1)
    return said


def _lenient(stream: TextIO | None, handle: int) -> tuple[TextIO, _Output | None]:
    """A stream that takes what its encoding lacks, and stops nothing; a test's own stays."""
    if stream is not None and stream not in (sys.__stdout__, sys.__stderr__):
        return stream, None
    output = _Output(handle, "w", closefd=False)
    encoding, lines = (stream.encoding, stream.line_buffering) if stream else ("utf-8", False)
    buffer = io.BufferedWriter(output)
    text = io.TextIOWrapper(buffer, encoding, "backslashreplace", line_buffering=lines)
    return text, output


def _check_said(said: _Output | None) -> None:
    """A reader who has read enough (`| head`) is not a fault.

    Raises:
      Unavailable: if what was done could not be said.
    """
    sys.stdout.flush()
    if said and said.refused and said.refused.errno != errno.EPIPE:
        fault = Fault(
            "",
            messages.reason(said.refused),
            remedy=say("all was done, and only what the command says is lost"),
        )
        raise Unavailable([Alert("B-ENVIRONMENT", str(say("standard output")), fault)])


# --- options -----------------------------------------------------------------------------


def month(text: str) -> str:
    """A month given as an option."""
    if not _is_month(text):
        raise unfit("month", text, _is_month, say("a month"))
    return text


def year(text: str) -> str:
    """A year given as an option."""
    if not _is_year(text):
        raise unfit("year", text, _is_year, say("a year"))
    return text


def quarter(text: str) -> str:
    """A quarter given as an option."""
    if not re.fullmatch("20[0-9]{2}-Q[1-4]", text):
        found = say('"{text}" is not a quarter', text=text)
        raise Unfit(found, say("write one such as 2026-Q4"))
    return text


def day(text: str) -> date:
    """A date given as an option."""
    if not _is_day(text):
        raise unfit("day", text, _is_day, say("a date"))
    return date.fromisoformat(text)


def _is_month(text: str) -> bool:
    return _is_day(f"{text}-01")


def _is_year(text: str) -> bool:
    return re.fullmatch("20[0-9]{2}", text) is not None


def _is_day(text: str) -> bool:
    # Python reads 20261031 and 2026-W44-6 too; dates of invoices are of 2000 to 2099 (BR-FR-03).
    try:
        return text.startswith("20") and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def unfit(kind: str, text: str, fits: Callable[[str], bool], expected: Message) -> Unfit:
    """What an option's text is not, and what was most likely meant; `kind` is of core/readings."""
    from lib.core import readings

    remedy = readings.remedy(kind, text, fits)
    if re.match("[0-9]{4}-", text) and not text.startswith("20"):
        remedy = say("write one of the years 2000 to 2099")
    return Unfit(say('"{text}" is not {expected}', text=text, expected=expected), remedy)


def day_or_none(text: str) -> date | None:
    """A date, or None for an empty text."""
    return day(text) if text else None


def switch(text: str) -> bool:
    """1 or yes; 0, no and an empty text are no."""
    if text not in ("", "0", "1", "no", "yes"):
        raise Unfit(say('"{text}" is neither 1 nor 0', text=text))
    return text in ("1", "yes")


def yes(text: str) -> bool:
    """yes or no; an empty text is no."""
    if text not in ("", "yes", "no"):
        raise Unfit(say('"{text}" is neither yes nor no', text=text))
    return text == "yes"


def refuse(
    code: str,
    file: str,
    place: str,
    found: Message,
    client: str = "",
    remedy: Message | None = None,
) -> Stop:
    """A refusal with one reason, to raise; B-USAGE is the one of a wrong call."""
    stop = WrongUsage if code == "B-USAGE" else Refused
    return stop([Alert(code, file, Fault(place, found, remedy=remedy), client)])
