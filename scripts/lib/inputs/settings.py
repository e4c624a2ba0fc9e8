"""The settings of .env: secrets and what differs from one machine to another.

A variable of the environment, which is also what `make NAME=value` gives, goes before the
file. schemas/settings.schema.json says what each setting may be, .env.example how it is used.
"""

import io
import os
import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from lib.core import storage
from lib.core.faults import Alert, Fault, Refused, at_line
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import schemas

if TYPE_CHECKING:
    from dotenv.parser import Binding

_NAME = re.compile(r"[A-Z][A-Z0-9_]*")
# The settings of a batch client's own account at the platform have its code at the end.
_OF_CODE = re.compile(
    r"(PLATFORM_(?:CLIENT_ID|CLIENT_SECRET|AUTH|TOKEN|CA_FILE|TIMEOUT))_([A-Z0-9]{1,8})"
)
# A comment behind a value without quotes: it may as well be the rest of a password.
_CUT = re.compile(r"[^=]*=[ \t]*[^'\"\s#][^\n]*[ \t]#")

_PORTS = {"starttls": 587, "tls": 465, "none": 25}

_LARGEST = 65_536  # bytes of .env
_MOST = 100  # faults of a file that are reported

# Where a password or an invoice may go unencrypted: it does not leave the machine.
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

_TLS_FILES = ("WORKERS_CA_FILE", "WORKERS_CERT_FILE", "WORKERS_KEY_FILE")


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


class PlatformAccess(Struct, frozen=True, kw_only=True):
    """How an account at an approved platform is entered.

    A client id with its secret, which `auth` says to hand over in a header (basic) or as fields
    (form); or a `token` that does not change. `ca_file` are the authorities to trust instead of
    the machine's, or None; `timeout` is in seconds.
    """

    client_id: str
    client_secret: str
    auth: str
    token: str
    ca_file: Path | None
    timeout: int

    def __repr__(self) -> str:
        """Without the secrets, which no trace of a fault shows."""
        return "PlatformAccess()"


NO_ACCESS = PlatformAccess(
    client_id="", client_secret="", auth="basic", token="", ca_file=None, timeout=30
)


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
    that are not written as .env says: ".fr-en", or empty. `platforms` is how accounts at approved
    platforms are entered, by the code of their batch client, the issuer's own by "".
    """

    lock_wait: int
    workers: int
    cluster: Cluster | None
    csv_dialect: str
    csv_headers: str
    csv_once: str
    mail: Mail
    platforms: dict[str, PlatformAccess]


def load(root: Root) -> Settings:
    """The settings of a root.

    Raises:
      Refused: for a setting that is unknown or has a value that it cannot have.
    """
    of_file = defaults() | _file(root)
    of_codes = {name for name in os.environ if _OF_CODE.fullmatch(name)}
    names = of_file.keys() | of_codes
    values = of_file | {name: os.environ[name] for name in names if os.environ.get(name)}
    if faults := [*_value_faults(values), *_faults_between(root, values)]:
        raise Refused(_alert(root, fault) for fault in faults)
    is_cluster = not values["WORKERS"].isdecimal()
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
            alert_to=tuple(_entries(values["ALERT_TO"])),
        ),
        platforms={code: _platform(root, values, code) for code in _codes(values)},
    )


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    """The schema of each setting by its name; schemas/settings.schema.json has them."""
    properties: dict[str, dict[str, Any]] = schemas.content("settings")["properties"]
    return properties


def defaults() -> dict[str, str]:
    """What each setting is where nobody says it, as .env would have it."""
    return {
        name: schema.get("x-separator", "").join(schema["default"])
        for name, schema in _schemas().items()
    }


def _style(values: Mapping[str, str]) -> str:
    """How CSV files are written, as it stands in their names where .env says otherwise."""
    return f".{values['CSV_DIALECT']}-{values['CSV_HEADERS']}"


def mode_notices(mode: int) -> Iterator[Alert]:
    """.env holds secrets: a mode that lets others read it."""
    if mode & 0o077:
        found = say("has mode {mode}: others can read its secrets", mode=f"{mode & 0o777:04o}")
        yield Alert("I-ENV-READABLE", ".env", Fault("", found, remedy=say("chmod 600")))


def notices(settings: Settings) -> list[Alert]:
    """Settings that work but deserve a second thought."""
    if settings.cluster is None or settings.cluster.tls:
        return []
    address = settings.cluster.address
    if address.removeprefix("tcp://").rpartition(":")[0].strip("[]") in _LOOPBACK:
        return []
    found = say(
        "{address} is not encrypted: whoever is on the way can read and change the invoices,"
        " and run programs here",
        address=address,
    )
    return [Alert("I-WORKERS-PLAIN", "", Fault("WORKERS", found, remedy=say("write tls://")))]


def _value_faults(values: Mapping[str, str]) -> Iterator[Fault]:
    """What the schema has against each value; a default is not checked."""
    default = defaults()
    for name, value in values.items():
        general = _general(name)
        if value == default[general]:
            continue
        schema, path = _schemas()[general], ["properties", general]
        entries = [value]
        if "x-separator" in schema:
            entries, path = _entries(value), [*path, "items"]
            if len(entries) > (most := schema["maxItems"]):
                yield Fault(name, say("has more than {most} addresses", most=most))
                continue
        for misfit in filter(None, map(schemas.check("settings", tuple(path)), entries)):
            if schema.get("writeOnly"):  # a password is never repeated
                yield Fault(
                    name, say("has a character that cannot be sent: only printable ASCII can")
                )
            else:
                yield misfit.fault(name)


def _faults_between(root: Root, values: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong between settings, or with the files that they name."""
    together = schemas.content("settings")["dependentRequired"]
    for name in values:
        for general in together.get(_general(name), ()):
            other = general + name.removeprefix(_general(name))
            if values[name] and not values.get(other):
                found = say("is missing, which {name} needs", name=name)
                yield Fault(other, found, remedy=say("give both or neither"))
        other = "PLATFORM_CLIENT_ID" + name.removeprefix("PLATFORM_TOKEN")
        if _general(name) == "PLATFORM_TOKEN" and values[name] and values.get(other):
            found = say("stands beside {name}: only one of them can be meant", name=other)
            yield Fault(name, found, remedy=say("take one of them out"))
    is_open = values["SMTP_SECURITY"] == "none" and values["SMTP_HOST"] not in _LOOPBACK
    if is_open and values["SMTP_USER"]:
        found = say("none would send the password in the clear")
        yield Fault("SMTP_SECURITY", found, remedy=say("write starttls"))
    needed = _TLS_FILES if values["WORKERS"].startswith("tls://") else ()
    accounts = (name for name in values if _general(name) == "PLATFORM_CA_FILE")
    authorities = ("SMTP_CA_FILE", *accounts)
    for name in (*needed, *authorities):
        path = root.path / values[name]
        if values[name] and not _is_file(path):
            found = say("{path} is not a file", path=schemas.excerpt(values[name]))
            yield Fault(name, found, remedy=say("write its path, or put it there"))
        elif (
            values[name] and name in authorities and not _has_certificate(root.path / values[name])
        ):
            found = say("{path} has no certificate in it", path=schemas.excerpt(values[name]))
            remedy = say("name the file with the certificate of its authority (PEM)")
            yield Fault(name, found, remedy=remedy)
        elif name in needed and not values[name]:
            found = say("is missing, which tls:// needs")
            yield Fault(name, found, remedy=say("docs/operations.md shows how"))


