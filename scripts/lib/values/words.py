"""The words of a document in French and English, and how each language writes figures and dates.

Dates and separators come from the CLDR through Babel. A figure is grouped here, digit by
digit from its Decimal, because a page holds hundreds and every one must be exact.
"""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

from lib.values import money

if TYPE_CHECKING:
    from babel import Locale

FRENCH = "fr"
ENGLISH = "en"

# 31 October 2026, not October 31, 2026: these invoices are read in Europe.
LOCALES = {FRENCH: "fr_FR", ENGLISH: "en_GB"}

MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"
DASH = "\N{EN DASH}"

# key: (French, English)
WORDS: dict[str, tuple[str, str]] = {
    "invoice": ("Facture", "Invoice"),
    "credit_note": ("Avoir", "Credit note"),
    "draft": ("BROUILLON", "DRAFT"),
    "page": ("page {page} / {pages}", "page {page} / {pages}"),
    "issue_date": ("Date d’émission", "Issue date"),
    "due_date": ("Échéance", "Due date"),
    "period": ("Période de service", "Service period"),
    "purchase_order": ("Bon de commande", "Purchase order"),
    "buyer_reference": ("Référence client", "Your reference"),
    "reference": ("Notre référence", "Our reference"),
    "preceding": ("Facture rectifiée", "Invoice corrected"),
    "of_date": ("du {date}", "of {date}"),
    "seller": ("Émetteur", "From"),
    "buyer": ("Client", "Bill to"),
    "delivery": ("Livraison", "Deliver to"),
    "siren": ("SIREN {value}", "SIREN {value}"),
    "siret": ("SIRET {value}", "SIRET {value}"),
    "vat_number": ("N° TVA {value}", "VAT no. {value}"),
    "phone": ("Tél. {value}", "Tel. {value}"),
    "description": ("Désignation", "Description"),
    "quantity": ("Quantité", "Quantity"),
    "unit": ("Unité", "Unit"),
    "unit_price": ("Prix unitaire HT", "Unit price"),
    "vat_rate": ("TVA", "VAT"),
    "line_net": ("Montant HT", "Net amount"),
    "discount": ("Remise {amount}", "Discount {amount}"),
    "because": ("{what} : {reason}", "{what}: {reason}"),
    "allowance_percent": ("{reason} ({percent} de {base})", "{reason} ({percent} of {base})"),
    "carried_forward": ("À reporter", "Carried forward"),
    "brought_forward": ("Report", "Brought forward"),
    "lines_net": ("Total des lignes HT", "Total of lines"),
    "allowances": ("Remises", "Discounts"),
    "net": ("Total HT", "Total excluding VAT"),
    "vat": ("TVA {rate} sur {base}", "VAT {rate} on {base}"),
    "no_vat": ("Hors TVA sur {base}", "Outside VAT on {base}"),
    "gross": ("Total TTC", "Total including VAT"),
    "paid": ("Déjà réglé", "Already paid"),
    "due": ("Net à payer", "Amount due"),
    "credited": ("Total à déduire", "Total credited"),
    "paid_copy": ("ACQUITTÉE", "PAID"),
    "settled": ("Réglé", "Paid"),
    "credit_notes": ("Avoirs", "Credit notes"),
    "rest": ("Reste à payer", "Balance due"),
    "overpaid": ("Trop-perçu", "Overpaid"),
    "received": ("Règlements reçus", "Payments received"),
    "given_back": ("remboursement", "refund"),
    "more": ("et {count} autres", "and {count} more"),
    "payment": ("Règlement par virement", "Payment by bank transfer"),
    "qr": ("Code QR de virement", "Transfer QR code"),
    "holder": ("Titulaire du compte", "Account holder"),
    "iban": ("IBAN", "IBAN"),
    "bic": ("BIC", "BIC"),
    "payment_reference": ("Référence à indiquer", "Reference to quote"),
    "amount": ("Montant", "Amount"),
    "capital": ("au capital de {amount}", "share capital {amount}"),
    "subject": ("{title} du {date}, {seller}", "{title} of {date}, {seller}"),
    "minimum": ("Minimum de facturation", "Minimum charge"),
    "tier": ("de {low} à {high}", "from {low} to {high}"),
    "tier_beyond": ("au-delà de {bound}", "beyond {bound}"),
    "fixed_fee": ("part fixe", "fixed part"),
    "used": ("{used} mesurés", "{used} measured"),
    "included": ("{used} mesurés, dont {included} inclus", "{used} measured, {included} included"),
    "credit_terms": ("À déduire de la facture {number}", "To be deducted from invoice {number}"),
    "rounding": ("arrondi", "rounding"),
    "share": ("{rate} de {base}", "{rate} of {base}"),
    "prorata": ("prorata {days}/{whole} jours", "pro rata {days}/{whole} days"),
    "revised": ("prix révisé, auparavant {before}", "new price, formerly {before}"),
    "revised_percent": (
        "prix révisé de {percent}, auparavant {before}",
        "price revised by {percent}, formerly {before}",
    ),
    "revised_index": (
        "prix révisé selon l’indice {index} : {before} × {at} ({at_month}) ÷ {base} ({base_month})",
        "price revised by the index {index}: {before} x {at} ({at_month}) / {base} ({base_month})",
    ),
    # The year report
    "report": ("Rapport annuel {year}", "Year report {year}"),
    "report_as_of": ("Arrêté au {date}", "As of {date}"),
    "report_invoiced": ("Facturé TTC", "Invoiced incl. VAT"),
    "report_received": ("Encaissé", "Received"),
    "report_outstanding": ("Reste dû", "Outstanding"),
    "report_late": ("dont en retard", "of which overdue"),
    "report_days": ("Délai moyen de paiement", "Average days to payment"),
    "report_days_value": ("{days} jours", "{days} days"),
    "report_months": ("Facturé et encaissé par mois", "Invoiced and received by month"),
    "report_month": ("Mois", "Month"),
    "report_net": ("Facturé HT", "Invoiced excl. VAT"),
    "report_vat": ("TVA", "VAT"),
    "report_total": ("Total", "Total"),
    "report_clients": ("Par client", "By client"),
    "report_client": ("Client", "Client"),
    "report_id": ("Identifiant", "Identifier"),
    "report_documents": ("Pièces", "Docs"),
    "report_client_days": ("Jours", "Days"),
    "report_clients_note": (
        "Pièces : factures et avoirs de l’année. Jours : de l’émission au solde, en moyenne.",
        "Docs: invoices and credit notes of the year. Days: from issue to full payment,"
        " on average.",
    ),
    "report_rates": ("TVA par taux", "VAT by rate"),
    "report_nature": ("Nature", "Kind"),
    "report_rate": ("Taux", "Rate"),
    "report_base": ("Base facturée HT", "Base invoiced"),
    "report_vat_invoiced": ("TVA facturée", "VAT invoiced"),
    "report_base_received": ("Base encaissée HT", "Base received"),
    "report_vat_received": ("TVA encaissée", "VAT received"),
    "report_vat_due": ("TVA exigible", "VAT due"),
    "report_rates_note": (
        "La TVA sur les services est exigible à l’encaissement, sauf option pour les débits ;"
        " celle sur les biens à la livraison.",
        "VAT on services is due when they are paid, unless debits were opted for; on goods, when"
        " they are delivered.",
    ),
    "report_goods": ("biens", "goods"),
    "report_services": ("services", "services"),
    "report_overpayment": ("trop-perçus", "overpayments"),
    "report_category_E": ("exonéré", "exempt"),
    "report_category_AE": ("autoliquidation", "reverse charge"),
    "report_category_K": ("livraison intra-UE", "intra-EU supply"),
    "report_category_G": ("exportation", "export"),
    "report_category_O": ("hors champ de la TVA", "outside the scope of VAT"),
    "report_ages": ("Reste dû par ancienneté", "Outstanding by age"),
    "report_age": ("Retard", "Overdue"),
    "report_age_0": ("non échu", "not yet due"),
    "report_age_1": ("1 à 30 jours", "1 to 30 days"),
    "report_age_2": ("31 à 60 jours", "31 to 60 days"),
    "report_age_3": ("61 à 90 jours", "61 to 90 days"),
    "report_age_4": ("plus de 90 jours", "over 90 days"),
    "report_invoices": ("Factures", "Invoices"),
    "report_overpaid": (
        "À rendre à des clients, non compris ci-dessus : {amount}.",
        "To be given back to clients, not counted above: {amount}.",
    ),
    "report_delay": ("Délai de paiement", "Time to payment"),
    "report_delay_text": (
        "Factures soldées dans l’année : {count}. Délai moyen depuis l’émission : {days}.",
        "Invoices settled in the year: {count}. Average time from issue: {days}.",
    ),
    "report_delay_none": (
        "Aucune facture n’a été soldée dans l’année.",
        "No invoice was settled in the year.",
    ),
    "report_before_due": (
        "En moyenne {days} avant l’échéance.",
        "On average {days} before the due date.",
    ),
    "report_after_due": (
        "En moyenne {days} après l’échéance.",
        "On average {days} after the due date.",
    ),
    "report_ranges": ("Séquences de numéros utilisées", "Number sequences used"),
    "report_batch_ranges": (
        "Séquences utilisées au nom de clients",
        "Number sequences used for batch clients",
    ),
    "report_first": ("Premier numéro", "First number"),
    "report_last": ("Dernier numéro", "Last number"),
    "report_dates": ("Dates d’émission", "Dates of issue"),
    "report_credit_notes": ("Avoirs", "Credit notes"),
    "report_heads": ("Têtes des chaînes d’enregistrements", "Heads of the record chains"),
    "report_heads_note": (
        "La dernière empreinte de chaque fichier engage toutes ses lignes ; conservée ailleurs,"
        " elle prouve qu’aucune n’a changé depuis (make verify).",
        "The last hash of each file stands for all of its lines; kept elsewhere, it proves that"
        " none was changed since (make verify).",
    ),
    "report_file": ("Fichier", "File"),
    "report_lines": ("Lignes", "Lines"),
    "report_hash": ("SHA-256 de la dernière ligne", "SHA-256 of the last line"),
    "report_none": ("Rien cette année.", "Nothing this year."),
    "report_subject": ("{title}, {seller}, au {date}", "{title}, {seller}, as of {date}"),
}

