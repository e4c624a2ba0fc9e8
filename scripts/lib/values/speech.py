"""Speech: the words of a language, and how it writes figures and dates, bound once and handed on.

The words, and the forms of amounts and dates, are data: lib/core/languages/<language>.json.
Names of months and of countries and the separators of thousands come from the CLDR through
Babel. A figure is grouped here, digit by digit from its Decimal, because a page holds hundreds
and every one must be exact.
"""

import re
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from lib.core import messages
from lib.core.messages import ENGLISH
from lib.values import money

if TYPE_CHECKING:
    from babel import Locale

Day = date  # Speech has a method of that name

MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"
DASH = "\N{EN DASH}"

# UN/ECE Recommendation 20 (and 21, prefixed X): the codes that a line may carry (BT-130).
UNITS: dict[str, Any] = messages.words(ENGLISH)["units"]

# Where the postcode is written after the city; elsewhere it comes before.
_POSTCODE_LAST = frozenset({"AU", "CA", "GB", "IE", "IN", "NZ", "US"})


class Speech(NamedTuple):
    """How a document, a letter or a report speaks: in `language`, which has a file."""

    language: str

    def word(self, key: str, **values: str) -> str:
        """A word or phrase, with its {places} filled in: once, so a brace in a name is a brace."""
        phrase = _phrases(self.language)[key]
        return phrase.format(**values) if values else phrase

    def counted(self, one: str, many: str, number: int) -> str:
        """1 facture, 2 factures: by the phrases `one` and `many`."""
        if number == 1:
            return self.word(one)
        return self.word(many, count=self.number(Decimal(number)))

    def method(self, name: str) -> str:
        """What a way to pay is called: virement, bank transfer."""
        return _section(self.language, "methods")[name]

    def vat_category(self, code: str, exemption: str) -> str:
        """What a category without VAT is called in a report; empty for one that has a rate.

        Args:
          exemption: the reason (BT-121), which tells reverse charge in a state and in the EU apart.
        """
        words = _section(self.language, "vat_categories")
        return words.get(exemption) or words.get(code, "")

    def unit(self, code: str, quantity: Decimal) -> str:
        """The short name of a UN/ECE unit code, as it stands after a quantity: 1,5 heure, 2 heures.

        Raises:
          KeyError: if the code is not in UNITS.
        """
        name = _section(self.language, "units")[code]
        many = _section(self.language, "units_many")
        return many[code] if code in many and _is_many(quantity, self.language) else name

    @cache  # noqa: B019 - languages, days and rates are few
    def country(self, code: str) -> str:
        """The country's name.

        Raises:
          KeyError: if the code is not one that EN 16931 takes.
        """
        # Codes of EN 16931 that the CLDR has no name for.
        more = _section(self.language, "countries")
        return more.get(code) or str(_locale(self.language).territories[code])

    @cache  # noqa: B019
    def date(self, day: Day) -> str:
        """31 octobre 2026, 1er novembre 2026, 31 October 2026."""
        return self._dated("date", day)

    @cache  # noqa: B019
    def month_and_year(self, day: Day) -> str:
        """octobre 2026, October 2026."""
        return self._dated("month_and_year", day)

    @cache  # noqa: B019
    def month(self, day: Day) -> str:
        """janvier, January."""
        return _month(day, "LLLL", self.language)

    @cache  # noqa: B019
    def short_month(self, day: Day) -> str:
        """janv., Jan."""
        return _month(day, "LLL", self.language)

    @cache  # noqa: B019
    def period(self, start: Day, end: Day) -> str:
        """1–31 octobre 2026; 15 octobre – 14 novembre 2026; with both years where they differ."""
        last = self.date(end)
        if start == end:
            return last
        if (start.year, start.month) == (end.year, end.month):
            return f"{self._dated('day', start)}{DASH}{last}"
        first = self._dated("day_and_month" if start.year == end.year else "date", start)
        return f"{first} {DASH} {last}"

    def _dated(self, form: str, day: Day) -> str:
        forms = _section(self.language, "forms")
        number = forms["first_day" if day.day == 1 else "day"].format(day=day.day)
        month = _month(day, "MMMM", self.language)
        return forms.get(form, "{day}").format(day=number, month=month, year=day.year)

    def number(self, value: Decimal, decimals: int = 0) -> str:
        """Grouped by thousands, without superfluous zeros, with at least `decimals` decimals.

        Example: Speech("fr").number(Decimal("1234.5000"), 2) is "1 234,50".
        """
        text = money.plain(value.copy_abs(), decimals)
        whole, _, fraction = text.partition(".")
        group, point = _separators(self.language)
        grouped = f"{int(whole):,}".replace(",", group)
        sign = MINUS if value < 0 else ""
        return f"{sign}{grouped}{point}{fraction}" if fraction else sign + grouped

    def amount(self, value: Decimal, currency: str, decimals: int = 2) -> str:
        """1 234,50 € in French, €1,234.50 in English; the minus sign comes first."""
        form = _section(self.language, "forms")["amount"]
        digits = self.number(value.copy_abs(), decimals)
        amount = form.format(number=digits, symbol=_symbol(currency, self.language))
        return MINUS + amount if value < 0 else amount

    def round_amount(self, value: Decimal, currency: str) -> str:
        """An amount without decimals where there are no cents: 10 000 €."""
        return self.amount(value, currency, 0 if value == value.to_integral_value() else 2)

    @cache  # noqa: B019
    def percent(self, value: Decimal, decimals: int = 0) -> str:
        """5,5 % in French, 5.5% in English."""
        form = _section(self.language, "forms")["percent"]
        return form.format(number=self.number(value, decimals))


