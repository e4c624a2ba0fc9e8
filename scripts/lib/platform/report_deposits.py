"""Reports to the tax office that are to be handed over: on record by `make ereporting SEND=yes`."""

from collections.abc import Iterable
from functools import partial

from lib.books import exchanges, proofs
from lib.books.exchanges import Deposit
from lib.core.root import Root
from lib.platform import flow_client
from lib.platform.exchange import Item

_RULE = "NotApplicable"  # no processing rule of the norm is about reports


def waiting(root: Root, code: str, known: Iterable[Deposit]) -> list[Item]:
    """The reports without an answer of the platform.

    Args:
      code: of the account.
      known: what was deposited, or is to be.
    """
    return [
        _item(root, code, deposit)
        for deposit in known
        if deposit.line.what == exchanges.REPORT and not deposit.answers
    ]


def _item(root: Root, code: str, deposit: Deposit) -> Item:
    line = deposit.line
    path = exchanges.report_path(root, line.tracking_id)
    return Item(
        owner=code,
        what=line.what,
        number=line.number,
        tracking_id=line.tracking_id,
        name=line.name,
        syntax=flow_client.REPORT,
        rule=_RULE,
        sha256=line.sha256,
        content=partial(proofs.read, root, path, line.sha256),
    )
