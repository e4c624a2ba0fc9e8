"""data/usage/: each mistake gets one line, and a missing quantity names its file."""

import pytest

import house

HOURS = {"plans.0.items": [house.item("hosting"), house.metered("support", "hours")]}


def test_a_missing_quantity_names_the_file_that_lacks_it(tmp_path):
    root = house.build(tmp_path, house.client(changes=HOURS))
    line = "data/usage/nord/2026-10.manual.json: quantities.hours: is missing; declare it in that"
    assert house.refusal(root).startswith(line)


def test_a_quarter_asks_for_each_of_its_months(tmp_path):
    changes = HOURS | {"plans.0.every_months": 3, "plans.0.start": "2026-08"}
    used = house.usage("nord", "2026-09", {"hours": "1"})
    root = house.build(tmp_path, house.client(changes=changes), used=(used,))
    assert [line.split(": ")[0] for line in house.refusals(root)] == [
        "data/usage/nord/2026-08.manual.json",
        "data/usage/nord/2026-10.manual.json",
    ]


USAGE_MISTAKES = [
    ({"quantities.hours": "1,5"}, 'quantities.hours: "1,5" is not a quantity (up to 4 decimals);'),
    ({"quantities.hours": "-1"}, 'quantities.hours: "-1" is not a quantity'),
    (
        {"quantities.hour": "1"},
        "quantities.hour: is not a metric of the client's plans; they have hours",
    ),
    ({"client": "sud"}, 'client: "sud" is not the folder\'s; write "nord"'),
    (
        {"month": "2026-09"},
        "is not named after its month and source; rename it 2026-09",
    ),
    ({"source": "batch_x"}, "is not named after its month and source; rename it"),
    ({"lines": [house.one_off(description={"en": "Day"})]}, "lines[0].description.fr: is missing"),
    (
        {"lines": [house.one_off(vat_rate="0")]},
        'lines[0].vat_rate: "0" is not a rate under treatment',
    ),
    ({"lines": [house.one_off(quantity="0")]}, 'lines[0].quantity: "0" is not a quantity above 0'),
    (
        {"lines": [house.one_off(discount="100.01", discount_reason={"fr": "geste"})]},
        "lines[0]: the discount is more than quantity x unit price",
    ),
]


@pytest.mark.parametrize(("changes", "line"), USAGE_MISTAKES)
def test_a_mistake_gets_a_line(tmp_path, changes, line):
    name = "data/usage/nord/2026-10.manual.json"
    root = house.build(tmp_path, house.client(changes=HOURS))
    used = house.usage("nord", "2026-10", {"hours": "1"})
    house.write(root, name, house.changed(used, changes))
    lines = house.refusals(root)
    assert any(one.startswith(f"{name}: {line}") for one in lines), lines


def test_people_may_not_write_in_the_name_of_the_batch_engine(tmp_path):
    used = house.usage("nord", "2026-10", {"hours": "1"}) | {"source": "batch_sud"}
    root = house.build(tmp_path, house.client(changes=HOURS), used=(used,))
    line = "data/usage/nord/2026-10.batch_sud.json: source: names that begin with batch_ are kept"
    assert house.refusals(root)[0].startswith(line)


def test_usage_of_an_unknown_client_is_refused(tmp_path):
    used = house.usage("sud", "2026-10", {"hours": "1"})
    line = "data/usage/sud: belongs to no client: there is no clients/sud.json"
    assert house.refusal(house.build(tmp_path, used=(used,))).startswith(line)


def test_check_reports_what_a_run_would_report(tmp_path):
    used = house.usage("nord", "2026-10", {"hour": "1"})
    root = house.build(tmp_path, house.client(changes=HOURS), used=(used,))
    ran = house.call("check_inputs", root)
    assert ran.code == 1
    assert ran.err.startswith(
        "data/usage/nord/2026-10.manual.json: quantities.hour: is not a metric"
    )
