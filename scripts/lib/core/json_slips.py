"""Slips in JSON: what somebody who types a file gets wrong, and the edit that puts it right.

Python's parser stops where it understands no more, which is mostly after the slip. Here the slip
is named where it stands, by what is there and what comes before.
"""

import json
import re
from typing import NamedTuple

from lib.core.faults import SHOWN
from lib.core.messages import Message, say, verbatim

_BLANK = " \t\r\n"  # of JSON
_CLOSING = {"{": "}", "[": "]"}
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[][{}]')
# What stands without quotes: up to where JSON goes on.
_BARE = re.compile(r'[^,:;="\[\]{}\n]+')
_CURLY = "“”„«»‘’‚′'`"
_CURLY_TEXT = re.compile(rf"[{_CURLY}]\s?([^{_CURLY}\"\n]*?)\s?[{_CURLY}]")
_COMMENT = re.compile(r"(//|#)[^\n]*|/\*.*?\*/", re.DOTALL)
_WORDS = dict.fromkeys(("True", "TRUE", "vrai", "oui", "yes"), "true") | dict.fromkeys(
    ("False", "FALSE", "faux", "non", "no"), "false"
)
# A line on which a text goes on that was begun on the line before.
_GOES_ON = re.compile(r'[^"\n]*[^"\n:\s,]"\s*[,\]}]?\s*$', re.MULTILINE)
_WHOLE_TEXT = re.compile(r'"(.*)"\s*[,\]}]*\s*$')
_LIKE_JSON = re.compile(r'"\s*[:,]|[:,]\s*"')
_UNSEEN = say("a character that cannot be seen stands here")
_DECIMAL_COMMA = re.compile(r"[0-9]+,[0-9]+")


class Slip(NamedTuple):
    """What is wrong at a place of a text, and the edit: `removed` gives way to `written`."""

    at: int
    found: Message
    removed: str = ""
    written: str = ""

    @property
    def remedy(self) -> Message:
        """The edit in words."""
        if not self.removed:
            return say("write {text} here", text=self.written.strip())
        old = _named(self.removed)
        if not self.written:
            return say("remove {text}", text=old)
        return say("write {text} in place of {old}", text=self.written, old=old)


def _named(text: str) -> Message:
    """What is removed, by its name where nobody sees it, and its beginning where it is long."""
    if text.strip("\r\n") == "":
        return say("the line break")
    if text == "\t":
        return say("the tab")
    if len(set(text)) == 1 and (not text.isprintable() or text.isspace()):
        return say("the character {code}", code=f"U+{ord(text[0]):04X}")
    return verbatim(text if len(text) <= SHOWN else f"{text[:SHOWN]}...")


def find(text: str, error: json.JSONDecodeError) -> Slip:
    """The slip for which a text is not JSON.

    Args:
      error: what Python's parser says.
    """
    at, why = error.pos, error.msg
    if not text.strip(_BLANK):
        return Slip(0, say("is empty"), written="{ }")
    if not text.lstrip(_BLANK).startswith(("{", "[")):
        begin = len(text) - len(text.lstrip(_BLANK))
        if not text[begin].isprintable() or text[begin].isspace():
            return _of_none(text, begin, _UNSEEN)
        return Slip(begin, say("does not begin with a brace"), written="{")
    if why.startswith("Invalid \\"):
        at = text.rindex("\\", 0, at + 1)
        return Slip(at, say("a text holds a \\, which JSON writes twice"), "\\", "\\\\")
    if why.startswith(("Invalid control", "Unterminated")):
        return _in_text(text, at, why)
    before = text[:at].rstrip(_BLANK)
    if why == "Extra data":
        return Slip(at, say("something follows the end of the file"), text[at:].rstrip(_BLANK))
    if at >= len(text.rstrip(_BLANK)):
        return _ends_early(text)
    if why.startswith("Expecting ':'"):
        return _without_colon(text, at, before)
    if why.startswith("Expecting ','"):
        return _without_comma(text, at, before)
    return _unexpected(text, at, before)


def _in_text(text: str, at: int, why: str) -> Slip:
    """A text that has no end on its line, or holds a tab."""
    if why.startswith("Invalid control") and text[at] not in "\r\n":
        sign = json.dumps(text[at])[1:-1]
        return Slip(at, say("a text holds a character that cannot be seen"), text[at], sign)
    following = text[at:].lstrip("\r\n")
    if why.startswith("Invalid control") and _GOES_ON.match(following):
        gap = text[at : len(text) - len(following)]
        return Slip(at, say("a text goes on after a line break"), gap, "\\n")
    end = at
    if why.startswith("Unterminated"):
        end = text.find("\n", at) if "\n" in text[at:] else len(text)
    while end > 0 and text[end - 1] in " \t\r,":
        end -= 1
    # A bracket at the end of the line closes what is open, not the text.
    while text[end - 1] in "]}" and len(_open(text[: end - 1])) and text[:end].count('"') % 2:
        end -= 1
    return Slip(end, say("a text has no quote at its end"), written='"')


def _ends_early(text: str) -> Slip:
    """What is open where the file ends is closed."""
    body = text.rstrip(_BLANK)
    if body.endswith(","):
        return _comma_too_many(text, len(body) - 1)
    closing = "".join(_CLOSING[bracket] for bracket in reversed(_open(body)))
    if body.endswith(":"):
        return Slip(len(body), say("a value is missing"), written='""')
    found = say("ends before what is open is closed")
    return Slip(len(body), found, written=closing or '""')


