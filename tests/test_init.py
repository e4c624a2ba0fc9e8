"""A new root: what it decides by itself is nothing, what it asks is answered once."""

import json
import re
import sys
from argparse import Namespace
from unittest import mock

import pytest

import house
import init_root
from lib.core.root import Root


def issuer(root: Root) -> dict[str, str]:
    return json.loads(root.issuer.read_text())


def test_neither_vat_regime_nor_numbering_has_a_silent_default(tmp_path):
    root = Root(tmp_path / "root")
    assert house.make(root, "init").code == 0
    ran = house.call("check_inputs", root)
    [numbering] = [line for line in ran.err.splitlines() if line.startswith("issuer.json: numb")]
    [regime] = [line for line in ran.err.splitlines() if line.startswith("issuer.json: vat_r")]
    assert "numbering: is still to be filled in: <the numbers of invoices: issuer, " in numbering
    assert "lawful only where the activity justifies them, art. 242 nonies A" in numbering
    assert "vat_regime: is still to be filled in: <VAT: standard, " in regime
    assert "art. 293 B CGI" in regime
    assert numbering.endswith("[B-INPUT-PLACEHOLDER]")


def test_both_can_be_typed_and_a_first_client_follows(tmp_path):
    root = Root(tmp_path / "root")
    ran = house.make(root, "init", "NUMBERING=issuer", "VAT_REGIME=franchise")
    assert ran.code == 0, ran
    assert (issuer(root)["numbering"], issuer(root)["vat_regime"]) == ("issuer", "franchise")
    client = json.loads((root.clients / "first_client.json").read_text())
    assert client["vat"] == {"treatment": "franchise"}
    assert [item["vat_rate"] for item in client["plans"][0]["items"]] == ["0"]


def test_what_is_typed_wrong_lays_nothing_out(tmp_path):
    root = Root(tmp_path / "root")
    ran = house.make(root, "init", "VAT_REGIME=Franchise")
    assert ran.code == 2
    assert 'VAT_REGIME: "Franchise" is not known; write "franchise"' in ran.err
    assert not root.path.exists()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["", "both", "client", "standard"], ("client", "standard")),
        (["", "", ""], ("<the", "<VAT")),
        (["fr", "", ""], ("<les", "<TVA")),
    ],
)
def test_a_terminal_is_asked_and_may_decide_later(tmp_path, capsys, typed, found):
    root = Root(tmp_path)
    asked = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return typed[len(asked) - 1]

    arguments = Namespace(numbering="", vat_regime="", language="")
    with mock.patch.object(sys, "stdin") as stdin, mock.patch("builtins.input", answer):
        stdin.isatty.return_value = True
        init_root.main(arguments, root.path)
        init_root.main(arguments, root.path)  # what is there already is not asked for again
    assert len(asked) == len(typed)
    assert issuer(root)["language"] == (typed[0] or "en")
    assert "art. 242 nonies A" in asked[1]
    assert "art. 293 B" in asked[-1]
    assert issuer(root)["numbering"].startswith(found[0])
    assert issuer(root)["vat_regime"].startswith(found[1])
    assert ("write one of issuer, client" in capsys.readouterr().out) == (typed[1] == "both")


def test_an_issuer_that_says_no_numbering_is_reported_by_check(tmp_path):
    root = house.build(tmp_path, seller=house.issuer({"numbering": None}))
    ran = house.call("check_inputs", root, today=house.TODAY)
    assert ran.code == 0
    assert "issuer.json: numbering: is missing, and each client has a sequence" in ran.err
    assert house.month(root).code == 0
    assert house.numbers(root, "nord") == ["NORD-2026-0001"]


def test_every_placeholder_of_a_french_root_is_french(tmp_path):
    """Those of the model whose words are the same in both languages stay as they are."""
    root = Root(tmp_path / "root")
    assert house.make(root, "init", "LANGUAGE=fr").code == 0
    same = {"<BIC>", "<SAS, SARL, EURL, EI, ...>"}
    for name in ("issuer.json", "clients/first_client.json"):
        texts = re.findall(r'"<(?:[^"\\]|\\.)*>"', (init_root.MODEL / name).read_text())
        laid = (root.path / name).read_text()
        assert [text for text in texts if text in laid and text[1:-1] not in same] == []
