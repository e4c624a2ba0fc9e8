"""The documents of a history, written at once: a JSON and a PDF for each invoice of bench/years.py.

The JSON is that of a sample document with other facts in it. The PDF is a blank page with the
sample's XML, its facts changed too: what an audit reads where the renderer was an earlier one,
whose pages it does not render again. A test has `make verify` accept them.
"""

import os
import shutil
from datetime import date
from pathlib import Path

import house
from bench import years
from bench.years import Digests, Issue, Write
from lib.billing import invoicing
from lib.core import storage
from lib.core.root import Root
from lib.documents import facturx_xml, production
from lib.inputs import inputs
from lib.values import document, payment_code

# The sample, whose facts are found in it by their texts: none of them stands there for another one.
_I, _OWN = 999_999, 123_457  # its client, and cents of the second of its two lines
_ISSUE = years.monthly("2023-04", 1)[0]
_BEFORE = b"""%PDF-1.7
1 0 obj
<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[(factur-x.xml)4 0 R]>>>>/AF[4 0 R]>>
endobj
2 0 obj
<</Type/Pages/Kids[3 0 R]/Count 1>>
endobj
3 0 obj
<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>
endobj
4 0 obj
<</Type/Filespec/F(factur-x.xml)/UF(factur-x.xml)/AFRelationship/Alternative/EF<</F 5 0 R>>>>
endobj
5 0 obj
<</Type/EmbeddedFile/Length %d>>
stream
"""
_AFTER = b"""
endstream
endobj
xref
0 6
0000000000 65535 f\r
%strailer
<</Size 6/Root 1 0 R>>
startxref
%d
%%%%EOF
"""


def writer(root: Root) -> Write:
    """What writes the documents of invoices below `root`, whose issuer and clients are kept too."""
    kept = {path.stem: _keep(root, path) for path in (root.path / "clients").glob("*.json")}
    kept["issuer"] = _keep(root, root.path / "issuer.json")
    json, xml = _sample(root, kept["issuer"])

    def write(i: int, k: int, issue: Issue) -> Digests:
        net, vat, gross = years.cents(i, k)
        facts = _facts(i, issue, (net - years.FIXED, net, vat, gross), kept[years.name_of(i)])
        number = f"{years.code_of(i)}-{issue.number}"
        folder = root.data / "invoices" / years.name_of(i) / number.split("-")[1]
        folder.mkdir(parents=True, exist_ok=True)
        made = (json % facts).encode(), _pdf((xml % facts).encode())
        for suffix, data in zip(("json", "pdf"), made, strict=True):
            _write(folder / f"{number}.{suffix}", data)
        return Digests(*map(storage.sha256, made))

    return write


def _facts(i: int, issue: Issue, cents: tuple[int, ...], sha256: str) -> dict[str, str]:
    """What differs from one invoice to the next, as texts; none is a part of one behind it."""
    number = f"{years.code_of(i)}-{issue.number}"
    days = {name: getattr(issue, name) for name in ("start", "end", "issued", "due")}
    amounts = dict(zip(("own", "net", "vat", "gross"), map(years.text_of, cents), strict=True))
    return {
        "sha256": sha256,
        "reference": payment_code.creditor_reference(number),
        "number": number,
        "client": years.name_of(i),
        "buyer": years.buyer_of(i),
        "siren": house.siren(i),
        **days,
        **{f"{name}_102": day.replace("-", "") for name, day in days.items()},
        "month": issue.month,
        **amounts,
    }


def _sample(root: Root, issuer: str) -> tuple[str, str]:
    """The JSON of a document and its XML, with places for facts."""
    changes = years.changes_of(_I, _ISSUE.month)
    changes["plans.0.items.1.price"] = years.text_of(_OWN)
    folder = root.path / "sample"
    read = inputs.load(house.build(folder, house.client(years.name_of(_I), changes, _I)))
    (client,) = read.clients.values()
    billed = invoicing.bill(client.client, _ISSUE.month, read.usage, read.index_values).invoices[0]
    made = invoicing.invoice(
        billed,
        f"{years.code_of(_I)}-{_ISSUE.number}",
        date.fromisoformat(_ISSUE.issued),
        read.issuer.issuer,
        {client.source.name: client.source.sha256, "issuer.json": issuer},
        dict(production.renderer()) | {"template": "0"},
    )
    shutil.rmtree(folder)
    totals = made.totals
    cents = tuple(
        int(amount.scaleb(2))
        for amount in (made.lines[1].net, totals.net, totals.vat, totals.gross)
    )
    texts = (document.to_json(made).decode(), facturx_xml.generate(made).decode())
    on_debits = texts[0].replace('"vat_on_debits": false', '"vat_on_debits": true')
    facts = _facts(_I, _ISSUE, cents, client.source.sha256)
    return _form(on_debits, facts), _form(texts[1], facts)


def _form(text: str, facts: dict[str, str]) -> str:
    text = text.replace("%", "%%")
    for name, fact in facts.items():
        text = text.replace(fact, f"%({name})s")
    return text


def _pdf(xml: bytes) -> bytes:
    """A blank page with the XML attached, as a file of the plainest kind."""
    before = _BEFORE.replace(b"%d", b"%d" % len(xml))
    places = b"".join(b"%010d 00000 n\r\n" % before.index(b"\n%d 0 obj" % i) for i in range(1, 6))
    return before + xml + _AFTER % (places, len(before) + len(xml) + len(b"\nendstream\nendobj\n"))


def _keep(root: Root, path: Path) -> str:
    """Keeps an input as a run does; returns its SHA-256."""
    data = path.read_bytes()
    digest = storage.sha256(data)
    root.archive_inputs.mkdir(parents=True, exist_ok=True)
    _write(root.archive_inputs / digest, data)
    return digest


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, storage.PROOF_MODE)
    os.write(handle, data)
    os.close(handle)
