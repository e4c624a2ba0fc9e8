"""Typst: its compiler kept between documents, a template, data as inputs, PDF/A-3a.

It is tagged for screen readers, as ours is.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import qr
import typst
from serve import Content, serve

HERE = Path(__file__).resolve().parent
FONTS = HERE.parents[2] / "scripts/lib/documents/fonts"

_compiler = typst.Compiler(
    str(HERE / "invoice.typ"), font_paths=[str(FONTS)], ignore_system_fonts=True
)


def inputs(content: Content) -> dict[str, str]:
    """What the template takes: texts."""
    words = {key: value for key, value in content.items() if key not in ("xml", "document")}
    return {
        "content": json.dumps(words, ensure_ascii=False),
        "xml": content["xml"],
        "epc": content["epc"],
    }


def render(one: dict[str, str]) -> bytes:
    """PDF/A-3A with the XML attached."""
    code = {"qr": qr.svg(one["epc"])} if "epc" in one else {}
    return _compiler.compile(
        sys_inputs={"content": one["content"], "xml": one["xml"], **code},
        format="pdf",
        pdf_standards=["a-3a"],
        timestamp=datetime(2026, 11, 8, tzinfo=UTC),
    )


if __name__ == "__main__":
    serve(render, inputs)
