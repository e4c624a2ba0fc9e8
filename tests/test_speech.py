"""A language is a file: words, letters and the forms of figures and dates are data."""

import io
import json
import shutil
from datetime import date
from decimal import Decimal

import pypdf
import pytest

import house
import test_invoice_pdf
from lib.core import messages
from lib.documents import invoice_pdf
from lib.mail import letters
from lib.values import mentions, speech
from lib.values.speech import Speech

NEW = "nl"
FORMS = {
    "singular": "1",
    "decimal": ",",
    "locale": "nl_NL",
    "amount": "{symbol}\u00a0{number}",
    "percent": "{number}\u00a0%",
    "day": "{day}",
    "first_day": "{day}ste",
    "day_and_month": "{day} {month}",
    "date": "{day} {month} {year}",
    "month_and_year": "{month} {year}",
}
WORDS = {"invoice": "Factuur", "due": "Te betalen", "gross": "Totaal incl. btw"}
LETTERS = {"hello": "Geachte,", "invoice_subject": "Factuur {number} : {amount}, voor {due}"}


@pytest.fixture
def dutch(tmp_path, monkeypatch):
    """One more file beside those that there are."""
    folder = tmp_path / "languages"
    shutil.copytree(messages._FOLDER, folder)
    content = json.loads((folder / "en.json").read_text(encoding="utf-8"))
    content |= {"forms": FORMS, "spaces": {" :": "\u00a0:"}, "spoken_in": ["NL"]}
    content["words"] |= WORDS
    content["letters"] |= LETTERS
    (folder / f"{NEW}.json").write_text(json.dumps(content), encoding="utf-8")
    monkeypatch.setattr(messages, "_FOLDER", folder)


def test_one_more_file_is_one_more_language(dutch):
    document = test_invoice_pdf.make_document(
        1, language=NEW, issue_date=date(2026, 10, 1), payment_reference="RF18539007547034"
    )
    pages = pypdf.PdfReader(io.BytesIO(invoice_pdf.render(document, None, None))).pages
    page = " ".join(" ".join(one.extract_text() for one in pages).split())
    due = Speech(NEW).amount(document.totals.due, "EUR").replace("\u00a0", " ")
    for said in ("FACTUUR", "Te betalen", "1ste oktober 2026", "1ste–31 oktober 2026", due):
        assert said in page
    subject, body = letters.document(document)
    assert subject.startswith("Factuur ACME-2026-0012\u00a0: €\u00a0")
    assert subject.endswith("voor 30 november 2026")
    assert body.startswith("Geachte,")
    assert speech.language_of("NL") == NEW and NEW in messages.languages()


def test_forms_of_figures_and_dates():
    french, english = Speech("fr"), Speech("en")
    assert french.amount(Decimal("-1234.5"), "EUR") == "−1\u202f234,50\u00a0€"
    assert english.amount(Decimal("-1234.5"), "EUR") == "−€1,234.50"
    assert (french.percent(Decimal("5.50")), english.percent(Decimal("5.50"))) == (
        "5,5\u202f%",
        "5.5%",
    )
    first = date(2026, 11, 1)
    assert (french.date(first), english.date(first)) == ("1er novembre 2026", "1 November 2026")
    assert french.period(first, date(2026, 12, 1)) == "1er novembre – 1er décembre 2026"
    assert french.month_and_year(first) == "novembre 2026"
    assert [speech.language_of(country) for country in ("FR", "DE")] == ["fr", "en"]


def test_every_language_says_the_same_things():
    english = messages.words("en")
    assert not english["words"].keys() & english["letters"].keys()
    for language in messages.languages():
        content = messages.words(language)
        assert content.keys() == english.keys()
        for section in ("words", "letters", "methods", "units", "vat_categories", "forms"):
            assert content[section].keys() == english[section].keys(), (language, section)
        assert content["units_many"].keys() <= english["units"].keys(), language


def test_the_law_and_the_inputs_know_every_language():
    """What a language needs beside its file: its mentions, and its code among those of clients."""
    languages = set(messages.languages())
    assert all(set(entry["texts"]) == languages for entry in mentions.sources())
    schema = json.loads((house.HOME / "schemas/common.schema.json").read_text(encoding="utf-8"))
    assert set(schema["$defs"]["language"]["enum"]) == languages


def test_a_title_that_is_quoted_has_the_marks_of_the_level_beneath():
    assert speech.within_quotes("Livret « Les Flots »") == "Livret “Les Flots”"
    assert speech.within_quotes("Livret «\u202fLes “Flots”\u202f»") == "Livret “Les ‘Flots’”"
    assert speech.within_quotes("L’Aile") == "L’Aile"
