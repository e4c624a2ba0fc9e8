"""Messages: what the program says to people, as data until it is shown.

A message is its English text with {places}, and the values that fill them: whoever receives it
reads the values and never takes a sentence apart. Every other language is one file,
languages/<language>.json, whose "messages" give for each English text the one to show.

The operator's language is bound once, by `speak`, where a script starts: a process has one
terminal, and one person before it. What goes to others (a batch client's report, a mail) names
its language when it is rendered.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Union

ENGLISH, FRENCH = "en", "fr"
_FOLDER = Path(__file__).with_name("languages")


class Country(NamedTuple):
    """A country by its code (ISO 3166-1 alpha-2), shown by its name."""

    code: str


class Code(NamedTuple):
    """A code of records and files, shown by the word that a language's "codes" have for it:
    transfer, services."""

    code: str


class Figure(NamedTuple):
    """A figure with a decimal point, "1234.50", shown with the sign of the language."""

    text: str


Text = Union[str, "Message"]
Value = Union[str, int, Country, Code, Figure, "Worded", "Message", tuple[Text, ...]]


class Worded(NamedTuple):
    """What is data in English and French: a brace in it is a brace."""

    english: str
    french: str


class Message(NamedTuple):
    """`text` is the English, with {places}; `values` fill them: texts, numbers, other messages,
    or several of them, which are shown with commas between. `singular` is its text where
    {number} is one, by the rule of the language that it is shown in."""

    text: str
    values: tuple[tuple[str, Value], ...] = ()
    singular: str = ""

    def __str__(self) -> str:
        return render(self, _spoken[-1])


_spoken = [ENGLISH]


def say(text: str, /, **values: Value) -> Message:
    """A message. `text` is a literal, so that a test finds every text that needs a translation."""
    return Message(text, tuple(values.items()))


def verbatim(text: str) -> Message:
    """A message that is the same in every language: what another program said, a path."""
    return say("{text}", text=text)


def worded(english: str, french: str) -> Message:
    """A message whose words are data in both languages, as those of a schema are."""
    return say("{text}", text=Worded(english, french))


# What the C library says of an error (strerror), where it is no fault of ours.
_OF_MACHINE = (
    say("No such file or directory"),
    say("Permission denied"),
    say("Operation not permitted"),
    say("No space left on device"),
    say("Disk quota exceeded"),
    say("Read-only file system"),
    say("Input/output error"),
    say("File exists"),
    say("Not a directory"),
    say("Is a directory"),
    say("Directory not empty"),
    say("File name too long"),
    say("File too large"),
    say("Too many levels of symbolic links"),
    say("Too many open files"),
    say("Too many links"),
    say("Device or resource busy"),
    say("Invalid argument"),
    say("Broken pipe"),
    say("Cannot allocate memory"),
    say("Connection refused"),
    say("Connection reset by peer"),
    say("Connection timed out"),
    say("Network is unreachable"),
    say("No route to host"),
    say("Name or service not known"),
    say("Temporary failure in name resolution"),
    say("timed out"),
)


def reason(error: BaseException) -> Message:
    """Why the machine refused something: in the operator's language where it is a common one."""
    text = str(getattr(error, "strerror", None) or error)
    return next((known for known in _OF_MACHINE if known.text == text), verbatim(text))


def counted(number: int, one: str, many: str) -> Message:
    """ "1 invoice", "{number} invoices": `one` where the number is singular, else `many`."""
    return Message(many, (("number", number),), one)


def either(texts: Iterable[str]) -> Message:
    """What may be chosen: "EUR", or "EUR" or "USD".

    Raises:
      ValueError: if there is no text.
    """
    *earlier, last = texts
    if not earlier:
        return verbatim(last)
    return say("{earlier} or {last}", earlier=either(earlier), last=last)


def speak(language: str) -> None:
    """Binds the operator's language, in which messages are shown from here on."""
    _spoken[-1] = language


def spoken() -> str:
    """The operator's language."""
    return _spoken[-1]


def render(message: Message, language: str) -> str:
    """The message in a language.

    Raises:
      KeyError: if it has a place that no value fills.
    """
    text = message.text
    if message.singular and _is_singular(message, language):
        text = message.singular
    if language != ENGLISH:
        text = _translated(text, language)
    # One pass, so that a brace in a value is a brace.
    return text.format_map({name: _shown(value, language) for name, value in message.values})


def _is_singular(message: Message, language: str) -> bool:
    """Whether the {number} of a message is singular in a language: 1, in French 0 too."""
    number = dict(message.values)["number"]
    if language == ENGLISH or number == 1:
        return number == 1
    return str(number) in words(language)["forms"]["singular"].split()


@cache
def _translated(text: str, language: str) -> str:
    """A text in another language, with the spaces that do not break there."""
    translation: str | None = words(language)["messages"].get(text)
    return text if translation is None else spaced(translation, language)


def spaced(text: str, language: str) -> str:
    """A text of a language's file with the spaces at which no line breaks."""
    for breaking, kept in words(language)["spaces"].items():
        text = text.replace(breaking, kept)
    return text


def _shown(value: Value, language: str) -> str:
    if isinstance(value, Message):
        return render(value, language)
    if isinstance(value, Country):
        return place_name(value.code, language)
    if isinstance(value, Code):
        return str(words(language)["codes"][value.code])
    if isinstance(value, Figure):
        return value.text.replace(".", decimal_sign(language))
    if isinstance(value, Worded):
        return value.french if language == FRENCH else value.english
    if isinstance(value, tuple):
        return ", ".join(_shown(part, language) for part in value)
    return str(value)


@cache
def words(language: str) -> dict[str, Any]:
    """All of a language's file: its sections by name.

    Raises:
      FileNotFoundError: if there is no such language.
    """
    sections: dict[str, Any] = json.loads(
        (_FOLDER / f"{language}.json").read_text(encoding="utf-8")
    )
    return sections


def figure(text: str) -> Message:
    """An amount, a quantity or a rate as a person reads it: "1234.50", in French "1234,50"."""
    return say("{figure}", figure=Figure(text))


def decimal_sign(language: str) -> str:
    """The sign before the decimals."""
    sign: str = "." if language == ENGLISH else words(language)["forms"]["decimal"]
    return sign


def place_name(code: str, language: str) -> str:
    """A country as a sentence names it: the United States."""
    from babel import Locale

    file = words(language)
    name: str | None = file["places"].get(code) or file["countries"].get(code)
    return name or str(Locale.parse(language).territories.get(code, code))


def languages() -> tuple[str, ...]:
    """The languages that there are files of."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))
