"""data/usage/: what a client used in a month by each source, and lines that are billed once"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct

from lib.core.faults import Alert, Fault
from lib.core.messages import say
from lib.core.root import Root
from lib.inputs import input_files, plan_checks, plans, vat_checks
from lib.inputs.batch_client_files import BatchClientInput
from lib.inputs.client_files import Client, ClientInput
from lib.inputs.input_files import Source
from lib.inputs.issuer_file import Issuer, IssuerInput
from lib.values import vat

BATCH_SOURCE = "batch_"


class Usage(Struct, frozen=True, kw_only=True):
    """data/usage/<client>/<month>.<source>.json."""

    client: str
    month: str
    source: str
    quantities: dict[str, Decimal] = {}
    lines: tuple[plans.OneOffLine, ...] = ()


class UsageInput(NamedTuple):
    """One source of usage with the file it came from.

    `unfit` says why it cannot be billed under the client's plan of today: plans change, and
    the usage of a month that is invoiced already stays as it is.
    """

    usage: Usage
    source: Source
    unfit: tuple[Alert, ...] = ()


def load(
    root: Root,
    issuer: IssuerInput | None,
    clients: Mapping[str, ClientInput | None],
    batch_clients: Mapping[str, BatchClientInput | None],
    faults: list[Alert],
) -> dict[tuple[str, str], tuple[UsageInput, ...]]:
    usage: dict[tuple[str, str], tuple[UsageInput, ...]] = {}
    folders = sorted(root.usage.iterdir()) if root.usage.is_dir() else []
    for folder in folders:
        if input_files.is_hidden(folder):
            continue
        if folder.name not in clients:
            faults.append(input_files.ownerless(root, folder))
            continue
        for path in input_files.json_files(root, folder, faults):
            content = _load_usage_file(root, path, issuer, clients[folder.name], faults)
            if content is not None:
                faults += _reserved_faults(content, batch_clients)
                key = (content.usage.client, content.usage.month)
                usage[key] = (*usage.get(key, ()), content)
    return usage


def glance(
    root: Root, client: str, months: Iterable[str]
) -> dict[tuple[str, str], tuple[UsageInput, ...]]:
    """What a client used in some months, not checked."""
    usage = {}
    for month in months:
        paths = sorted((root.usage / client).glob(f"{month}.*.json"))
        entries = [input_files.glance(root, path, Usage) for path in paths]
        usage[client, month] = tuple(
            UsageInput(entry, Source("", b"")) for entry in entries if entry
        )
    return usage


def _load_usage_file(
    root: Root,
    path: Path,
    issuer: IssuerInput | None,
    client: ClientInput | None,
    faults: list[Alert],
) -> UsageInput | None:
    owner = path.parent.name
    read = input_files.read(root, path, "usage", owner, faults)
    if read is None or client is None or issuer is None:
        return None
    value, source = read
    misfits = []
    if value["client"] != owner:
        text = say('"{client}" is not the folder\'s', client=value["client"])
        misfits.append(Fault("client", text, remedy=say('write "{client}"', client=owner)))
    if f"{value['month']}.{value['source']}" != path.stem:
        remedy = say("rename it {name}", name=f"{value['month']}.{value['source']}.json")
        misfits.append(Fault("", say("is not named after its month and source"), remedy=remedy))
    faults += input_files.alerts(misfits, source.name, owner)
    unfit = _unfit(value, client.client, issuer.issuer)
    vat_checks.fill_in_category(value.get("lines", []), issuer.issuer)
    usage = input_files.convert(value, Usage, source.name, owner, faults)
    return (
        UsageInput(usage, source, tuple(input_files.alerts(unfit, source.name, owner)))
        if usage
        else None
    )


def _unfit(value: Mapping[str, Any], client: Client, issuer: Issuer) -> list[Fault]:
    known = plans.metrics_of(client.plans)
    text = say("is not a metric of the client's plans")
    theirs = say("they have {metrics}", metrics=tuple(known)) if known else say("they have none")
    unknown = [metric for metric in value.get("quantities", {}) if metric not in known]
    misfits = [Fault(f"quantities.{metric}", text, theirs) for metric in unknown]
    return misfits + one_off_faults(value.get("lines", []), client, issuer)


def _reserved_faults(
    file: UsageInput, batch_clients: Mapping[str, BatchClientInput | None]
) -> list[Alert]:
    """Sources named batch_... are written by the batch engine, for its clients only."""
    source, owner = file.usage.source, file.usage.client
    if not source.startswith(BATCH_SOURCE):
        return []
    client = batch_clients.get(source.removeprefix(BATCH_SOURCE))
    if client is not None and client.client.billed_as == owner:
        return []
    text = say("names that begin with batch_ are kept for the batch engine")
    fault = Fault("source", text, remedy=say("rename the source"))
    return [Alert("B-INPUT-VALUE", file.source.name, fault, owner)]


def one_off_faults(lines: list[Any], client: Client, issuer: Issuer) -> list[Fault]:
    """What is wrong with lines that are billed once, for a client of an issuer."""
    misfits = []
    for i, line in enumerate(lines):
        place = f"lines[{i}]"
        for key in ("description", "details", "discount_reason"):
            if key in line and client.language not in line[key]:
                misfits.append(plan_checks.missing_text(f"{place}.{key}", client.language))
        misfits += vat_checks.rate_and_category_faults(place, line, client.vat.treatment, issuer)
        kinds = vat_checks.kinds([line], issuer)
        faults = vat.treatment_faults(
            client.vat.treatment, kinds, issuer.party, issuer.vat_regime, client.party
        )
        for fault in faults:
            text = say(
                '{rule}: the client\'s treatment "{treatment}" is not for it',
                rule=fault.rule,
                treatment=client.vat.treatment,
            )
            misfits.append(Fault(f"{place}.category", text))
    return misfits