def language_of(country: str) -> str:
    """The language of whoever has its address in a country and named no other."""
    spoken = (
        language
        for language in messages.languages()
        if country in messages.words(language)["spoken_in"]
    )
    return next(spoken, ENGLISH)


def town(postcode: str, city: str, country_code: str) -> str:
    """44000 Nantes; London N1 9GU."""
    last = country_code in _POSTCODE_LAST
    place = (city, postcode) if last else (postcode, city)
    return " ".join(part for part in place if part)


def within_quotes(text: str) -> str:
    """A text that is quoted: its own quotation marks are those of the level beneath."""
    inner = text.replace("“", "‘").replace("”", "’")
    return re.sub(r"\s*»", "”", re.sub(r"«\s*", "“", inner))


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


@cache
def _phrases(language: str) -> dict[str, str]:
    """The words of documents and of letters; in letters no line breaks before : and ; in French,
    where a space stands."""
    letters = _section(language, "letters")
    letters = {key: messages.spaced(text, language) for key, text in letters.items()}
    return _section(language, "words") | letters


def _section(language: str, name: str) -> dict[str, str]:
    section: dict[str, str] = messages.words(language)[name]
    return section


@cache
def _locale(language: str) -> "Locale":
    from babel import Locale

    return Locale.parse(_section(language, "forms")["locale"])


@cache
def _separators(language: str) -> tuple[str, str]:
    """The group separator and the decimal sign."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    locale = _locale(language)
    return get_group_symbol(locale), get_decimal_symbol(locale)


@cache
def _symbol(currency: str, language: str) -> str:
    from babel.numbers import get_currency_symbol

    return str(get_currency_symbol(currency, _locale(language)))


@lru_cache(1024)
def _is_many(quantity: Decimal, language: str) -> bool:
    """Whether a quantity takes the plural: from 2 on in French, all but 1 in English."""
    return _locale(language).plural_form(quantity.copy_abs().normalize()) != "one"


def _month(day: Day, form: str, language: str) -> str:
    from babel.dates import format_date

    return format_date(day, form, locale=_locale(language))