def _cluster(root: Root, values: Mapping[str, str]) -> Cluster:
    address = values["WORKERS"]
    is_plain = address.startswith("tcp://")
    return Cluster(address, None if is_plain else Tls(*(root.path / values[n] for n in _TLS_FILES)))


def _general(name: str) -> str:
    """The setting whose schema a name has: that without a batch client's code."""
    match = _OF_CODE.fullmatch(name)
    return match[1] if match else name


def _codes(values: Mapping[str, str]) -> set[str]:
    """Whose accounts at platforms have settings; "" for the issuer's."""
    return {""} | {match[2] for match in map(_OF_CODE.fullmatch, values) if match}


def _platform(root: Root, values: Mapping[str, str], code: str) -> PlatformAccess:
    """An account's settings; what a batch client's does not say has its default."""
    suffix = f"_{code}" if code else ""

    def value(name: str) -> str:
        return values.get(f"{name}{suffix}") or str(_schemas()[name]["default"])

    return PlatformAccess(
        client_id=value("PLATFORM_CLIENT_ID"),
        client_secret=value("PLATFORM_CLIENT_SECRET"),
        auth=value("PLATFORM_AUTH"),
        token=value("PLATFORM_TOKEN"),
        ca_file=root.path / file if (file := value("PLATFORM_CA_FILE")) else None,
        timeout=int(value("PLATFORM_TIMEOUT")),
    )


def _has_certificate(path: Path) -> bool:
    import ssl

    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError):
        return False
    return True


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than the file system has
        return False


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _file(root: Root) -> dict[str, str]:
    if not root.env.exists():
        return {}
    data = storage.read_input(root, root.env)
    if len(data) > _LARGEST:
        found = say("has {size} bytes, at most {most} are read", size=len(data), most=_LARGEST)
        raise Refused([_alert(root, Fault("", found))])
    try:
        text = data.decode()
    except UnicodeDecodeError:
        remedy = say("save the file as UTF-8")
        raise Refused([_alert(root, Fault("", say("is not UTF-8"), remedy=remedy))]) from None
    from dotenv.parser import parse_stream

    values, faults = {}, []
    for binding in parse_stream(io.StringIO(text)):
        if fault := _binding_fault(binding):
            faults.append(_alert(root, fault))
        elif binding.key is not None:
            values[binding.key] = binding.value or ""
    if faults:
        raise Refused(faults[:_MOST])
    return values


def _binding_fault(binding: "Binding") -> Fault | None:
    """What is wrong with a line of .env. It is not repeated: it may be the rest of a password."""
    place, name = at_line(binding.original.line), binding.key
    if binding.error or (name is not None and binding.value is None):
        remedy = say("quote a value with spaces or #")
        return Fault(place, say("is not NAME=value"), remedy=remedy)
    if name is None:
        return None
    if not _NAME.fullmatch(name):
        return Fault(place, say("is not the name of a setting"))
    if _general(name) not in _schemas():
        return Fault(name, say("unknown setting"), say("known: {names}", names=tuple(_schemas())))
    if _CUT.match(binding.original.string):
        found = say("what follows # would not be read")
        return Fault(
            name,
            found,
            remedy=say("quote the value, '...', or put the comment on a line of its own"),
        )
    return None


def _alert(root: Root, fault: Fault) -> Alert:
    return Alert("B-SETTING", root.name_of(root.env), fault)
