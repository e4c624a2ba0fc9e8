"""Typst with less to do: no payment code on the page."""

import with_typst
from serve import Content, serve


def inputs(content: Content) -> dict[str, str]:
    """What the template takes, without the code."""
    made = with_typst.inputs(content)
    del made["epc"]
    return made


if __name__ == "__main__":
    serve(with_typst.render, inputs)
