"""What a value that is refused most likely means: said as a remedy, never taken as one.

One function for each kind of value proposes its readings, in the way in which it has to be
written. Where a text can be read in two ways (02/10/2026, 1,234) both are proposed; where no
reading is certain none is, and `form` says in words how the kind is written. An example would
be a wrong value to whoever copies it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import cache

from lib.core import messages
from lib.core.messages import Message, either, say

Fits = Callable[[str], bool]

_MONTHS = (
    ("janvier", "janv", "january", "jan"),
    ("fevrier", "fevr", "february", "fev", "feb"),
    ("mars", "march", "mar"),
    ("avril", "avr", "april", "apr"),
    ("mai", "may"),
    ("juin", "june", "jun"),
    ("juillet", "juil", "july", "jul"),
    ("aout", "august", "aug"),
    ("septembre", "september", "sept", "sep"),
    ("octobre", "october", "oct"),
    ("novembre", "november", "nov"),
    ("decembre", "december", "dec"),
)
_NUMBER_OF_MONTH = {name: i for i, names in enumerate(_MONTHS, 1) for name in names}

# Words that people write for a choice, an entry of an enumeration, in small letters.
_MEANT = {
    "oui": ("yes",),
    "y": ("yes",),
    "non": ("no",),
    "n": ("no",),
    "bien": ("goods",),
    "biens": ("goods",),
    "good": ("goods",),
    "service": ("services",),
    "prestation": ("services",),
    "prestations": ("services",),
    "virement": ("transfer",),
    "carte": ("card",),
    "carte bancaire": ("card",),
    "cb": ("card",),
    "especes": ("cash",),
    "prelevement": ("direct_debit",),
    "direct debit": ("direct_debit",),
    "autre": ("other",),
    "francais": ("fr",),
    "french": ("fr",),
    "anglais": ("en",),
    "english": ("en",),
    "actif": ("active",),
    "inactif": ("closed",),
    "ferme": ("closed",),
    "clos": ("closed",),
    "normal": ("standard",),
    "autoliquidation": ("reverse_charge",),
    "exonere": ("exempt",),
    "euro": ("eur",),
    "euros": ("eur",),
    "€": ("eur",),
    "ssl": ("tls",),
    "utf8": ("utf-8",),
    "cp1252": ("windows-1252",),
}

# Codes that people write for a country, which ISO 3166 does not have.
_COUNTRIES = {"uk": ("GB",), "el": ("GR",), "usa": ("US",)}
_LANGUAGES = ("fr", "en", "de", "es", "it", "nl", "pt")

_TOTAL = re.compile(
    "(sous[ -]|sub-?|grand |montant )?tota(l|ux)( (ht|ttc|general|due?))?|sum|sommes?"
)
_SERIAL_DAY, _DAY_ZERO = re.compile("[0-9]{5}"), date(1899, 12, 30)
_DIGITS_FOR_DAYS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})|([0-9]{2})([0-9]{2})([0-9]{4})")


def readings(kind: str, text: str, fits: Fits) -> list[str]:
    """What `text` may mean as a value of a kind, each written as it has to be.

    Args:
      fits: whether a value is one of the kind; nothing else is proposed.
    """
    if kind in _OF_NUMBERS:
        return _fitting_numbers(kind, text, fits)
    proposed = _KINDS[kind](text.strip()) if kind in _KINDS else []
    return [reading for reading in dict.fromkeys(proposed or [text.strip()]) if fits(reading)]


_POINT = say("point")


def choices(text: str, known: Iterable[str]) -> list[str]:
    """Which of the words of an enumeration `text` may mean."""
    wanted = plain(text)
    words = {wanted, *_MEANT.get(wanted, ())}
    return [word for word in known if plain(word) in words]


def is_total(cells: Iterable[str]) -> bool:
    """Whether a line of a table is what a spreadsheet adds below it: "Total", and figures."""
    first, *others = [cell for cell in cells if cell.strip()] or [""]
    is_named = _TOTAL.fullmatch(plain(first).strip(" :"))
    return bool(is_named) and all(re.search("[0-9]", other) for other in others)


def truths(text: str) -> list[bool]:
    """What a word may mean that stands for true or false."""
    wanted = plain(text)
    if wanted in ("true", "yes", "oui", "vrai"):
        return [True]
    return [False] if wanted in ("false", "no", "non", "faux") else []


def to_write(texts: Iterable[str]) -> Message:
    """A remedy: write "2026-10-02" or "2026-02-10"."""
    return say("write {texts}", texts=either(f'"{text}"' for text in texts))


def remedy(kind: str, text: str, fits: Fits) -> Message | None:
    """What to write instead of `text`: its readings, or in words the form of the kind."""
    meant = readings(kind, text, fits)
    return to_write(meant) if meant else form(kind)


def is_written(kind: str, text: str) -> bool:
    """Whether a text is a number written as those of its kind are: then it is out of limits."""
    return kind in _WRITTEN and re.fullmatch(_WRITTEN[kind], text) is not None


def form(kind: str, sign: Message = _POINT) -> Message | None:
    """How a kind is written, as a remedy; None for a kind that has no form of its own.

    Args:
      sign: the name of the decimal sign.
    """
    form = _FORMS.get(kind)
    return form and Message(form.text, (("sign", sign),))


_NUMBER = r"[0-9]+(\.[0-9]+)?"
_WRITTEN = {
    "amount": r"[0-9]+(\.[0-9]{2})?",
    "price": _NUMBER,
    "quantity": _NUMBER,
    "percent": _NUMBER,
    "count": "[0-9]+",
}
_FORMS = {
    "amount": say("write digits, and where it has cents a {sign} and two decimals"),
    "price": say("write digits, and a {sign} before its decimals"),
    "quantity": say("write digits, and a {sign} before its decimals"),
    "percent": say("write digits without a sign of per cent, and a {sign} before its decimals"),
    "count": say("write a whole number in digits"),
    "day": say("write year, month and day as YYYY-MM-DD"),
    "month": say("write year and month as YYYY-MM"),
    "month_or_day": say("write a month as YYYY-MM, or a day as YYYY-MM-DD"),
    "month_and_day": say("write month and day as MM-DD"),
    "year": say("write its four digits"),
    "country": say("write its two letters in capitals"),
    "siren": say("copy its nine digits again"),
    "siret": say("copy its fourteen digits again"),
    "vat_number": say("copy it again: two letters of its country, then its digits"),
    "iban": say("copy it again: two letters, two digits, then the account"),
    "bic": say("copy its eight or eleven letters and digits again"),
    "id": say("write small letters, digits and _, a letter first"),
    "code": say("write capitals and digits"),
    "email": say("write one address, such as name@example.fr"),
    "host": say("write it without spaces, in ASCII"),
    "workers": say("write the number in digits, or tls://, its host, a colon and its port"),
    "postcode": say("write letters, digits, spaces and hyphens"),
    "invoice_number": say("copy the number that stands on the invoice"),
    "payment_name": say("write its client, / and its number, as the payments are listed"),
    "colour": say("write # and six digits from 0 to f: two for red, green and blue each"),
    "timezone": say("write area and city, as the IANA list of time zones names them"),
}


def plain(text: str) -> str:
    """`text` as people compare words: small letters without accents, single spaces."""
    parts = unicodedata.normalize("NFD", text.casefold())
    return " ".join("".join(char for char in parts if not unicodedata.combining(char)).split())


# --- numbers -------------------------------------------------------------------------

# What may stand before or after a number of a kind. Another currency is another value.
_OF_NUMBERS = {
    "amount": re.compile(r"€|EUR|euros?", re.IGNORECASE),
    "price": re.compile(r"€|EUR|euros?", re.IGNORECASE),
    "quantity": re.compile("(?!)"),
    "percent": re.compile("%|pour cent|per cent", re.IGNORECASE),
}
_GROUPS = {
    sign: re.compile(
        rf"([0-9]+|[1-9][0-9]{{0,2}}(?:([{other} '_])[0-9]{{3}})(?:\2[0-9]{{3}})*)?"
        rf"(?:[{sign}]([0-9]*))?"
    )
    for sign, other in ((",", "."), (".", ","))
}


def numbers(text: str) -> list[str]:
    """What a number may mean that has separators of thousands or a decimal comma.

    1,234 is one and 234 thousandths in French, and a thousand more in English: it is both.
    """
    text = re.sub(r"\s", " ", text.strip()).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    spellings = []
    for pattern in _GROUPS.values():
        match = pattern.fullmatch(text.removeprefix("+"))
        if match and (match[1] or match[3]):
            whole = re.sub("[^0-9]", "", match[1] or "").lstrip("0") or "0"
            spellings.append(f"{whole}.{match[3]}" if match[3] else whole)
    return list(dict.fromkeys(spellings))


def _fitting_numbers(kind: str, text: str, fits: Fits) -> list[str]:
    """The numbers that a kind can hold; none where one of them has more decimals than it can."""
    mark = _OF_NUMBERS[kind].pattern
    bare = re.sub(rf"^\s*(?:{mark})|(?:{mark})\s*$", "", text, count=1, flags=re.IGNORECASE)
    fitting_ones = []
    for number in numbers(bare):
        whole, _, decimals = number.partition(".")
        spellings = [number, f"{number}0", *_shorter(whole, decimals)]
        fitting = [spelling for spelling in spellings if fits(spelling)]
        if not fitting and fits(whole):
            return []
        fitting_ones += fitting[:1]
    return list(dict.fromkeys(fitting_ones))


def _shorter(whole: str, decimals: str) -> list[str]:
    """The same number with fewer zeros at its end."""
    least = len(decimals.rstrip("0"))
    return [
        f"{whole}.{decimals[:i]}" if i else whole for i in range(len(decimals) - 1, least - 1, -1)
    ]


# --- days and months -----------------------------------------------------------------


def days(text: str) -> list[str]:
    """The days that a text may mean: 02/10/2026 is in October in French, in February in the US.

    A spreadsheet writes a day whose cell is formatted as a number as the days since its day 0.
    """
    if match := re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9:.,+Z -]+", text):
        return _known(match[1].split("-"))
    if _SERIAL_DAY.fullmatch(text):
        return _known((_DAY_ZERO + timedelta(int(text))).isoformat().split("-"))
    if match := re.fullmatch(r"([0-9]{1,4})\s*([./-])\s*([0-9]{1,2})\s*\2\s*([0-9]{1,4})", text):
        first, middle, last = match[1], match[3], match[4]
        if len(first) > 2:
            return _known((first, middle, last))
        dates = [*_known((last, middle, first)), *_known((last, first, middle))]
        return dates if len(last) > 2 else [*dates, *_known((first, middle, last))]
    if match := _DIGITS_FOR_DAYS.fullmatch(text):
        year_first = _known((text[:4], text[4:6], text[6:]))
        day, month, year = text[:2], text[2:4], text[4:]
        return [*year_first, *_known((year, month, day)), *_known((year, day, month))]
    words = re.sub(r"(?<=[0-9])(er|st|nd|rd|th)\b", "", plain(text))
    parts = [part for part in re.split(r"[\s.,-]+", words) if part]
    if len(parts) == 3:
        for day, name, year in (parts, (parts[1], parts[0], parts[2])):
            if name in _NUMBER_OF_MONTH:
                return _known((year, str(_NUMBER_OF_MONTH[name]), day))
    return []


def _known(parts: Iterable[str]) -> list[str]:
    """The day of year, month and day, where the calendar has it in this century."""
    year, month, day = parts
    if not (year + month + day).isdecimal() or len(year) not in (2, 4):
        return []
    try:
        meant = date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return []
    return [meant.isoformat()] if meant.year // 100 == 20 else []


def months(text: str) -> list[str]:
    """The months that a text may mean; of a day, that which it is in."""
    return list(dict.fromkeys([*_months(text), *(day[:7] for day in [*days(text), *_iso(text)])]))


def _months(text: str) -> list[str]:
    parts = [part for part in re.split(r"[\s./,-]+", plain(text)) if part]
    if len(parts) == 1 and re.fullmatch("[0-9]{6}", text):
        pairs = [(text[:4], text[4:]), (text[2:], text[:2])]
    elif len(parts) == 2:
        first, last = (str(_NUMBER_OF_MONTH.get(part, part)) for part in parts)
        pairs = [(last, first), (first, last)]
        if not parts[0].isdecimal() or not parts[1].isdecimal():
            pairs = pairs[:1] if parts[0] in _NUMBER_OF_MONTH else pairs[1:]
    else:
        return []
    return [day[:7] for year, month in pairs for day in _known((year, month, "1"))]


def _iso(text: str) -> list[str]:
    return _known(text.split("-")) if re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else []


def _months_or_days(text: str) -> list[str]:
    return days(text) or _months(text)


def _months_and_days(text: str) -> list[str]:
    """Month and day of a year that is not said: 31/12, 31 décembre."""
    parts = [part for part in re.split(r"[\s./-]+", plain(text)) if part]
    if len(parts) != 2:
        return []
    first, last = (str(_NUMBER_OF_MONTH.get(part, part)) for part in parts)
    pairs = [(last, first), (first, last)]
    if parts[0] in _NUMBER_OF_MONTH:
        pairs = pairs[1:]
    elif parts[1] in _NUMBER_OF_MONTH:
        pairs = pairs[:1]
    return [day[5:] for month, number in pairs for day in _known(("2024", month, number))]


def _years(text: str) -> list[str]:
    return [f"20{text}"] if re.fullmatch("[0-9]{2}", text) else []


# --- names and identifiers -----------------------------------------------------------


def _countries(text: str) -> list[str]:
    """The code of a country by its name in one of some languages, or in small letters."""
    wanted = plain(text)
    return [*_codes_of_countries().get(wanted, ()), *_COUNTRIES.get(wanted, ()), text.upper()]


@cache
def _codes_of_countries() -> dict[str, tuple[str, ...]]:
    from babel import Locale

    codes: dict[str, tuple[str, ...]] = {}
    for language in _LANGUAGES:
        for code, name in Locale.parse(language).territories.items():
            if code.isalpha() and code not in codes.get(plain(name), ()):
                codes[plain(name)] = (*codes.get(plain(name), ()), code)
    return codes


def _compact(text: str) -> list[str]:
    """An identifier without what people put between its groups."""
    return [re.sub(r"[\s.·/-]", "", text).upper()]


def _ibans(text: str) -> list[str]:
    return _compact(re.sub(r"^IBAN\s*:?", "", text, flags=re.IGNORECASE))


def _vat_numbers(text: str) -> list[str]:
    """With the letters of Greece as VAT has them, and with those that were left out."""
    [compact] = _compact(text)
    if compact.startswith("GR"):
        return [f"EL{compact[2:]}"]
    if compact.isdecimal():
        from stdnum.eu.vat import MEMBER_STATES

        return [
            f"{'EL' if code == 'gr' else code.upper()}{compact}" for code in sorted(MEMBER_STATES)
        ]
    return [compact]


def _emails(text: str) -> list[str]:
    inner = re.fullmatch(r"[^<>]*<([^<>]+)>", text)
    return [(inner[1] if inner else text).strip().removeprefix("mailto:").rstrip(",;")]


def _ids(text: str) -> list[str]:
    return [re.sub("[ -]+", "_", plain(text))]


def _codes(text: str) -> list[str]:
    return [text.upper()]


def _invoice_numbers(text: str) -> list[str]:
    """NORD-2026-0001 of "nord 2026 1": a sequence has four digits at least."""
    parts = [part for part in re.split(r"[\s/_\N{EN DASH}-]+", text.upper()) if part]
    return ["-".join([*parts[:2], parts[2].zfill(4)])] if len(parts) == 3 else []


def _payment_names(text: str) -> list[str]:
    """nord/3 of "Nord 3" or "nord-3"."""
    match = re.fullmatch(r"([a-z0-9_]+)\s*[ /#-]\s*([0-9]+)", plain(text))
    return [f"{match[1]}/{match[2].lstrip('0')}"] if match else []


def _postcodes(text: str) -> list[str]:
    return [re.sub(r"^F(R)?\s*-", "", text.upper()).replace(" ", "").replace("_", "")]


def _counts(text: str) -> list[str]:
    """A whole number with its unit, 30 jours, or with separators of thousands."""
    unit = r"\s*(jours?|j|days?|d|secondes?|seconds?|sec|s|octets|bytes)\.?$"
    return [number for number in numbers(re.sub(unit, "", plain(text))) if "." not in number]


# What people call units, beside the words of documents.
_UNITS = {
    "u": ("C62",),
    "unit": ("C62",),
    "pc": ("H87",),
    "pce": ("H87",),
    "pcs": ("H87",),
    "h": ("HUR",),
    "hr": ("HUR",),
    "hrs": ("HUR",),
    "j": ("DAY",),
    "jr": ("DAY",),
    "jrs": ("DAY",),
    "m2": ("MTK",),
    "m3": ("MTQ",),
    "kilo": ("KGM",),
    "kilos": ("KGM",),
    "litre": ("LTR",),
    "litres": ("LTR",),
    "metre": ("MTR",),
    "metres": ("MTR",),
}


def _units(text: str) -> list[str]:
    """The code of a unit by what documents call it, in either number."""
    wanted = plain(text)
    named = [
        code
        for language in messages.languages()
        for section in ("units", "units_many")
        for code, name in messages.words(language)[section].items()
        if plain(name) == wanted
    ]
    return [*named, *_UNITS.get(wanted, ()), text.upper()]


def _colours(text: str) -> list[str]:
    """A colour without its #, in three digits, or as rgb(20, 84, 107)."""
    digits = plain(text).removeprefix("#").removeprefix("0x")
    if match := re.fullmatch(r"rgb\(([0-9]{1,3}), ?([0-9]{1,3}), ?([0-9]{1,3})\)", digits):
        digits = "".join(f"{int(part):02x}" for part in match.groups())
    return ["#" + ("".join(2 * digit for digit in digits) if len(digits) == 3 else digits)]


def _timezones(text: str) -> list[str]:
    from zoneinfo import available_timezones

    wanted = plain(text).replace(" ", "_")
    whole = [zone for zone in available_timezones() if zone.casefold() == wanted]
    cities = (zone for zone in available_timezones() if zone.casefold().endswith(f"/{wanted}"))
    return whole or sorted(zone for zone in cities if zone.count("/") == 1)


_KINDS: dict[str, Callable[[str], list[str]]] = {
    "count": _counts,
    "day": days,
    "month": months,
    "month_or_day": _months_or_days,
    "month_and_day": _months_and_days,
    "year": _years,
    "country": _countries,
    "siren": _compact,
    "siret": _compact,
    "iban": _ibans,
    "bic": _compact,
    "vat_number": _vat_numbers,
    "email": _emails,
    "id": _ids,
    "code": _codes,
    "postcode": _postcodes,
    "invoice_number": _invoice_numbers,
    "payment_name": _payment_names,
    "unit": _units,
    "colour": _colours,
    "timezone": _timezones,
}
