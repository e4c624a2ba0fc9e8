"""What passes and is mostly not lawful is reported by `make check` and by a batch."""

from typing import Any

import pytest
import stdnum.luhn

import batches
import house

TODAY = "2026-11-29"


def notices(root: house.Root, today: str = TODAY) -> list[str]:
    """The code and the rest of each line that `make check` reports; the inputs are sound."""
    ran = house.call("check_inputs", root, today=today)
    assert ran.code == 0, ran
    assert "the inputs are sound" in ran.out
    lines = (line.rpartition(" [") for line in ran.err.splitlines())
    return [f"{code.rstrip(']')} {text}" for text, _, code in lines]


def of_client(tmp_path: Any, changes: dict[str, Any], seller: dict[str, Any]) -> list[str]:
    used = ()
    root = house.build(
        tmp_path, house.client(changes=changes), seller=house.issuer(seller), used=used
    )
    return notices(root)


PUBLIC = "21440109" + stdnum.luhn.calc_check_digit("21440109")
METERED = [house.metered("support", "hours")]
AMERICAN = {"party.address.country": "US", "party.siren": None}
GERMAN = {"party.address.country": "DE", "party.siren": None, "party.vat_number": "DE136695976"}
RATES = "plans.0.items"


@pytest.mark.parametrize(
    ("changes", "seller", "said"),
    [
        ({}, {}, ""),
        ({"payment_terms": {"days": 60}}, {}, ""),
        ({"payment_terms": {"days": 61}}, {}, "I-TERMS clients/nord.json: payment_terms.days: 61"),
        ({"payment_terms": {"days": 45, "end_of_month": True}}, {}, ""),
        ({"payment_terms": {"days": 46, "end_of_month": True}}, {}, "I-TERMS"),
        ({"payment_terms": {"days": 45}, "plans.0.items": METERED}, {}, ""),
        ({"payment_terms": {"days": 46}, "plans.0.items": METERED}, {}, "I-TERMS"),
        ({"payment_terms": {"days": 30}, "party.siren": PUBLIC}, {}, ""),
        ({"payment_terms": {"days": 31}, "party.siren": PUBLIC}, {}, "I-TERMS"),
        (
            {"payment_terms": {"days": 30, "end_of_month": True}, "party.siren": PUBLIC},
            {},
            "I-TERMS",
        ),
        (
            {"payment_terms": {"days": 90}, "party.person": True, "party.siren": None},
            {},
            "",
        ),
        ({}, {"late_penalty_rate": "7.86"}, ""),
        ({}, {"late_penalty_rate": "7.85"}, "I-PENALTY-RATE issuer.json: late_penalty_rate: "),
        (
            {RATES: [house.item("hosting", vat_rate="8.5")]},
            {},
            'I-VAT-RATE clients/nord.json: plans[0].items[0].vat_rate: "8.5" is not a rate of',
        ),
        ({"party.address.country": "RE"}, {}, "I-VAT-RATE"),
        ({"party.address.postcode": "20000"}, {}, ""),
        (AMERICAN, {}, 'I-VAT-PLACE clients/nord.json: vat.treatment: "standard" passes, but'),
        (GERMAN, {}, 'write "intra_eu" unless a special rule applies'),
        ({**AMERICAN, "party.person": True}, {}, ""),
    ],
)
def test_what_is_mostly_not_lawful_is_reported_and_passes(tmp_path, changes, seller, said):
    found = of_client(tmp_path, changes, seller)
    if not said:
        assert found == []
        return
    assert found and all(said in one or "I-VAT-RATE" in one for one in found), found


@pytest.mark.parametrize(("today", "old"), [("2027-11-29", 0), ("2027-12-01", 7)])
def test_law_that_nobody_looked_up_for_a_year_is_reported(tmp_path, today, old):
    found = notices(house.build(tmp_path), today)
    assert [one.partition(" ")[0] for one in found] == ["I-LAW-OLD"] * old
    assert all("update looked_up" in one for one in found)


def test_a_batch_reports_each_such_thing_once_and_issues(tmp_path):
    rows = [batches.row(i, vat_rate_1="8,5", payment_days="90") for i in (1, 2, 3)]
    root = batches.build(tmp_path, batches.file_of(*rows))
    ran = batches.run(root)
    assert ran.code == 0, ran
    lines = ran.err.splitlines()
    assert [line.rpartition("[")[2] for line in lines] == ["I-TERMS]", "I-VAT-RATE]"]
    assert all("fil__2026-10.csv: line 2 and 2 more: " in line for line in lines)
    assert len(batches.issued(root)) == 3


def test_make_check_compares_with_the_day_that_was_typed(tmp_path):
    ran = house.make(house.build(tmp_path), "check", "TODAY=2028-01-01")
    assert (ran.code, ran.err.count("[I-LAW-OLD]")) == (0, 7), ran
