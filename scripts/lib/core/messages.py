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

ENGLISH = "en"
_FOLDER = Path(__file__).with_name("languages")


class Country(NamedTuple):
    """A country by its code (ISO 3166-1 alpha-2), shown by its name."""

    code: str


Value = Union[str, int, Country, "Message", tuple[Union[str, "Message"], ...]]


class Message(NamedTuple):
    """`text` is the English, with {places}; `values` fill them: texts, numbers, other messages,
    or several of them, which are shown with commas between."""

    text: str
    values: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        return render(self, _spoken[-1])


_spoken = [ENGLISH]


def say(text: str, /, **values: Value) -> Message:
    """A message. `text` is a literal, so that a test finds every text that needs a translation."""
    return Message(text, tuple(values.items()))


def verbatim(text: str) -> Message:
    """A message that is the same in every language: what another program said, a path."""
    return say("{text}", text=text)


def counted(number: int, one: str, many: str) -> Message:
    """ "1 invoice", "{number} invoices": `one` for 1, `many` for any other number."""
    return Message(one if number == 1 else many, (("number", number),))


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


def render(message: Message, language: str) -> str:
    """The message in a language.

    Raises:
      KeyError: if it has a place that no value fills.
    """
    text = (
        message.text if language == ENGLISH else messages(language).get(message.text, message.text)
    )
    # One pass, so that a brace in a value is a brace.
    return text.format_map({name: _shown(value, language) for name, value in message.values})


def _shown(value: Value, language: str) -> str:
    if isinstance(value, Message):
        return render(value, language)
    if isinstance(value, Country):
        return place_name(value.code, language)
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


def place_name(code: str, language: str) -> str:
    """A country as a sentence names it: the United States."""
    from babel import Locale

    file = words(language)
    name: str | None = file["places"].get(code) or file["countries"].get(code)
    return name or str(Locale.parse(language).territories.get(code, code))


def messages(language: str) -> dict[str, str]:
    """English text -> text in `language`."""
    translations: dict[str, str] = words(language)["messages"]
    return translations


def languages() -> tuple[str, ...]:
    """The languages that there are files of."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))