def _open(text: str) -> list[str]:
    """The brackets that are open at the end of a text."""
    brackets: list[str] = []
    for match in _TOKEN.finditer(text):
        if match[0] in _CLOSING:
            brackets.append(match[0])
        elif match[0] in ("]", "}") and brackets:
            brackets.pop()
    return brackets


def _without_colon(text: str, at: int, before: str) -> Slip:
    if text[at] in "=;":
        found = say("{sign} stands where a colon belongs", sign=text[at])
        return Slip(at, found, text[at], ":")
    if match := re.compile(r'[^"\n:]+(?=:)').match(text, at):
        return Slip(at, say("{sign} has no place here", sign=match[0]), match[0])
    if text[at] in ",}]":
        return Slip(len(before), say("a colon and a value are missing"), written=': ""')
    return Slip(len(before), say("a colon is missing"), written=":")


def _without_comma(text: str, at: int, before: str) -> Slip:
    """A value is over, and neither a comma nor an end follows."""
    char, brackets = text[at], _open(text[:at])
    if char in "]}":
        want = _CLOSING[brackets[-1]]
        if char in (_CLOSING[bracket] for bracket in brackets[:-1]):
            found = say("{text} is missing before {sign}", text=want, sign=char)
            return Slip(at, found, written=want)
        return _of_none(text, at, say("{sign} closes nothing", sign=char))
    if match := _COMMENT.match(text, at):
        return _comment(at, match[0])
    if char in ";.":
        return Slip(at, say("{sign} stands where a comma belongs", sign=char), char, ",")
    if char == ":":
        return _array_without_end(text, at, before)
    if len(before) == at and before.endswith('"') and (slip := _quotes_within(text, at)):
        return slip
    line = before.rpartition("\n")[2]
    bare = re.search(r'[^,:\s"\[\]{}]+$', line)
    if bare and "\n" not in text[len(before) : at] and char not in '"{[':
        return _bare(text, len(before) - len(bare[0]))
    return Slip(len(before), say("a comma is missing"), written=",")


def _array_without_end(text: str, at: int, before: str) -> Slip:
    """A colon in an array: where a name is before it, the array has to end before the name."""
    names = list(_TOKEN.finditer(before))
    ahead = before[: names[-1].start()].rstrip(_BLANK) if names else ""
    if ahead.endswith(","):
        return Slip(len(ahead) - 1, say("{text} is missing", text="]"), written="]")
    return Slip(at, say("a colon stands where a comma belongs"), ":", ",")


def _quotes_within(text: str, at: int) -> Slip | None:
    """Quotes within a text, up to the one at which its line goes on as JSON does."""
    begin = [match.start() for match in _TOKEN.finditer(text, 0, at)][-1]
    line = text[begin : (text.find("\n", at) + 1 or len(text) + 1) - 1]
    match = _WHOLE_TEXT.match(line)
    if match is None or _LIKE_JSON.search(match[1]):
        return None
    inner = re.sub(r'(?<!\\)"', '\\"', match[1])
    if inner == match[1] or not _TOKEN.fullmatch(f'"{inner}"'):
        return None
    return Slip(begin + 1, say("a quote stands within a text"), match[1], inner)


def _unexpected(text: str, at: int, before: str) -> Slip:
    """A name or a value is expected, and something else is there."""
    char, last = text[at], before[-1:]
    if match := _COMMENT.match(text, at):
        return _comment(at, match[0])
    if char in "]}" and last == ",":
        return _comma_too_many(text, len(before) - 1)
    if char in ",]}" and last == ":":
        return Slip(len(before), say("a value is missing"), written=' ""')
    if char == ",":
        return _comma_too_many(text, at)
    if char in "]}":
        return _of_none(text, at, say("{sign} closes nothing", sign=char))
    if match := _CURLY_TEXT.match(text, at):
        found = say("{text} stands in quotes of another kind", text=match[0])
        return Slip(at, found, match[0], json.dumps(match[1], ensure_ascii=False))
    number = _DECIMAL_COMMA.search(text, max(0, len(before) - 18), at + 18)
    if number and last == "," and number.start() < at <= number.end():
        found = say("{text} is a number with a decimal comma", text=number[0])
        return Slip(number.start(), found, number[0], f'"{number[0].replace(",", ".")}"')
    if not char.isprintable() or char.isspace():
        return _of_none(text, at, _UNSEEN)
    return _bare(text, at)


def _comma_too_many(text: str, at: int) -> Slip:
    return _of_none(text, at, say("a comma stands here and nothing follows it"))


def _of_none(text: str, at: int, found: Message) -> Slip:
    """A sign that goes, and all of its kind that follow it at once."""
    rest = text[at:]
    return Slip(at, found, rest[: len(rest) - len(rest.lstrip(text[at]))])


def _comment(at: int, text: str) -> Slip:
    return Slip(at, say("a comment stands here, and JSON has none"), text)


def _bare(text: str, at: int) -> Slip:
    """What stands without quotes: a name, a word, a number as people write it."""
    match = _BARE.match(text, at)
    if match is None:  # a sign that has no place here
        return _of_none(text, at, say("{sign} has no place here", sign=text[at]))
    if re.match(r'"\s*:', text[match.end() :]):
        return Slip(at, say("a text has no quote at its beginning"), written='"')
    bare = match[0].rstrip(_BLANK)
    written = _WORDS.get(bare) or json.dumps(bare, ensure_ascii=False)
    return Slip(at, say("{text} stands without quotes", text=bare), bare, written)
