#!/usr/bin/env python3
"""Lays out an empty root: issuer.json and a first client with placeholders to fill in.

Nothing that exists is touched. `make check` names every placeholder that is left. NUMBERING and
VAT_REGIME decide what no default decides; on a terminal they are asked for, and LANGUAGE, which
is otherwise that of the locale.
"""

import json
import re
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from lib.core import cli, messages
from lib.core.messages import Message, say


def parser() -> ArgumentParser:
    """The options of this script."""
    options = cli.parser(__doc__ or "")
    options.add_argument("--language", type=one_of("language"), default="", help="fr, en")
    options.add_argument("--numbering", type=one_of("numbering"), default="", help="issuer, client")
    options.add_argument(
        "--vat-regime", type=one_of("vat_regime"), default="", help="standard, franchise"
    )
    return options


def one_of(field: str) -> Callable[[str], str]:
    """What an option may be: a language, or a choice of a decision."""

    def checked(text: str) -> str:
        if unfit := unfit_answer(field, text):
            raise unfit
        return text

    return checked


def unfit_answer(field: str, text: str) -> cli.Unfit | None:
    """What is wrong with an answer."""
    from lib.core import readings
    from lib.inputs import decisions

    is_language = field == "language"
    choices = messages.languages() if is_language else decisions.every()[field].choices
    if text in ("", *choices):
        return None
    meant = readings.choices(text, choices)
    remedy = readings.to_write(meant) if meant else say("write one of {choices}", choices=choices)
    return cli.Unfit(say('"{text}" is not known', text=text), remedy)


if __name__ == "__main__":
    ARGUMENTS = parser().parse_args()
    messages.speak(ARGUMENTS.language or messages.spoken())

from lib.core import storage
from lib.inputs import decisions

MODEL = cli.HOME / "scripts" / "lib/inputs/new_root"
_PLACEHOLDER = re.compile(rb'"<(?:[^"\\]|\\.)*>"')
# What a first client has where the house charges no VAT.
_FRANCHISE = (
    (b'"treatment": "standard"', b'"treatment": "franchise"'),
    (b'"vat_rate": "20"', b'"vat_rate": "0"'),
)


def main(arguments: Namespace, root: Path) -> None:
    """Copies the model, file by file, with what was decided, and says what to do next."""
    answers = {field: getattr(arguments, field) for field in decisions.every()}
    language = arguments.language or messages.spoken()
    if not (root / "issuer.json").exists() and sys.stdin.isatty():
        if not arguments.language:
            language = ask("language", say("the language of commands: fr or en")) or language
            messages.speak(language)
        answers = {
            field: text or ask(field, decisions.every()[field].question)
            for field, text in answers.items()
        }
    answers["language"] = language
    files = {path.relative_to(MODEL): path for path in sorted(MODEL.rglob("*.json"))}
    for name, source in {**files, Path(".env"): cli.HOME / ".env.example"}.items():
        data = decided(source.read_bytes(), answers)
        lay(root / name, data, 0o600 if name.name == ".env" else 0o640)
    for folder in (
        "batch_clients",
        "data/usage",
        "data/orders",
        "data/inbox_batch",
        "exports",
        "downloads",
    ):
        storage.make_folder(root / folder)
    print(
        say(
            "Fill in what stands in <...> in {root}/issuer.json and clients/first_client.json\n"
            "(rename that file, and the id in it; or remove it: `make client` writes another),\n"
            "then: make check ROOT={root}",
            root=str(root),
        )
    )


def ask(field: str, question: Message) -> str:
    """Asks until the answer is a choice, or nothing: then a placeholder stands for it."""
    if field == "language":
        later = say("{field} (or nothing, for {spoken}): ", field=field, spoken=messages.spoken())
    else:
        later = say("{field} (or nothing, to decide later): ", field=field)
    while True:
        try:
            text = input(f"{question}\n{later}").strip()
        except EOFError:
            return ""
        if unfit := unfit_answer(field, text):
            print(unfit)
        else:
            return text


def decided(data: bytes, answers: dict[str, str]) -> bytes:
    """A file of the model with what was decided, and the law where nothing was."""
    placeholders = {field: each.placeholder for field, each in decisions.every().items()}
    for field, answer in answers.items():
        text = answer or placeholders[field]
        data = data.replace(f'"<{field}>"'.encode(), f'"{text}"'.encode())
    data = _PLACEHOLDER.sub(_translated, data)
    if answers["vat_regime"] == "franchise":
        for standard, franchise in _FRANCHISE:
            data = data.replace(standard, franchise)
    return data


def _translated(found: re.Match[bytes]) -> bytes:
    """A placeholder in the operator's language."""
    text: str = json.loads(found[0])
    return json.dumps(f"<{Message(text[1:-1])}>", ensure_ascii=False).encode()


def lay(path: Path, data: bytes, mode: int) -> None:
    """Writes a file of the model, unless there is one already."""
    if path.exists():
        print(say("{path} is there already: left as it is", path=str(path)))
        return
    storage.make_folder(path.parent)
    storage.write_new(path, data, mode)
    print(path)


if __name__ == "__main__":
    cli.run_without_root(lambda: main(ARGUMENTS, ARGUMENTS.root.resolve()))
