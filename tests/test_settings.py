"""The settings of .env are what schemas/settings.schema.json says, and .env.example shows them."""

import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

import house
from lib.core.faults import Refused
from lib.core.root import Root
from lib.inputs import schemas, settings

PROPERTIES = schemas.content("settings")["properties"]


def test_the_example_has_each_setting_with_its_default():
    lines = (house.HOME / ".env.example").read_text(encoding="utf-8").splitlines()
    shown = dict(line.split("=", 1) for line in lines if re.match("[A-Z]", line))
    assert shown == settings.defaults()


def test_settings_that_are_in_order_do_not_wait_for_jsonschema(tmp_path):
    house.write(Root(tmp_path), ".env", b"MAIL_FROM=a@b.example\nCSV_HEADERS=fr\nWORKERS=2\n")
    program = (
        "import sys; from pathlib import Path; from lib.core.root import Root;"
        " from lib.inputs import settings; settings.load(Root(Path(sys.argv[1])));"
        " print('jsonschema' in sys.modules)"
    )
    command = [sys.executable, "-c", program, tmp_path]
    ran = subprocess.run(command, capture_output=True, cwd=house.HOME / "scripts", check=True)
    assert ran.stdout == b"False\n"


TEXTS = [
    "", "0", "00", "1", "65535", "65536", "999999999", "9999999999", "1\n", "²", "fr",
    "de", "rfc4180", "tls", "a b", "a@b.example", "a@b.example\n", "2026-02-29", "2028-02-29", "tcp://h:1",
    "tcp://[::1]:65535", "tls://h:0", "tls://h:65536", "127.0.0.1", "é",
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name in PROPERTIES if name != "ALERT_TO"])
@given(text=st.sampled_from(TEXTS) | st.text(max_size=8))
def test_the_fast_check_of_a_setting_says_what_its_schema_says(name, text):
    misfit = schemas.check("settings", ("properties", name))(text)
    assert bool(misfit) == bool(schemas.faults({name: text, **_partner(name)}, "settings", ".env"))


def _partner(name: str) -> dict[str, str]:
    """The other setting that one cannot be without."""
    others = schemas.content("settings")["dependentRequired"].get(name, ())
    return dict.fromkeys(others, "x")


@pytest.mark.parametrize(
    ("line", "place", "text"),
    [
        ("SMTP_PORT=65536", "SMTP_PORT", '"65536" is not a port (0 to 65535); write one within'),
        ("LOCK_WAIT=", "LOCK_WAIT", '"" is not a number (seconds); write a whole number in digits'),
        ("CSV_HEADERS=klingon", "CSV_HEADERS", '"klingon" is not a language of headings: it has'),
        ("SMTP_HOST='a b'", "SMTP_HOST", '"a b" is not the name of a host; write it without'),
        ("SMTP_USER=us", "SMTP_PASSWORD", "is missing, which SMTP_USER needs; give both or"),
        ("LOCKWAIT=5", "LOCKWAIT", "unknown setting; known: LOCK_WAIT, WORKERS, "),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_is_a_fault_at_its_name(tmp_path, line, place, text):
    root = Root(tmp_path)
    house.write(root, ".env", line.encode())
    with pytest.raises(Refused) as refused:
        settings.load(root)
    [alert] = refused.value.alerts
    assert (alert.code, alert.file, alert.place) == ("B-SETTING", ".env", place)
    assert alert.text.startswith(text)


def test_the_account_of_a_batch_client_has_settings_with_its_code(tmp_path, monkeypatch):
    root = Root(tmp_path)
    house.write(root, ".env", b"PLATFORM_TOKEN=ours\nPLATFORM_CLIENT_ID_FIL=fil\n")
    monkeypatch.setenv("PLATFORM_CLIENT_SECRET_FIL", "hush")
    monkeypatch.setenv("PLATFORM_TIMEOUT_FIL", "7")
    platforms = settings.load(root).platforms
    assert platforms[""].token == "ours" and platforms[""].timeout == 30
    fil = platforms["FIL"]
    assert (fil.client_id, fil.client_secret, fil.auth, fil.token, fil.timeout) == (
        *("fil", "hush", "basic", "", 7),
    )
    assert "hush" not in repr(settings.load(root))


@pytest.mark.parametrize(
    ("line", "place", "text"),
    [
        ("PLATFORM_CLIENT_ID_FIL=fil", "PLATFORM_CLIENT_SECRET_FIL", "is missing, which PLATFORM_"),
        ("PLATFORM_AUTH_FIL=digest", "PLATFORM_AUTH_FIL", '"digest" is not how the platform'),
        ("PLATFORM_CA_FILE_FIL=ca.pem", "PLATFORM_CA_FILE_FIL", '"ca.pem" is not a file'),
        ("PLATFORM_CA_FILE=.env", "PLATFORM_CA_FILE", '".env" has no certificate in it'),
        ("PLATFORM_TOKEN_FIL=höch", "PLATFORM_TOKEN_FIL", "has a character that cannot be sent"),
        ("PLATFORM_TOKEN_fil=x", "line 1", "is not the name of a setting"),
        (
            "PLATFORM_TOKEN_FIL=x\nPLATFORM_CLIENT_ID_FIL=a\nPLATFORM_CLIENT_SECRET_FIL=b",
            *("PLATFORM_TOKEN_FIL", "stands beside PLATFORM_CLIENT_ID_FIL: only one of them"),
        ),
    ],
)
def test_a_setting_of_a_batch_client_is_checked_as_the_issuers_is(tmp_path, line, place, text):
    root = Root(tmp_path)
    house.write(root, ".env", line.encode())
    with pytest.raises(Refused) as refused:
        settings.load(root)
    [alert] = refused.value.alerts
    assert (alert.place, alert.text[: len(text)]) == (place, text)
