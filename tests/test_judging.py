"""A judge beside says what the rules held here say, and is not needed."""

from collections.abc import Iterator
from subprocess import Popen

import pytest
from msgspec.structs import replace

import house
from lib.core.root import Root
from lib.documents import judging, production
from lib.inputs import settings
from lib.values.document import Document


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Document:
    return house.draft(house.build(tmp_path_factory.mktemp("root")))


@pytest.fixture
def beside(tmp_path, monkeypatch) -> Iterator["Popen[bytes]"]:
    """The process of a judge, which the rules compiled here by other tests would keep away."""
    monkeypatch.delitem(judging.sys.modules, "saxonche", raising=False)
    monkeypatch.setattr(judging, "_beside", [])
    production.expect(settings.load(Root(tmp_path))._replace(workers=2), 1)
    (judge,) = judging._beside
    yield judge.process
    judge.process.kill()


def broken(document: Document) -> Document:
    """One whose seller has a VAT number of no country, and whose total is not its lines'."""
    seller = replace(document.seller, vat_number="ZZ1")
    totals = replace(document.totals, due=document.totals.due + 1)
    return replace(document, seller=seller, totals=totals)


def test_a_judge_beside_says_what_is_said_here(sound, beside, monkeypatch):
    documents = [sound, broken(sound), sound]
    made = [production.produce(None, document) for document in documents]
    assert beside.poll() is None
    monkeypatch.setattr(judging, "_beside", [])
    assert made == [production.produce(None, document) for document in documents]
    assert [bool(product.verdicts) for product in made] == [False, True, False]
    assert made[0].pdf.startswith(b"%PDF") and not made[1].pdf


def test_of_an_invoice_that_breaks_rules_no_page_has_to_be_made(sound, beside):
    no_glyph = replace(broken(sound), subject="\u2603")
    assert production.produce(None, no_glyph).verdicts
    with pytest.raises(ValueError, match="no glyph"):
        production.produce(None, replace(sound, subject="\u2603"))
    assert not production.produce(None, sound).verdicts


@pytest.mark.parametrize("dies", ["before", "while asked"])
def test_a_judge_that_dies_is_not_missed(sound, beside, monkeypatch, dies):
    if dies == "before":
        beside.kill()
        beside.wait()
    else:
        monkeypatch.setattr(judging, "_send", lambda *_: beside.kill())
    assert [bool(production.produce(None, each).verdicts) for each in (sound, broken(sound))] == [
        False,
        True,
    ]
    assert not judging._beside


def test_one_process_alone_has_no_judge_beside(tmp_path, monkeypatch):
    monkeypatch.delitem(judging.sys.modules, "saxonche", raising=False)
    monkeypatch.setattr(judging, "_beside", [])
    config = settings.load(Root(tmp_path))
    production.expect(config._replace(workers=1), 1)
    production.expect(config._replace(workers=2), 1000)
    assert not judging._beside
