"""Typst: its compiler kept between documents, a template, data as inputs, PDF/A-3b.

The tags for screen readers are left out, as PDF/A-3b allows and as ours has none.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import qr
import typst
from serve import serve

HERE = Path(__file__).resolve().parent
FONTS = HERE.parents[2] / "scripts/lib/fonts"

_compiler = typst.Compiler(
    str(HERE / "invoice.typ"), font_paths=[str(FONTS)], ignore_system_fonts=True
)


def render(content: dict[str, Any]) -> bytes:
    """PDF/A-3B with the XML attached."""
    words = {key: value for key, value in content.items() if key not in ("xml", "document")}
    inputs = {"content": json.dumps(words, ensure_ascii=False), "xml": content["xml"]}
    if "epc" in content:
        inputs["qr"] = qr.svg(content["epc"])
    return _compiler.compile(
        sys_inputs=inputs,
        format="pdf",
        pdf_standards=["a-3b"],
        timestamp=datetime(2026, 11, 8, tzinfo=UTC),
        pdf_tags=False,
    )


if __name__ == "__main__":
    serve(render)
