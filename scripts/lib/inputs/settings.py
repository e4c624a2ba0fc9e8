"""The settings of .env: secrets and what differs from one machine to another.

A variable of the environment, which is also what `make NAME=value` gives, goes before the
file. .env.example explains each setting.
"""

import io
import os
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from lib.core import messages, readings, storage
from lib.core.faults import Alert, Fault, Refused
from lib.core.root import Root
from lib.inputs import schemas

DEFAULTS = {
    "LOCK_WAIT": "300",
    "CSV_DIALECT": "rfc4180",
    "CSV_HEADERS": "en",
    "WORKERS": "0",
    "WORKERS_CA_FILE": "",
    "WORKERS_CERT_FILE": "",
    "WORKERS_KEY_FILE": "",
    "SMTP_HOST": "",
    "SMTP_PORT": "0",
    "SMTP_USER": "",
    "SMTP_PASSWORD": "",
    "SMTP_SECURITY": "starttls",
    "SMTP_CA_FILE": "",
    "SMTP_TIMEOUT": "30",
    "MAIL_FROM": "",
    "MAIL_SINCE": "",
    "MAIL_MAX_ATTACHMENT": "10000000",
    "ALERT_TO": "",
}

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# A comment behind a value without quotes: it may as well be the rest of a password.
_CUT = re.compile(r"[^=]*=[ \t]*[^'\"\s#][^\n]*[ \t]#")

_NUMBERS = {
    "LOCK_WAIT": "seconds",
    "SMTP_PORT": "a port",
    "SMTP_TIMEOUT": "seconds",
    "MAIL_MAX_ATTACHMENT": "bytes",
}

_PORTS = {"starttls": 587, "tls": 465, "none": 25}

_CHOICES = {
    "CSV_DIALECT": ("rfc4180", "fr"),
    "CSV_HEADERS": messages.languages(),
    "SMTP_SECURITY": tuple(_PORTS),
}

_LARGEST = 65_536  # bytes of .env
_MOST = 100  # unknown settings, and addresses, that are looked at

