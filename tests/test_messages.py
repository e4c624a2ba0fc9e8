"""Whatever is said to a person is said in French too: whole, in French words, set as French is."""

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from string import Formatter
from types import ModuleType

import pytest

import house
from lib.core import faults, messages
from lib.core.messages import counted, figure, render, say

NO_BREAK = "\u00a0\u202f"
# Spelled alike in both languages.
ALIKE = """
accents active alpha amount an annexe archive archives argument arguments arrears art association
base bits capital cause cent change charge client clients close code com comment corpus credit
cycle date dates debit des difference distance document documents due email en env euros export
exports final flux format fractions franchise grand large livre local locale logo long machine
mention message minutes mixed mode nature note notes objections on option options page pages part
pays percent person phase phases pixels place point points port position prices propose public
questions quota recettes refuse rue second secrets service services shell six source standard
studios style surplus terminal tests total transfer type types version versions web
"""
# Values and programs, which are typed as they stand, and names.
CODE = """
activity advance all apt batch beancount camt check cheque chmod chown city country csv delivery
exempt false fr gcc goods hash hledger iban install invoice issuer json ledger lines make method
milestone month no none nonies other paid payer pip preset prev reference reminders seq signs
siret skip starttls stderr system tar taxable ter true uv venv xlsx yes
"""


@cache
def tool() -> ModuleType:
    path = house.HOME / "tools" / "list_messages.py"
    spec = importlib.util.spec_from_file_location("list_messages", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def english() -> dict[str, list]:
    """English text -> where it is said."""
    return tool().by_text()


def french() -> dict[str, str]:
    return messages.words("fr")["messages"]


def places(text: str) -> Counter[str]:
    return Counter(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def prose(text: str) -> str:
    """A text without what is the same in every language: code, {places}, paths, options."""
    text = re.sub(r'Python [\d.]+|`[^`]*`|"\w+": [\w{}]+|="[^"]*"|:\d\d\w?:', "` `", text)
    text = re.sub(r"\{\{.*?\}\}|\{[a-z_]*\}", " ", text)
    return re.sub(r"<[^>]*>|\S*[/_=]\S*|--\S+|\S+\.[a-z]\S*|\b[a-z]*[A-Z]\S*", " ", text)


def words(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w'’-])[a-z]{2,}(?![\w'’-])", prose(text)))


def test_every_message_has_its_french():
    assert [
        text for text in english() if text not in french() and prose(text).strip(" .,:;%-()`")
    ] == []


def test_no_french_text_belongs_to_a_message_that_nobody_says_any_more():
    assert sorted(french().keys() - english().keys()) == []


@pytest.mark.parametrize("language", [name for name in messages.languages() if name != "en"])
def test_a_translation_has_the_places_of_its_text(language):
    """Where English writes 1, another language has the number: its singular may be for 0 too."""
    wrong = []
    for text, translation in messages.words(language)["messages"].items():
        expected = set(places(text))
        if any(place.form == "one" for place in english().get(text, [])):
            expected = set(places(translation)) & {"number"} | expected
            if re.search(r"\b1\b", text):
                expected |= {"number"}
        if set(places(translation)) != expected:
            wrong.append((text, translation))
    assert wrong == []


def test_a_french_text_has_no_english_word():
    vocabulary = set().union(*map(words, english())) - {*ALIKE.split(), *CODE.split()}
    wrong = {text: found for text in french().values() if (found := words(text) & vocabulary)}
    assert wrong == {}


def test_code_in_a_message_is_the_same_in_both_languages():
    """Commands, names of files and keys are typed as they stand."""
    code = re.compile("`[^`]*`|[A-Z_]{3,}=|[a-z_]+\\.(?:json|csv|env|md|log|jsonl|pdf)")
    wrong = [
        (text, translation)
        for text, translation in french().items()
        if set(code.findall(text))
        - set(
            code.findall(re.sub(r"\.fr\.(md|csv)\b", r".\1", translation).replace("=nom", "=name"))
        )
    ]
    assert wrong == []


def test_french_is_set_as_french_is():
    """Spaces that do not break, « », the decimal comma; what is typed stays as it is, `in code`."""
    wrong = []
    for text in french().values():
        shown = prose(messages.spaced(text, "fr"))
        if (
            re.search(
                rf"(?<![{NO_BREAK}])[;!?»]|(?<![{NO_BREAK}/]):(?!\d)|«(?![{NO_BREAK}])", shown
            )
            or '"' in shown
            or re.search(r"(?<!\d)\d+\.\d+(?![\d.])", shown)
        ):
            wrong.append(text)
    assert wrong == []


def test_a_number_is_singular_as_its_language_says():
    def of(number: int, language: str) -> str:
        return render(counted(number, "1 error", "{number} errors"), language)

    assert [of(number, "en") for number in (0, 1, 2)] == ["0 errors", "1 error", "2 errors"]
    assert [of(number, "fr") for number in (0, 1, 2)] == ["0 erreur", "1 erreur", "2 erreurs"]


def test_a_figure_has_the_decimal_sign_of_its_language_and_a_value_that_is_typed_its_own():
    said = say("write {values}", values=figure("12.50"))
    assert [render(said, language) for language in ("en", "fr")] == ["write 12.50", "écrivez 12,50"]
    assert render(say("write {values}", values="12.50"), "fr") == "écrivez 12.50"


def test_spaces_of_a_language_are_shown_and_those_of_a_value_are_named():
    messages.speak("fr")
    said = say("{value}: {expected}", value="1\u00a0234", expected=say("a date"))
    assert faults.printable(str(said)) == "1\\xa0234\u00a0: une date"


def test_help_is_whole_in_french():
    """That of the commands, before there is a .venv too, and that of a script."""
    scripts = [house.SCRIPTS / "show_status.py", house.SCRIPTS / "record_payment.py"]
    commands = [
        ["make", "-C", house.HOME, "help"],
        *([sys.executable, path, "-h"] for path in scripts),
    ]
    for command in commands:
        environment = {**os.environ, "LC_ALL": "fr_FR.UTF-8"}
        ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        said = set(re.findall("[a-z]{3,}", prose(ran.stdout)))
        assert not said & {"the", "and", "what", "usage", "show", "options:", "default"}, ran.stdout


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("month=2026-09", "month=...\u00a0: aucune commande ne prend ce nom\u202f; les noms"),
        ("monht", "make monht\u00a0: cette commande n'existe pas\u202f; make seul les énumère"),
        ("ROOT=", "ROOT est vide\u00a0: nommez un dossier"),
    ],
)
def test_make_itself_speaks_french(word, said):
    ran = house._ran(["make", "-C", str(house.HOME), word], {"LC_ALL": "fr_FR.UTF-8"})
    assert (ran.code, said in ran.err) == (2, True), ran


