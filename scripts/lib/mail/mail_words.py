"""The words of mails in French and English; values/words.py has those that documents share.

A phrase is filled in once, so a brace in a name is a brace. Texts of law are not here:
mails quote the mentions of the document that they are about.
"""

from decimal import Decimal

from lib.core import messages
from lib.core.messages import ENGLISH
from lib.values import words


def is_phrase(key: str) -> bool:
    """Whether the word is one of mails, not one that documents share."""
    return key in messages.words(ENGLISH)["letters"]


def phrase(key: str, language: str, **values: str) -> str:
    """The phrase of the language, with its {places} filled in.

    French leaves a space before : and ; on which no line may break.
    """
    found: str = messages.words(language)["letters"][key]
    if language == ENGLISH:
        return found.format(**values)
    spaced = found.replace(" :", f"{words.NBSP}:").replace(" ;", f"{words.NARROW};")
    return spaced.format(**values)


def count(one: str, many: str, number: int, language: str) -> str:
    """1 facture, 2 factures: by the phrases `one` and `many`."""
    if number == 1:
        return phrase(one, language)
    return phrase(many, language, count=words.number(Decimal(number), language))
