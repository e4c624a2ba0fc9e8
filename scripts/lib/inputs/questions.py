"""Questions: what a command that writes an input file has to know, typed after make or asked for"""

import os
import sys
from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple

from lib.core.faults import Alert, Fault, Refused
from lib.core.messages import Message, say
from lib.inputs import schemas
from lib.inputs.issuer_file import Issuer

Answers = dict[str, str]
Default = Callable[[Answers, Issuer, date], str | None]


class Question(NamedTuple):
    """One answer: its name, what it is about, and the schema that checks it.

    `default` is an answer that nobody has to give: "" where it is optional, None where it is
    needed. It sees what was answered before, and so does `asked`, whether it is asked for at all.
    """

    name: str
    about: Message
    schema: str
    path: tuple[str, ...]
    default: Default
    asked: Callable[[Answers], bool] = lambda answers: True


def needed(answers: Answers, issuer: Issuer, today: date) -> str | None:
    """The default of an answer that nothing stands in for."""
    return None


def optional(answers: Answers, issuer: Issuer, today: date) -> str | None:
    """The default of an answer that may be left out."""
    return ""


def fixed(text: str) -> Default:
    """A default that is the same for everyone."""
    return lambda answers, issuer, today: text


def category(answers: Answers, issuer: Issuer, today: date) -> str | None:
    """What is sold, where the issuer sells only one thing."""
    return None if issuer.operation_category == "mixed" else issuer.operation_category


def answer(questions: Iterable[Question], issuer: Issuer, today: date) -> Answers:
    """Every answer: typed, asked for on a terminal, or the default.

    Raises:
      Refused: with every answer that is missing or is not what its schema says.
    """
    answers: Answers = {}
    faults = []
    for question in questions:
        text = os.environ.get(question.name, "")
        default = question.default(answers, issuer, today)
        misfit_of = schemas.check(question.schema, question.path)
        if not text and question.asked(answers) and sys.stdin.isatty():
            text = _ask(question, default, misfit_of)
        text = text or default or ""
        if text and (misfit := misfit_of(text)):
            faults.append(Alert("B-USAGE", "", misfit.fault(question.name)))
        elif not text and default is None:
            found = say("is missing: {about}", about=question.about)
            remedy = say('give {name}="..."', name=question.name)
            faults.append(Alert("B-USAGE", "", Fault(question.name, found, remedy=remedy)))
        answers[question.name] = text
    if faults:
        raise Refused(faults)
    return answers


def _ask(
    question: Question, default: str | None, misfit_of: Callable[[str], schemas.Misfit | None]
) -> str:
    """Asks until the answer is one that its schema accepts."""
    prompt = say("{about}: ", about=question.about)
    if default:
        prompt = say("{about} [{default}]: ", about=question.about, default=default)
    elif default == "":
        prompt = say("{about} (or nothing): ", about=question.about)
    while True:
        try:
            text = input(str(prompt)).strip()
        except EOFError:
            raise KeyboardInterrupt from None
        misfit = misfit_of(text) if text else None
        if misfit:
            print(misfit.fault("").text)
        elif text or default is not None:
            return text
        else:
            print(say("is needed"))