def test_the_language_of_the_operator_is_that_of_issuer_json_then_of_the_locale(tmp_path):
    def said(root, **environment: str) -> str:
        return house.make(root, "payment", environment=environment).err

    root = house.build(tmp_path / "house")
    assert "CLIENT: is missing" in said(root, LC_ALL="fr_FR.UTF-8")
    issuer = json.loads(root.issuer.read_text())
    root.issuer.write_text(json.dumps({"language": "fr", **issuer})[:-1] + ",}")
    assert "issuer.json\u00a0: ne nomme pas de fuseau horaire\u202f; `make" in said(root)
    root.issuer.write_bytes(root.issuer.read_bytes().decode().encode("utf-16"))
    assert "issuer.json\u00a0: ne nomme pas de fuseau horaire" in said(root)


def test_titles_of_a_help_have_the_space_before_their_colon():
    script = house.SCRIPTS / "run_phases.py"
    environment = {**os.environ, "LC_ALL": "fr_FR.UTF-8"}
    ran = subprocess.run([sys.executable, script, "-h"], capture_output=True, env=environment)
    said = ran.stdout.decode()
    assert ("\narguments\u00a0:\n" in said, "\noptions\u00a0:\n" in said) == (True, True), said


AMOUNTS = {"amount", "booked", "computed", "declared", "gross", "net", "rest", "sum", "vat"}


def test_amounts_are_shown_with_the_decimal_sign_of_the_language():
    """Save where they are to be typed: "write 12.50"."""
    wrong = []
    for path in sorted(house.SCRIPTS.rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "say"):
                continue
            text = ast.literal_eval(call.args[0]) if call.args else ""
            for value in call.keywords:
                shown = ast.unparse(value.value)
                raw = re.match(r"(money\.)?(text_of|plain)\(", shown)
                raw = raw or (value.arg in AMOUNTS and re.match(r"str\(|(fact|record)\[", shown))
                if raw and not re.match("write|add|{vat}$", text):
                    wrong.append(f"{path.name}: {text} {value.arg}={shown}")
    assert wrong == []
