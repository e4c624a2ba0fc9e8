"""Notices that stand until somebody acts, and are said with every run: which are news.

data/flags/platform_<code>.json has what the last run of an account said of them; if it is deleted,
all are news again.
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lib.core import storage
from lib.core.faults import Alert
from lib.core.root import Root


def news(root: Root, code: str, notices: Iterable[Alert], is_whole: bool) -> list[Alert]:
    """Those that the last run of an account did not say; remembers all of them.

    Args:
      is_whole: whether the run got through: what it does not say is settled then.
    """
    path = root.flags / f"platform_{code}.json"
    before = _said(path)
    texts = {str(notice): notice for notice in notices}
    now = sorted(texts if is_whole else before | texts.keys())
    if now != sorted(before):
        storage.update_derived(path, storage.pretty_json({"notices": now}))
    return [notice for text, notice in texts.items() if text not in before]


def _said(path: Path) -> set[str]:
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        return set(map(str, json.loads(path.read_bytes())["notices"]))
    return set()
