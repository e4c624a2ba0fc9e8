"""Typst with less to do: no payment code on the page."""

from typing import Any

import with_typst
from serve import serve


def render(content: dict[str, Any]) -> bytes:
    """PDF/A-3B with the XML attached."""
    return with_typst.render({key: value for key, value in content.items() if key != "epc"})


if __name__ == "__main__":
    serve(render)
