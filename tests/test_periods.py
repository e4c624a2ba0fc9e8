"""Months, service periods and due dates."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.values import periods
from lib.values.document import Period
from lib.values.periods import ServicePeriod

DAYS = st.dates(date(2023, 1, 1), date(2026, 12, 31))
EVERY = st.sampled_from([1, 3, 12])


def days_of(period: Period) -> list[date]:
    return [period.start + timedelta(days=i) for i in range((period.end - period.start).days + 1)]


def period_billed_in(start: str, end: str, every_months: int, month: str) -> ServicePeriod | None:
    """The period whose service ends in `month`, if there is one."""
    period = periods.period_touching(start, end, every_months, month)
    return period if period and periods.is_billed_in(period, month) else None


def all_periods(start: str, end: str, every_months: int) -> list[ServicePeriod]:
    """What 2021 to 2029 bill, month by month."""
    months = [f"{year}-{month:02d}" for year in range(2021, 2030) for month in range(1, 13)]
    billed = [period_billed_in(start, end, every_months, month) for month in months]
    return [period for period in billed if period]


@pytest.mark.parametrize("month", ["2024-02", "2026-02", "2026-04", "2026-12", "9999-12"])
def test_a_month_ends_the_day_before_the_next(month: str) -> None:
    first, last = periods.first_day(month), periods.last_day(month)
    assert first.day == 1
    assert periods.month_of(first) == periods.month_of(last) == month
    assert last == date.max or (last + timedelta(days=1)).day == 1


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-1", "2026-13", "2026-00", "26-01", "2026-10-01", "202610", "٢٠٢٦-10"]
)
def test_what_is_not_a_month_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"month"):
        periods.parse_month(text)


@pytest.mark.parametrize("text", ["", "20261031", "2026-W44-6", "2026-02-30", "2026-1-01", "x"])
def test_what_is_neither_month_nor_date_is_refused(text: str) -> None:
    for read in (periods.start_date, periods.end_date):
        with pytest.raises(ValueError, match=r"month|day"):
            read(text)


def test_a_month_as_start_is_its_first_day_and_as_end_its_last() -> None:
    assert periods.start_date("2024-02") == date(2024, 2, 1)
    assert periods.end_date("2024-02") == date(2024, 2, 29)
    assert periods.start_date("2024-02-10") == periods.end_date("2024-02-10") == date(2024, 2, 10)


@given(DAYS, st.integers(-240, 240))
def test_adding_months_and_counting_them_agree(day: date, count: int) -> None:
    month = periods.month_of(day)
    later = periods.add_months(month, count)
    assert periods.months_between(month, later) == count
    assert periods.add_months(later, -count) == month


def test_adding_months_crosses_years() -> None:
    assert periods.add_months("2026-11", 2) == "2027-01"
    assert periods.add_months("2026-01", -1) == "2025-12"
    assert periods.add_months("2026-12", -12) == "2025-12"
    assert periods.months_between("2026-11", "2027-01") == 2


def test_the_first_period_begins_with_the_plan() -> None:
    first = period_billed_in("2026-02-10", "", 3, "2026-04")
    assert first is not None
    assert first.whole == Period(start=date(2026, 2, 1), end=date(2026, 4, 30))
    assert first.service == Period(start=date(2026, 2, 10), end=date(2026, 4, 30))
    assert first.months == ("2026-02", "2026-03", "2026-04")
    assert periods.prorata_of(first) == (80, 89)


def test_a_later_period_is_whole() -> None:
    second = period_billed_in("2026-02-10", "", 3, "2026-07")
    assert second is not None
    assert second.service == second.whole == Period(start=date(2026, 5, 1), end=date(2026, 7, 31))
    assert periods.prorata_of(second) == (92, 92)


@pytest.mark.parametrize(
    "month", ["2025-12", "2026-01", "2026-02", "2026-03", "2026-05", "2026-06"]
)
def test_nothing_is_billed_before_the_last_month_of_a_period(month: str) -> None:
    assert period_billed_in("2026-02-10", "", 3, month) is None


def test_a_plan_that_ends_within_a_period_is_billed_in_the_month_of_its_end() -> None:
    cut = period_billed_in("2026-02-10", "2026-06-15", 3, "2026-06")
    assert cut is not None
    assert cut.whole == Period(start=date(2026, 5, 1), end=date(2026, 7, 31))
    assert cut.service == Period(start=date(2026, 5, 1), end=date(2026, 6, 15))
    assert cut.months == ("2026-05", "2026-06")
    assert periods.prorata_of(cut) == (46, 92)
    assert period_billed_in("2026-02-10", "2026-06-15", 3, "2026-07") is None


def test_a_plan_may_start_and_end_within_one_month() -> None:
    (only,) = all_periods("2026-02-10", "2026-02-10", 12)
    assert only.service == Period(start=date(2026, 2, 10), end=date(2026, 2, 10))
    assert only.months == ("2026-02",)
    assert periods.prorata_of(only) == (1, 365)


def test_a_year_counts_from_the_month_of_the_start() -> None:
    period = period_billed_in("2023-03", "", 12, "2024-02")
    assert period is not None
    assert period.whole == Period(start=date(2023, 3, 1), end=date(2024, 2, 29))
    assert periods.prorata_of(period) == (366, 366)


@given(DAYS, DAYS, EVERY)
def test_each_month_of_a_plan_lies_in_the_period_that_counts_it(
    one: date, other: date, every_months: int
) -> None:
    start, end = (day.isoformat() for day in sorted((one, other)))
    for period in all_periods(start, end, every_months):
        for month in period.months:
            assert periods.period_touching(start, end, every_months, month) == period


@pytest.mark.parametrize(
    ("month", "touched"),
    [("2026-01", False), ("2026-02", True), ("2026-06", True), ("2026-07", False)],
)
def test_no_period_lies_in_a_month_without_service(month: str, touched: bool) -> None:
    assert bool(periods.period_touching("2026-02-10", "2026-06-01", 3, month)) is touched


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ends \(2026-01\) before it starts \(2026-02-10\)"):
        period_billed_in("2026-02-10", "2026-01", 1, "2026-02")


@given(DAYS, DAYS, EVERY)
def test_each_day_of_a_plan_is_billed_once(one: date, other: date, every_months: int) -> None:
    start, end = sorted((one, other))
    billed = all_periods(start.isoformat(), end.isoformat(), every_months)
    served = [day for period in billed for day in days_of(period.service)]
    assert served == days_of(Period(start=start, end=end))


@given(DAYS, DAYS, EVERY)
def test_the_usage_of_each_month_of_a_plan_counts_once(
    one: date, other: date, every_months: int
) -> None:
    start, end = sorted((one, other))
    billed = all_periods(start.isoformat(), end.isoformat(), every_months)
    counted = [month for period in billed for month in period.months]
    assert counted == sorted({periods.month_of(d) for d in days_of(Period(start=start, end=end))})
    for period in billed:
        assert period.months[-1] == periods.month_of(period.service.end)


@given(DAYS, EVERY)
def test_a_whole_period_has_its_months_whole(start: date, every_months: int) -> None:
    for period in all_periods(start.isoformat(), "", every_months):
        months = {periods.month_of(day) for day in days_of(period.whole)}
        assert len(months) == every_months
        assert period.whole.start.day == 1
        assert (period.whole.end + timedelta(days=1)).day == 1
        assert period.whole.start <= period.service.start <= period.service.end == period.whole.end


@pytest.mark.parametrize(
    ("issued", "days", "end_of_month", "due"),
    [
        (date(2026, 1, 15), 45, False, date(2026, 3, 1)),
        (date(2026, 1, 15), 45, True, date(2026, 3, 31)),
        (date(2026, 1, 31), 30, False, date(2026, 3, 2)),
        (date(2026, 1, 31), 30, True, date(2026, 3, 31)),
        (date(2024, 1, 30), 30, True, date(2024, 2, 29)),
        (date(2026, 11, 8), 0, False, date(2026, 11, 8)),
        (date(2026, 11, 8), 0, True, date(2026, 11, 30)),
        (date(2026, 12, 8), 30, True, date(2027, 1, 31)),
    ],
)
def test_due_dates(issued: date, days: int, end_of_month: bool, due: date) -> None:
    assert periods.due_date(issued, days, end_of_month) == due