# UN/ECE Recommendation 20 (and 21, prefixed X): the codes that a line may carry (BT-130).
UNITS: dict[str, tuple[str, str]] = {
    "C62": ("unité", "unit"),  # one
    "H87": ("pièce", "piece"),
    "EA": ("unité", "each"),
    "NAR": ("article", "article"),  # number of articles
    "PR": ("paire", "pair"),
    "SET": ("jeu", "set"),
    "KT": ("kit", "kit"),
    "DZN": ("douzaine", "dozen"),
    "CEN": ("cent", "hundred"),
    "MIL": ("millier", "thousand"),
    "LO": ("lot", "lot"),
    "LS": ("forfait", "lump sum"),
    "E48": ("prestation", "service"),  # service unit
    "E51": ("mission", "job"),
    "E53": ("essai", "test"),
    "E54": ("trajet", "trip"),
    "E55": ("utilisation", "use"),
    "ACT": ("activité", "activity"),
    "IE": ("personne", "person"),
    "C0": ("appel", "call"),
    "NF": ("message", "message"),
    "P1": ("%", "%"),
    "SEC": ("s", "s"),
    "MIN": ("min", "min"),
    "HUR": ("heure", "hour"),
    "DAY": ("jour", "day"),
    "E49": ("jour ouvré", "working day"),
    "WEE": ("semaine", "week"),
    "MON": ("mois", "month"),
    "QAN": ("trimestre", "quarter"),
    "SAN": ("semestre", "half-year"),
    "ANN": ("an", "year"),
    "GRM": ("g", "g"),
    "KGM": ("kg", "kg"),
    "TNE": ("t", "t"),
    "MLT": ("ml", "ml"),
    "LTR": ("l", "l"),
    "MMT": ("mm", "mm"),
    "CMT": ("cm", "cm"),
    "MTR": ("m", "m"),
    "KMT": ("km", "km"),
    "LM": ("m lin.", "lin. m"),
    "MTK": ("m²", "m²"),
    "MTQ": ("m³", "m³"),
    "KWH": ("kWh", "kWh"),
    "MWH": ("MWh", "MWh"),
    "4L": ("Mo", "MB"),
    "E34": ("Go", "GB"),
    "E35": ("To", "TB"),
    "XPK": ("colis", "package"),
    "XPA": ("paquet", "packet"),
    "XBX": ("boîte", "box"),
    "XCT": ("carton", "carton"),
    "XPX": ("palette", "pallet"),
    "XBO": ("bouteille", "bottle"),
}

# Codes that EN 16931 takes beside those of ISO 3166.
_MORE_COUNTRIES = {"XI": ("Irlande du Nord", "Northern Ireland"), "1A": ("Kosovo", "Kosovo")}

# Where the postcode is written after the city; elsewhere it comes before.
_POSTCODE_LAST = frozenset({"AU", "CA", "GB", "IE", "IN", "NZ", "US"})


def word(key: str, language: str, **values: str) -> str:
    """The word or phrase of WORDS in "fr" or "en", with its {places} filled in."""
    phrase = WORDS[key][language == ENGLISH]
    return phrase.format(**values) if values else phrase


def unit(code: str, language: str) -> str:
    """The short name of a UN/ECE unit code.

    Raises:
      KeyError: if the code is not in UNITS.
    """
    return UNITS[code][language == ENGLISH]


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
    if code in _MORE_COUNTRIES:
        return _MORE_COUNTRIES[code][language == ENGLISH]
    return str(_locale(language).territories[code])


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
