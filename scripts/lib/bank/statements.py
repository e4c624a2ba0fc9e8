"""What a bank's statement file says, and whether it says it without contradiction.

Each reader (`camt`, `ofx`) turns a file into the same data: its entries and the movements in
them; what the file declares of its entries (totals, balances); and a count and a list of the
amounts that are taken from its text a second, dumber way. No reader is trusted alone: `check`
compares all of these, and a file in which any two of them differ is refused whole.

Nothing is interpreted but what the format itself says. What a format leaves open about a
movement stands in its `doubt`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import NamedTuple, TypeVar

from stdnum import iso11649

from lib.core.faults import Fault, at_line
from lib.core.messages import Message, figure, say
from lib.values import money

_SHORTEST_NUMBER = 5  # of an account, so that it is not found by chance in an IBAN
SHOWN = 40  # characters of a wrong value that a message repeats
_AT_ONCE = 20  # faults of one file that are reported
_T = TypeVar("_T")
_U = TypeVar("_U")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])")


class StatementError(ValueError):
    """A file that is not a statement, or cannot be read as a whole."""

    def __init__(self, faults: list[Fault]):
        self.faults = faults
        super().__init__("; ".join(f"{fault.place}: {fault.text}" for fault in faults))


def refusal(
    found: Message,
    place: str = "",
    expected: Message | None = None,
    remedy: Message | None = None,
) -> StatementError:
    """A refusal with one reason, to raise."""
    return StatementError([Fault(place, found, expected, remedy)])


def on_line(line: int | None, inside: str = "") -> str:
    """A place in the text of a file: line 12, statement 1, entry 3."""
    return at_line(line or 1, inside)


def entry_place(statement: str, number: int) -> str:
    """The place of an entry: statement 1, entry 3."""
    return str(say("{statement}, entry {number}", statement=statement, number=number))


class BankMovement(NamedTuple):
    """One transfer on an account.

    `amount` is not negative; `credit` says whether it came in. `booked` is the date of
    booking as the bank wrote it, None where it gave none. `references` are those that the
    format carries in a field of their own, compact; `text` is all that is free. `doubt` says
    why it cannot be taken for money received whatever it names; None: nothing speaks
    against it. `odd`: reversed, returned, corrected or contradicted, so that a person sees
    it even where it goes out.
    """

    place: str
    account: str
    booked: date | None
    amount: Decimal
    currency: str
    credit: bool
    odd: bool
    method: str
    references: tuple[str, ...]
    text: str
    party: str
    bank_reference: str
    doubt: Message | None


class StatementEntry(NamedTuple):
    """One entry of a statement and the movements in it.

    `amount` is signed where money went out, be it 0; `booked`: it is in the balance.
    """

    place: str
    amount: Decimal
    currency: str
    booked: bool
    movements: list[BankMovement]


class Declared(NamedTuple):
    """What a statement says of its entries beside them: how many, and what they add up to.

    `name` is that of the field. `side` says of which entries: "all", "in" or "out". `gross`
    is a sum without signs, `net` one with them; None where the file is silent.
    """

    name: str
    side: str
    number: int | None = None
    gross: Decimal | None = None
    net: Decimal | None = None


class Balance(NamedTuple):
    """A booked balance; negative where the account is overdrawn."""

    amount: Decimal
    currency: str


class Statement(NamedTuple):
    """One statement of one account; one of its `opening` leads to one of its `closing`."""

    place: str
    account: str
    entries: list[StatementEntry]
    declared: list[Declared]
    opening: list[Balance]
    closing: list[Balance]


class File(NamedTuple):
    """A statement file.

    `amounts`: of all entries in the file's order, taken from its text in a second way; so is
    `number`, of the tag or record that each entry begins with, called `tag`. `notes` are for
    the person who reads the file.
    """

    statements: list[Statement]
    tag: str
    number: int
    amounts: list[Decimal]
    notes: list[Message]

    @property
    def entries(self) -> list[StatementEntry]:
        """All entries, in the order of the file."""
        return [entry for statement in self.statements for entry in statement.entries]


def signed(movement: BankMovement) -> Decimal:
    """The amount, negative where it went out."""
    return movement.amount if movement.credit else -movement.amount


def check(file: File) -> list[BankMovement]:
    """The movements of a file in which nothing contradicts anything else.

    Raises:
      StatementError: with everything that differs.
    """
    faults = [*_text_faults(file), *_repeated_statements(file)]
    for statement in file.statements:
        faults += [*_declared_faults(statement), *_balance_faults(statement)]
        faults += [*_movement_faults(statement)]
    if faults:
        raise StatementError(faults[:_AT_ONCE])
    return _marked([one for statement in file.statements for one in _movements(statement)])


def gaps(file: File) -> list[Message]:
    """Where a statement does not open with the balance that its account closed with before."""
    notes = []
    before: dict[str, Statement] = {}
    for statement in file.statements:
        previous = before.get(statement.account)
        if previous and previous.closing and statement.opening:
            ends, starts = previous.closing[-1], statement.opening[0]
            if ends not in statement.opening and starts not in previous.closing:
                notes.append(
                    say(
                        "{place} opens with {start} {currency}, {previous} closed with {end}: what"
                        " lies between them is not in this file",
                        place=statement.place,
                        start=money.shown(starts.amount),
                        currency=starts.currency,
                        previous=previous.place,
                        end=money.shown(ends.amount),
                    )
                )
        before[statement.account] = statement
    return notes


def gather(read: Callable[[_T], _U], nodes: Iterable[_T]) -> list[_U]:
    """`read` of each; what is wrong with any of them is raised together, at the end."""
    found: list[_U] = []
    faults: list[Fault] = []
    for node in nodes:
        try:
            found.append(read(node))
        except StatementError as error:
            faults += error.faults
    if faults:
        raise StatementError(faults[:_AT_ONCE])
    return found


# --- what is compared ----------------------------------------------------------------


def _text_faults(file: File) -> Iterator[Fault]:
    """Differences between the entries that were read and those that the text holds."""
    entries = file.entries
    if len(entries) != file.number:
        yield Fault(
            "",
            say(
                "holds {tag} {number} times, but {read} could be read",
                tag=file.tag,
                number=file.number,
                read=len(entries),
            ),
        )
        return
    for entry, amount in zip_longest(entries, file.amounts):
        if entry is None or amount is None or entry.amount != amount:
            place = entry.place if entry else ""
            yield Fault(
                place, say("the amount differs from that in the text of this {tag}", tag=file.tag)
            )
            return


def _repeated_statements(file: File) -> Iterator[Fault]:
    first: dict[tuple[object, ...], str] = {}
    for statement in file.statements:
        movements = [one for entry in statement.entries for one in entry.movements]
        facts = (statement.account, *map(_facts, movements))
        if statement.entries and first.setdefault(facts, statement.place) != statement.place:
            yield Fault(statement.place, say("is the same as {place}", place=first[facts]))


def _declared_faults(statement: Statement) -> list[Fault]:
    """Differences from the totals: they cover all entries, or all that are booked."""
    booked = [entry for entry in statement.entries if entry.booked]
    of_all, of_booked = (
        [
            fault
            for one in statement.declared
            for fault in _total_faults(statement.place, one, entries)
        ]
        for entries in (statement.entries, booked)
    )
    return of_all if of_booked else []


def _total_faults(place: str, declared: Declared, entries: list[StatementEntry]) -> Iterator[Fault]:
    name, side, number, gross, net = declared
    amounts = [
        e.amount for e in entries if side == "all" or e.amount.is_signed() == (side == "out")
    ]
    total, apart = money.total(amounts), money.total(map(abs, amounts))
    # Some banks write the net sum where the sum without signs belongs.
    for found, allowed in ((number, [len(amounts)]), (gross, [apart, abs(total)]), (net, [total])):
        if found is not None and found not in allowed:
            yield Fault(
                place,
                say(
                    "{name} is {declared}, its entries come to {sum}",
                    name=name,
                    declared=figure(str(found)),
                    sum=figure(str(allowed[0])),
                ),
            )


def _balance_faults(statement: Statement) -> Iterator[Fault]:
    """Where no opening balance and the entries lead to a closing one."""
    covered = _covered(statement)
    if statement.opening and statement.closing and not covered:
        start, end = statement.opening[0].currency, statement.closing[0].currency
        found = say("opens in {start} and closes in {end}", start=start, end=end)
        yield Fault(statement.place, found)
    if not {entry.currency for entry in statement.entries} <= covered:
        return
    for currency in sorted(covered):
        mine = [entry for entry in statement.entries if entry.currency == currency]
        nets = [
            money.total(entry.amount for entry in mine if entry.booked),
            money.total(entry.amount for entry in mine),
        ]
        starts = [one.amount for one in statement.opening if one.currency == currency]
        ends = [one.amount for one in statement.closing if one.currency == currency]
        if not any(money.total([start, net]) in ends for start in starts for net in nets):
            found = say(
                "opens with {start} {currency}, its entries come to {sum}, but it closes"
                " with {end}",
                start=money.shown(starts[0]),
                currency=currency,
                sum=money.shown(nets[0]),
                end=money.shown(ends[-1]),
            )
            yield Fault(statement.place, found)


def _covered(statement: Statement) -> set[str]:
    """The currencies in which it says an opening and a closing balance."""
    opening = {balance.currency for balance in statement.opening}
    return opening & {balance.currency for balance in statement.closing}


def _movements(statement: Statement) -> Iterator[BankMovement]:
    """Its movements; one in another currency than its balances is in doubt, and keeps these from
    being compared."""
    covered = _covered(statement)
    for entry in statement.entries:
        for movement in entry.movements:
            if covered and entry.currency not in covered and not movement.doubt:
                doubt = say(
                    "is in {own}, the balances of the account in {currency}",
                    own=entry.currency or say("no currency"),
                    currency=tuple(sorted(covered)),
                )
                movement = movement._replace(doubt=doubt)
            yield movement


def _movement_faults(statement: Statement) -> Iterator[Fault]:
    for entry in statement.entries:
        if money.total(map(signed, entry.movements)) != entry.amount:
            yield Fault(entry.place, say("its transfers do not come to its amount"))


def _marked(movements: list[BankMovement]) -> list[BankMovement]:
    """The movements; one that repeats an earlier one, bank reference and all, is in doubt."""
    first: dict[BankMovement, str] = {}
    marked = []
    for movement in movements:
        place = first.setdefault(_facts(movement), movement.place)
        if movement.bank_reference and place != movement.place:
            doubt = say("is the same as {place}, with the same bank reference", place=place)
            movement = movement._replace(doubt=doubt, odd=True)
        marked.append(movement)
    return marked


def _facts(movement: BankMovement) -> BankMovement:
    return movement._replace(place="")


# --- what readers share --------------------------------------------------------------


def day(text: str) -> date | None:
    """The day of an ISO date or time as the bank wrote it, in its zone; None if it is not one."""
    found = _ISO_DAY.match(text)
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def is_account(account: str, iban: str) -> bool:
    """Whether what a statement calls its account is that of an IBAN, or its number.

    A number may be in parts (bank, branch, account), without leading zeros, or with its currency.
    """
    text = re.sub("[^0-9A-Z/-]", "", account.upper())
    text = re.sub("(?<=[0-9])(?:EUR|USD|GBP|CHF)$", "", text)
    national = iban[4:]
    starts: Iterable[int] = range(len(national) - _SHORTEST_NUMBER)
    numbers = {national[start:].lstrip("0") for start in starts}
    if iban.startswith(("FR", "MC")):  # bank, branch, account, and a key of two digits
        whole = {national[start:] for start in (0, 5, 10)}
        numbers = {number.lstrip("0") for number in whole | {part[:-2] for part in whole}}
    parts = re.split("[/-]", text)
    return text == iban or not numbers.isdisjoint(
        number.lstrip("0") for number in ("".join(parts), parts[-1])
    )


def text_of(data: bytes) -> str:
    """The text of a file that does not say how it is encoded: UTF-8 where it can be read so.

    Names depend on it, amounts, dates and references never do. Its lines end with "\\n".
    """
    for codec in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            text = data.decode(codec)
            break
        except UnicodeError:
            continue
    return text.replace("\r\n", "\n").replace("\r", "\n")


def compact(reference: str) -> str:
    """An RF reference without the spaces that paper has; any other one as it is."""
    return iso11649.compact(reference) if iso11649.is_valid(reference) else reference


def without(text: str, start: str, end: str, kept: Callable[[str], str]) -> str:
    """`text` in which what stands between two marks has become `kept` of it.

    It is cut at the marks, as a pattern would try each of a million open marks to the end.
    """
    first, *parts = text.split(start)
    cut = [part.partition(end) for part in parts]
    if not all(mark for _, mark, _ in cut):
        found = say("has a {start} without its {end}; the file is cut short", start=start, end=end)
        raise refusal(found)
    return first + "".join(kept(inner) + after for inner, _, after in cut)
