"""What a house decides before it begins, and no default decides for it; decisions.json has the law.

`make init` asks, and leaves a placeholder where nobody has answered.
"""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lib.core.messages import Message, say


class Decision(NamedTuple):
    """A field of issuer.json: what it is about, what the law says, what may be written."""

    id: str
    about: Message
    law: Message
    choices: tuple[str, ...]

    @property
    def placeholder(self) -> str:
        """What stands in issuer.json until somebody decides."""
        return f"<{self.question}>"

    @property
    def question(self) -> Message:
        return say("{about} ({law})", about=self.about, law=self.law)


def sources() -> list[dict[str, str]]:
    """The entries of the table as they stand there: each names its source and its day."""
    path = Path(__file__).with_suffix(".json")
    entries: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return entries


@cache
def every() -> dict[str, Decision]:
    """All decisions by their field."""
    return {
        entry["id"]: Decision(
            entry["id"], Message(entry["about"]), Message(entry["law"]), tuple(entry["choices"])
        )
        for entry in sources()
    }
