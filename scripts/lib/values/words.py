"""The words of a document in its language, and how each language writes figures and dates.

The words are data: lib/core/languages/<language>.json.

Dates and separators come from the CLDR through Babel. A figure is grouped here, digit by
digit from its Decimal, because a page holds hundreds and every one must be exact.
"""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from lib.core import messages
from lib.core.messages import ENGLISH
from lib.values import money

if TYPE_CHECKING:
    from babel import Locale

FRENCH = "fr"

# 31 October 2026, not October 31, 2026: these invoices are read in Europe.
LOCALES = {FRENCH: "fr_FR", ENGLISH: "en_GB"}

MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
DASH = "\N{EN DASH}"

# UN/ECE Recommendation 20 (and 21, prefixed X): the codes that a line may carry (BT-130).
UNITS = frozenset(messages.words(ENGLISH)["units"])

# Where the postcode is written after the city; elsewhere it comes before.
_POSTCODE_LAST = frozenset({"AU", "CA", "GB", "IE", "IN", "NZ", "US"})


def word(key: str, language: str, **values: str) -> str:
    """A word or phrase of the language, with its {places} filled in."""
    phrase: str = messages.words(language)["words"][key]
    return phrase.format(**values) if values else phrase


def method(name: str, language: str) -> str:
    """What a way to pay is called: virement, bank transfer."""
    found: str = messages.words(language)["methods"][name]
    return found


def vat_category(code: str, language: str) -> str:
    """What a category without VAT is called in a report; empty for one that has a rate."""
    found: dict[str, str] = messages.words(language)["vat_categories"]
    return found.get(code, "")


def unit(code: str, language: str) -> str:
    """The short name of a UN/ECE unit code.

    Raises:
      KeyError: if the code is not in UNITS.
    """
    name: str = messages.words(language)["units"][code]
    return name


@cache
def _locale(language: str) -> "Locale":
    from babel import Locale

    return Locale.parse(LOCALES[language])


@cache
def _separators(language: str) -> tuple[str, str]:
    """The group separator and the decimal sign."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    locale = _locale(language)
    return get_group_symbol(locale), get_decimal_symbol(locale)


@cache
def long_date(day: date, language: str) -> str:
    """31 octobre 2026, 1er novembre 2026, 31 October 2026."""
    from babel.dates import format_date

    text = format_date(day, "long", locale=_locale(language))
    return f"{_first(day, language)}{text[1:]}" if day.day == 1 else text


@cache
def month(day: date, language: str) -> str:
    """janvier, January."""
    from babel.dates import format_date

    return format_date(day, "LLLL", locale=_locale(language))


@cache
def short_month(day: date, language: str) -> str:
    """janv., Jan."""
    from babel.dates import format_date

    return format_date(day, "LLL", locale=_locale(language))


def _first(day: date, language: str) -> str:
    """The day of the month; in French the first one is 1er."""
    return "1er" if day.day == 1 and language == FRENCH else str(day.day)


@cache
def period(start: date, end: date, language: str) -> str:
    """1–31 octobre 2026; 15 octobre – 14 novembre 2026; with both years where they differ."""
    last = long_date(end, language)
    if start == end:
        return last
    if (start.year, start.month) == (end.year, end.month):
        return f"{_first(start, language)}{DASH}{last}"
    first = long_date(start, language)
    if start.year == end.year:
        first = first.removesuffix(f" {start.year}")
    return f"{first} {DASH} {last}"


def number(value: Decimal, language: str, decimals: int = 0) -> str:
    """Grouped by thousands, without superfluous zeros, with `decimals` decimals at the least.

    Example: number(Decimal("1234.5000"), "fr", 2) is "1 234,50".
    """
    text = money.plain(value.copy_abs(), decimals)
    whole, _, fraction = text.partition(".")
    group, point = _separators(language)
    grouped = f"{int(whole):,}".replace(",", group)
    sign = MINUS if value < 0 else ""
    return f"{sign}{grouped}{point}{fraction}" if fraction else sign + grouped


def amount(value: Decimal, language: str, currency: str) -> str:
    """1 234,50 € in French, €1,234.50 in English; the minus sign comes first."""
    return _with_symbol(value, language, currency, 2)


def round_amount(value: Decimal, language: str, currency: str) -> str:
    """The same without decimals where there are no cents: 10 000 €."""
    return _with_symbol(value, language, currency, 0 if value == value.to_integral_value() else 2)


def _with_symbol(value: Decimal, language: str, currency: str, decimals: int) -> str:
    digits, symbol = number(value, language, decimals), _symbol(currency, language)
    if language == FRENCH:
        return f"{digits}{NBSP}{symbol}"
    if digits.startswith(MINUS):
        return f"{MINUS}{symbol}{digits.removeprefix(MINUS)}"
    return f"{symbol}{digits}"


@cache
def _symbol(currency: str, language: str) -> str:
    from babel.numbers import get_currency_symbol

    return str(get_currency_symbol(currency, _locale(language)))


def percent(value: Decimal, language: str) -> str:
    """5,5 % in French, 5.5% in English."""
    digits = number(value, language)
    return f"{digits}{NARROW}%" if language == FRENCH else f"{digits}%"


@cache
def country(code: str, language: str) -> str:
    """The country's name in this language.

    Raises:
      KeyError: if the code is not one that EN 16931 takes.
    """
    # Codes of EN 16931 that the CLDR has no name for.
    more: dict[str, str] = messages.words(language)["countries"]
    return more.get(code) or str(_locale(language).territories[code])


def town(postcode: str, city: str, country_code: str) -> str:
    """44000 Nantes; London N1 9GU."""
    last = country_code in _POSTCODE_LAST
    place = (city, postcode) if last else (postcode, city)
    return " ".join(part for part in place if part)


def grouped(text: str, *sizes: int) -> str:
    """The text in groups of these sizes, the last one repeated: an IBAN by 4, a SIRET 3 3 3 5.

    Example: grouped("73282932000074", 3, 3, 3, 5) is "732 829 320 00074".
    """
    groups = []
    size = iter((*sizes, *[sizes[-1]] * len(text)))
    while text:
        here = next(size)
        groups.append(text[:here])
        text = text[here:]
    return " ".join(groups)