# Where a password or an invoice may go unencrypted: it does not leave the machine.
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_PROCESSES = re.compile("[0-9]{1,4}")
_TLS_FILES = ("WORKERS_CA_FILE", "WORKERS_CERT_FILE", "WORKERS_KEY_FILE")
_CLUSTER = re.compile(r"(tcp|tls)://([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


class Mail(Struct, frozen=True, kw_only=True):
    """How mail leaves: `host` empty, it waits in data/outbox/.

    `security` is starttls, tls or none; `ca_file` the authorities to trust instead of the
    machine's, or None; `timeout` in seconds for each dialogue; `sender` and `alert_to` are
    addresses; documents issued before `since` are not sent; `max_attachment` in bytes.
    """

    host: str
    port: int
    user: str
    password: str
    security: str
    ca_file: Path | None
    timeout: int
    sender: str
    since: date
    max_attachment: int
    alert_to: tuple[str, ...]

    def __repr__(self) -> str:
        """Without the password, which no trace of a fault shows."""
        return f"Mail({self.host}:{self.port})"


class Tls(NamedTuple):
    """The authority that all certificates of a cluster are from; our certificate and its key."""

    ca_file: Path
    cert_file: Path
    key_file: Path


class Cluster(NamedTuple):
    """Machines that render: the address of their scheduler; `tls` is None for tcp://."""

    address: str
    tls: Tls | None


class Settings(NamedTuple):
    """`lock_wait`: seconds to wait for another run to end; `workers`: processes of this machine
    for what is done on all cores; `cluster`: who renders instead of them, or None.

    `csv_dialect` is rfc4180 or fr, `csv_headers` a language; `csv_once` is what sets files apart
    that are not written as .env says: ".fr-en", or empty.
    """

    lock_wait: int
    workers: int
    cluster: Cluster | None
    csv_dialect: str
    csv_headers: str
    csv_once: str
    mail: Mail


def load(root: Root) -> Settings:
    """The settings of a root.

    Raises:
      Refused: for a setting that is unknown or has a value that it cannot have.
    """
    of_file = {**DEFAULTS, **_file(root)}
    values = of_file | {name: os.environ[name] for name in DEFAULTS if os.environ.get(name)}
    faults = []
    for name, what in _NUMBERS.items():
        if not _is_number(values[name]):
            remedy = readings.remedy("count", values[name], _is_number)
            text = f'{name}: "{values[name]}" is not a number ({what}); {remedy}'
            faults.append(_fault(root, text))
    for name, known in _CHOICES.items():
        if values[name] not in known:
            meant = readings.quoted(readings.choices(values[name], known))
            remedy = f"write {meant or 'one of ' + ', '.join(known)}"
            text = f'{name}: "{values[name]}" is not known; {remedy}'
            faults.append(_fault(root, text))
    if len(_addresses(values["ALERT_TO"])) > _MOST:
        faults.append(_fault(root, f"ALERT_TO: has more than {_MOST} addresses"))
    faults += [_fault(root, text) for text in _workers_faults(root, values)]
    faults += [_fault(root, text) for text in _mail_faults(root, values)]
    if faults:
        raise Refused(faults)
    is_cluster = not _PROCESSES.fullmatch(values["WORKERS"])
    return Settings(
        lock_wait=int(values["LOCK_WAIT"]),
        workers=_cores() if is_cluster else int(values["WORKERS"]) or _cores(),
        cluster=_cluster(root, values) if is_cluster else None,
        csv_dialect=values["CSV_DIALECT"],
        csv_headers=values["CSV_HEADERS"],
        csv_once="" if _style(values) == _style(of_file) else _style(values),
        mail=Mail(
            host=values["SMTP_HOST"],
            port=int(values["SMTP_PORT"]) or _PORTS[values["SMTP_SECURITY"]],
            user=values["SMTP_USER"],
            password=values["SMTP_PASSWORD"],
            security=values["SMTP_SECURITY"],
            ca_file=root.path / values["SMTP_CA_FILE"] if values["SMTP_CA_FILE"] else None,
            timeout=int(values["SMTP_TIMEOUT"]),
            sender=values["MAIL_FROM"],
            since=date.fromisoformat(values["MAIL_SINCE"]) if values["MAIL_SINCE"] else date.min,
            max_attachment=int(values["MAIL_MAX_ATTACHMENT"]),
            alert_to=_addresses(values["ALERT_TO"]),
        ),
    )


def _style(values: Mapping[str, str]) -> str:
    """How CSV files are written, as it stands in their names where .env says otherwise."""
    return f".{values['CSV_DIALECT']}-{values['CSV_HEADERS']}"


def mode_notices(mode: int) -> Iterator[Alert]:
    """.env holds secrets: a mode that lets others read it."""
    if mode & 0o077:
        text = f"has mode {mode & 0o777:04o}: others can read its secrets; chmod 600"
        yield Alert("I-ENV-READABLE", ".env", Fault("", text))


def notices(used: Settings) -> list[Alert]:
    """What somebody may want to decide otherwise."""
    if used.cluster is None or used.cluster.tls:
        return []
    host = used.cluster.address.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    if host in _LOOPBACK:
        return []
    text = f"WORKERS: {used.cluster.address} is not encrypted: whoever is on the way can read"
    text += " and change the invoices, and run programs here; write tls://"
    return [Alert("I-WORKERS-PLAIN", "", Fault("", text))]


def _workers_faults(root: Root, values: dict[str, str]) -> list[str]:
    """What is wrong with who renders."""
    given = values["WORKERS"]
    if _PROCESSES.fullmatch(given):
        return []
    address = _CLUSTER.fullmatch(given)
    if not address or not 0 < int(address[3]) <= 65535:
        text = f'WORKERS: "{given}" is neither a number of processes nor the address of a cluster'
        return [f"{text}; write the number in digits, or tls://, its host, a colon and its port"]
    faults = []
    for name in _TLS_FILES if address[1] == "tls" else ():
        if not values[name]:
            faults.append(f"{name}: is missing, which tls:// needs; docs/operations.md shows how")
        elif not _is_file(root.path / values[name]):
            faults.append(f'{name}: "{values[name]}" is no file')
    return faults


def _cluster(root: Root, values: dict[str, str]) -> Cluster:
    address = values["WORKERS"]
    is_plain = address.startswith("tcp://")
    return Cluster(address, None if is_plain else Tls(*(root.path / values[n] for n in _TLS_FILES)))


def _mail_faults(root: Root, values: dict[str, str]) -> list[str]:
    """What is wrong with how mail leaves. A password is never repeated."""
    faults = []
    address = schemas.text_check("common", ("$defs", "email"))
    for name in ("MAIL_FROM", "ALERT_TO"):
        given = _addresses(values[name])[:_MOST] if name == "ALERT_TO" else (values[name],)
        faults += [f"{name}: {address(one)}" for one in given if one and address(one)]
    day = schemas.text_check("common", ("$defs", "date"))(values["MAIL_SINCE"])
    if values["MAIL_SINCE"] and day:
        faults.append(f"MAIL_SINCE: {day}")
    host = values["SMTP_HOST"]
    if not (host.isascii() and host.isprintable()) or " " in host:
        faults.append(
            f'SMTP_HOST: "{host}" is not the name of a host; write it without spaces, in ASCII'
        )
    for name in ("SMTP_USER", "SMTP_PASSWORD"):
        if not (values[name].isascii() and values[name].isprintable()):
            faults.append(f"{name}: has a character outside ASCII, which SMTP cannot carry")
    if bool(values["SMTP_USER"]) != bool(values["SMTP_PASSWORD"]):
        faults.append("SMTP_USER and SMTP_PASSWORD: one is missing; give both or neither")
    if values["SMTP_SECURITY"] == "none" and values["SMTP_USER"] and host not in _LOOPBACK:
        faults.append("SMTP_SECURITY: none would send the password in the clear; write starttls")
    if values["SMTP_CA_FILE"] and not _is_file(root.path / values["SMTP_CA_FILE"]):
        faults.append(f'SMTP_CA_FILE: "{values["SMTP_CA_FILE"]}" is no file')
    if _is_number(values["SMTP_PORT"]) and int(values["SMTP_PORT"]) > 65535:
        faults.append(f'SMTP_PORT: "{values["SMTP_PORT"]}" is not a port; write 1 to 65535')
    if _is_number(values["SMTP_TIMEOUT"]) and not int(values["SMTP_TIMEOUT"]):
        faults.append('SMTP_TIMEOUT: "0" leaves no time to answer; write 1 or more')
    return faults


def _is_number(text: str) -> bool:
    """Digits of ASCII, few enough for any of these settings: other ones are no int, or slow."""
    return text.isascii() and text.isdigit() and len(text) <= 9


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than the file system has
        return False


def _addresses(text: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in text.split(",") if one.strip())


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _file(root: Root) -> dict[str, str]:
    if not root.env.exists():
        return {}
    data = storage.read_input(root, root.env)
    if len(data) > _LARGEST:
        raise Refused([_fault(root, f"has {len(data)} bytes, at most {_LARGEST} are read")])
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Refused([_fault(root, "is not UTF-8; save the file as UTF-8")]) from None
    from dotenv.parser import parse_stream

    values, faults = {}, []
    known = ", ".join(DEFAULTS)
    for found in parse_stream(io.StringIO(text)):
        if found.error or (found.key is not None and found.value is None):
            # Not repeated: it may be the rest of a password.
            place = f"line {found.original.line}"
            faults.append(_fault(root, "is no NAME=value; quote a value with spaces or #", place))
        elif found.key is not None and not _NAME.fullmatch(found.key):
            faults.append(_fault(root, "is no name of a setting", f"line {found.original.line}"))
        elif found.key is not None and found.key not in DEFAULTS:
            faults.append(_fault(root, f"{found.key}: unknown setting; known: {known}"))
        elif found.key is not None and _CUT.match(found.original.string):
            text = f"{found.key}: what follows # would not be read: quote the value, '...', or"
            faults.append(_fault(root, f"{text} give the comment a line of its own"))
        elif found.key is not None:
            values[found.key] = found.value or ""
    if faults:
        raise Refused(faults[:_MOST])
    return values


def _fault(root: Root, text: str, place: str = "") -> Alert:
    return Alert("B-SETTING", root.name_of(root.env), Fault(place, text))
