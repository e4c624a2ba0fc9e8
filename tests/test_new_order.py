"""`make order`: a file that `make check` accepts, or nothing."""

import os
from unittest import mock

import pytest

import house

TODAY = "2026-11-08"
ANSWERS = {"TITLE": "Site vitrine", "PRICE": "1200.00", "VAT_RATE": "20", "DEPOSIT": "30"}


@pytest.fixture
def root(tmp_path):
    return house.build(tmp_path / "root")


def make(root, name="site", client="nord", **changes):
    with mock.patch.dict(os.environ, {**ANSWERS, **changes}):
        return house.call("new_order", root, client=client, id=name, today=TODAY)


def test_the_file_is_one_that_is_invoiced(root):
    ran = make(root, QUANTITY="2", UNIT="DAY")
    assert ran.code == 0 and "data/orders/nord/site.json: written; `make quote CLIENT=" in ran.out
    assert house.call("check_inputs", root).code == 0
    for step, net in (("deposit", "720.00"), ("final", "1680.00")):
        options = {"client": "nord", "order": "site", "step": step, "today": TODAY}
        assert house.call("invoice_order", root, **options).code == 0
        assert house.records(root, "nord")[-1]["net"] == net


def test_an_order_without_a_deposit_has_no_steps(root):
    assert make(root, DEPOSIT="").code == 0
    assert b"steps" not in (root.orders / "nord/site.json").read_bytes()


def test_every_missing_answer_is_named_at_once_and_nothing_is_written(root):
    before = house.tree(root)
    ran = make(root, TITLE="", PRICE="12,50")
    assert ran.code == 1
    places = [line.partition(":")[0] for line in ran.err.splitlines()]
    assert places == ["TITLE", "PRICE"]
    assert house.tree(root) == before


def test_what_a_check_would_refuse_is_refused(root):
    before = house.tree(root)
    for changes, line in (
        ({"VAT_RATE": "19"}, 'data/orders/nord/site.json: lines[0].vat_rate: "19" is not a rate'),
        ({"DEPOSIT": "0"}, "data/orders/nord/site.json: steps[0].percent: comes to 0.00; remove"),
        ({"client": "sud"}, 'CLIENT: "sud" is not a client; they are nord'),
        ({"name": "Site"}, 'ID: "Site" is not an identifier'),
    ):
        ran = make(root, **changes)
        assert ran.code in (1, 2) and ran.err.startswith(line), ran
    assert house.tree(root) == before


def test_a_file_that_exists_is_never_touched(root):
    assert make(root).code == 0
    before = house.tree(root)
    assert "exists already; edit it, or choose another ID" in make(root).err
    assert house.tree(root) == before
