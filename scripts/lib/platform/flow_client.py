"""The Flow Service of an approved platform (AFNOR XP Z12-013, 1.3.0), as its client sees it.

Whatever stands at the other end is not trusted: an answer has a deadline and a size, a redirect is
never followed, and what is not the JSON that the norm says is an alert. A call that gives no clear
answer raises Unclear: whether it did what it was asked is not known then.
"""

import json
import ssl
import uuid
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any, NamedTuple
from urllib.parse import quote, quote_plus

import httpx

from lib.core.faults import Alert, Fault, Unavailable, printable
from lib.core.messages import Message, say
from lib.inputs.issuer_file import Platform
from lib.inputs.settings import PlatformAccess
from lib.platform import deadlines
from lib.platform.deadlines import Deadline

Wait = Callable[[int], None]

FACTUR_X = "Factur-X"
CDAR = "CDAR"
REPORT = "FRR"

_LARGEST = 10_000_000  # bytes of an answer; a status message has a few thousand
_LONGEST_WAIT = 30  # seconds that one Retry-After may ask for
_MOST_WAITS = 4  # of one call
_MOST_WAITING = 120  # seconds of all waits of a run
_MOST_TEXT = 300  # characters of what a platform says that are kept
_MOST_REASONS = 20
_MOST_FLOWS = 1000  # of one page that are read
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_GZIP_OR_ZLIB = 47  # as zlib.decompressobj says that it finds out


class FlowReason(NamedTuple):
    """Why a platform refuses a file, in its words; `item` is what of it."""

    code: str
    item: str
    message: str


class Flow(NamedTuple):
    """A flow as the platform describes it. `updated` is the time in UTC, `is_ours` whether we
    sent it, `acknowledgement` Pending, Ok or Error, with the `reasons` of an Error."""

    flow_id: str
    tracking_id: str
    syntax: str
    is_ours: bool
    updated: datetime
    acknowledgement: str
    reasons: tuple[FlowReason, ...]


class Page(NamedTuple):
    """What one search gave, in the order in which it came; `cursor` is of the next page."""

    flows: tuple[Flow, ...]
    cursor: str


class Info(NamedTuple):
    """What is said of a file that is deposited; `rule` is the processing rule."""

    tracking_id: str
    name: str
    syntax: str
    rule: str
    sha256: str


class Refusal(Exception):
    """A clear no to what was asked: the status of HTTP, the reasons, the body as it came."""

    def __init__(self, status: int, reasons: tuple[FlowReason, ...], body: bytes):
        self.status, self.reasons, self.body = status, reasons, body
        super().__init__(str(status))


class Unclear(Unavailable):
    """No answer, or none that can be understood; `wait` is how long the platform asks to."""

    def __init__(
        self, code: str, place: str, found: Message, wait: int = 0, remedy: Message | None = None
    ):
        self.wait = wait
        remedy = remedy or say("what was not done waits, and the next run goes on")
        super().__init__([Alert(code, place, Fault("", found, remedy=remedy))])


class FlowClient:
    """The connections to one platform, which are kept, and the token that opens it.

    Nothing of it is shown in a trace, since it knows secrets.
    """

    def __init__(self, account: Platform, access: PlatformAccess, wait: Wait):
        self._url = account.flow_url.rstrip("/")
        self._token_url = account.token_url
        self._directory_url = account.directory_url.rstrip("/")
        self._access = access
        self._wait = wait
        self._waited = 0
        self._token = access.token
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "invoicing"}
        if account.organization:
            self._headers["Organization-Id"] = account.organization
        # What merely stands in the environment (proxies, a .netrc) changes nothing.
        self._deadline = Deadline(access.timeout)
        transport = deadlines.transport(_trusted(access), self._deadline)
        self._http = httpx.Client(transport=transport, trust_env=False, follow_redirects=False)

    def __repr__(self) -> str:
        return f"FlowClient({self._url})"

    def close(self) -> None:
        """Ends the connections."""
        self._http.close()

    def send(self, info: Info, data: bytes) -> str:
        """Deposits a file; returns what the platform calls it.

        Raises:
          Refusal: it will not have it; Unclear: it may have it.
        """
        said = {
            "trackingId": info.tracking_id,
            "name": info.name,
            "flowSyntax": info.syntax,
            "processingRule": info.rule,
            "sha256": info.sha256,
        }
        media = "application/pdf" if info.syntax == FACTUR_X else "application/xml"
        parts = {
            "flowInfo": (None, json.dumps(said).encode(), "application/json"),
            "file": (info.name, data, media),
        }
        form = httpx.Request("POST", self._url, files=parts)
        # Whole, and not piece by piece: each piece would be a packet of its own.
        content, media = form.read(), form.headers["Content-Type"]
        answer = self._call("POST", "/v1/flows", repeatable=False, media=media, content=content)
        return self._flow_id(self._object(answer))

    def search(
        self,
        where: Mapping[str, Any],
        limit: int = 100,
        cursor: str = "",
    ) -> Page:
        """One page of the flows that meet all criteria. Raises as `get`."""
        asked: dict[str, Any] = {"where": dict(where), "limit": limit}
        if cursor:
            asked["cursor"] = cursor
        answer = self._object(self._call("POST", "/v1/flows/search", json=asked))
        results = answer.get("results", [])
        if not isinstance(results, list) or len(results) > _MOST_FLOWS:
            raise self._not_understood(say("its results are not a list"))
        following = answer.get("nextCursor") or ""
        if not isinstance(following, str) or not _is_text(following):
            raise self._not_understood(say("its nextCursor is not a text"))
        return Page(tuple(self._flow(result) for result in results), following)

    def metadata(self, flow_id: str) -> Flow:
        """A flow as it stands now. Raises as `get`."""
        return self._flow(self._object(self._get(flow_id, "Metadata")))

    def original(self, flow_id: str) -> bytes:
        """The file of a flow as it was sent.

        Raises:
          Refusal: there is none; Unclear: it could not be had now.
        """
        return self._get(flow_id, "Original")

    @property
    def has_directory(self) -> bool:
        return bool(self._directory_url)

    def is_in_directory(self, address: str) -> bool:
        """Whether a platform takes invoices for an address under 0225 (Directory Service 1.3.0).

        Raises:
          Unclear: it could not be learned now.
        """
        path = f"/v1/directory-line/code:{quote(address, safe='')}"
        try:
            line = self._object(self._call("GET", path, service=self._directory_url))
        except Refusal as refusal:
            # A proxy, or an address that is none of the directory's, knows nothing of customers.
            if refusal.status == 404 and self._reasons_of(refusal.body):
                return False
            said = self._excerpt(refusal.body)
            why = say("{status}, {why}", status=refusal.status, why=said)
            raise self._not_understood(why, self._directory_url) from None
        return line.get("directoryLineStatus") != "Disabled"

    def _get(self, flow_id: str, document: str) -> bytes:
        path = f"/v1/flows/{quote(flow_id, safe='')}"
        return self._call("GET", path, params={"docType": document})

    # --- calls ---------------------------------------------------------------------------

    def _call(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool = True,
        service: str = "",
        media: str = "",
        **content: Any,
    ) -> bytes:
        """The body of an answer that is a yes.

        Args:
          repeatable: whether a 503 may be asked again; a 429 was not heard at all.
          service: where it stands; empty: the Flow Service.
          media: the Content-Type, where httpx does not know it from the content.
        """
        renewed = False
        for _ in range(_MOST_WAITS + 2):
            if not self._token:
                self._token = self._new_token()
            headers = {
                **self._headers,
                "Authorization": f"Bearer {self._token}",
                "Request-Id": str(uuid.uuid4()),
                **({"Content-Type": media} if media else {}),
            }
            url = (service or self._url) + path
            answer, body = self._ask(method, url, headers=headers, **content)
            status = answer.status_code
            if 200 <= status < 300:
                return body
            if status == 401 and not renewed and not self._access.token:
                renewed, self._token = True, ""
                continue
            if status in (401, 403):
                raise self._closed(status, body)
            pause = _pause(answer.headers) if status in (429, 503) else 0
            if (repeatable or status == 429) and self.waits(pause):
                continue
            if status in (400, 409, 413, 422) or (status == 404 and method == "GET"):
                if reasons := self._reasons_of(body):
                    raise Refusal(status, reasons, body)
                if status in (404, 413):  # a proxy says so in words of its own
                    raise Refusal(status, (FlowReason(str(status), "", ""),), body)
            raise self._unclear(answer, body, pause)
        raise self._down(say("it asks to wait again and again"))

    def _ask(self, method: str, url: str, **content: Any) -> tuple[httpx.Response, bytes]:
        """An answer with its whole body, within its time and size."""
        self._deadline.restart()
        try:
            with self._http.stream(method, url, **content) as answer:
                # Nothing packed was asked for; some pack all the same.
                packed = answer.headers.get("content-encoding", "") in ("gzip", "deflate")
                unpacking = zlib.decompressobj(_GZIP_OR_ZLIB) if packed else None
                body = bytearray()
                for piece in answer.iter_raw():
                    body += unpacking.decompress(piece, _LARGEST) if unpacking else piece
                    if len(body) > _LARGEST or (unpacking and unpacking.unconsumed_tail):
                        raise self._not_understood(
                            say("it is larger than {most} bytes", most=_LARGEST)
                        )
                return answer, bytes(body)
        except zlib.error as error:
            raise self._not_understood(self._quoted(str(error))) from None
        except httpx.TimeoutException:
            raise self._down(say("no answer within PLATFORM_TIMEOUT")) from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise self._down(self._quoted(str(error) or type(error).__name__)) from None

    def _new_token(self) -> str:
        """A token for the client id and its secret (OAuth 2.0, client credentials)."""
        access = self._access
        fields = {"grant_type": "client_credentials"}
        basic = None
        if access.auth == "form":
            fields |= {"client_id": access.client_id, "client_secret": access.client_secret}
        else:
            basic = (access.client_id, access.client_secret)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        for _ in range(_MOST_WAITS):
            answer, body = self._ask(
                "POST", self._token_url, data=fields, headers=headers, auth=basic
            )
            pause = _pause(answer.headers) if answer.status_code in (429, 503) else 0
            if not self.waits(pause):
                break
        status = answer.status_code
        if status in (400, 401, 403):
            raise self._closed(status, body)
        if status in (429, 500, 502, 503, 504):
            raise self._down(say("it says {status}", status=status), pause)
        token = (_json(body) or {}).get("access_token") if status in (200, 201) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            # What it says instead is not shown: it may be a token in another form.
            found = say("{status}, it has no access_token", status=status)
            raise self._not_understood(found, self._token_url)
        return token

    def waits(self, seconds: int) -> bool:
        """Waits as long as a platform asks to, where it asks so and that is within bounds."""
        if not 0 < seconds <= min(_LONGEST_WAIT, _MOST_WAITING - self._waited):
            return False
        self._waited += seconds
        self._wait(seconds)
        return True

    # --- what answers say ----------------------------------------------------------------

    def _object(self, body: bytes) -> dict[str, Any]:
        value = _json(body)
        if value is None:
            raise self._not_understood(self._excerpt(body))
        return value

    def _flow_id(self, value: Mapping[str, Any]) -> str:
        flow_id = value.get("flowId")
        if not isinstance(flow_id, str) or not 0 < len(flow_id) <= 64 or not _is_text(flow_id):
            raise self._not_understood(say("it has no flowId"))
        return flow_id

    def _flow(self, value: Any) -> Flow:
        if not isinstance(value, dict):
            raise self._not_understood(say("a flow is not an object"))
        acknowledgement = value.get("acknowledgement")
        if not isinstance(acknowledgement, dict):
            acknowledgement = {}
        return Flow(
            flow_id=self._flow_id(value),
            tracking_id=_text(value.get("trackingId")),
            syntax=_text(value.get("flowSyntax")) or _syntax(_text(value.get("flowType"))),
            is_ours=value.get("flowDirection") == "Out",
            updated=self._time(value.get("updatedAt") or value.get("submittedAt")),
            acknowledgement=_text(acknowledgement.get("status")),
            reasons=tuple(self._details(acknowledgement.get("details"))),
        )

    def _time(self, text: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
        except (TypeError, ValueError):
            raise self._not_understood(say("a flow has no updatedAt")) from None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if not _EARLIEST < moment < _LATEST:
            raise self._not_understood(say("a flow has no updatedAt"))
        return moment.astimezone(UTC)

    def _details(self, details: Any) -> Iterator[FlowReason]:
        """The errors of an acknowledgement; warnings ask for nothing."""
        for detail in details[:_MOST_REASONS] if isinstance(details, list) else ():
            if isinstance(detail, dict) and detail.get("level") != "Warning":
                keys = ("reasonCode", "item", "reasonMessage")
                yield FlowReason(*(self._kept(detail.get(key)) for key in keys))

    def _reasons_of(self, body: bytes) -> tuple[FlowReason, ...]:
        """What an answer of the norm's form says is wrong; empty where it is of another."""
        value = _json(body)
        if value is None or not _text(value.get("errorCode")):
            return ()
        message = value.get("errorMessage") or value.get("details")
        return (FlowReason(self._kept(value["errorCode"]), "", self._kept(message)),)

    def _kept(self, text: Any) -> str:
        """What a platform says, without secrets of ours that it repeats."""
        said = _text(text)
        access = self._access
        basic = b64encode(f"{access.client_id}:{access.client_secret}".encode()).decode()
        secrets = {access.client_secret, quote_plus(access.client_secret), access.token}
        for secret in {*secrets, self._token, basic if access.client_secret else ""} - {""}:
            said = said.replace(secret, "***")
        return printable(said[:_MOST_TEXT])

    def _quoted(self, text: str) -> Message:
        return say("{text}", text=self._kept(text))

    def _excerpt(self, body: bytes) -> Message:
        text = self._kept(body.decode("utf-8", "replace"))  # whole: half a secret is one too
        return say('it is not JSON: "{text}"', text=text[:80])

    # --- alerts --------------------------------------------------------------------------

    def _down(self, why: Message, wait: int = 0) -> Unclear:
        found = say("does not answer: {why}", why=why)
        return Unclear("B-PLATFORM-DOWN", self._url, found, wait)

    def _not_understood(self, why: Message, url: str = "") -> Unclear:
        found = say("gives an answer that cannot be used: {why}", why=why)
        return Unclear("B-PLATFORM-ANSWER", url or self._url, found)

    def _closed(self, status: int, body: bytes) -> Unclear:
        why = self._reasons_of(body)
        said = (say(" ({reason})", reason=" ".join(filter(None, why[0]))),) if why else ()
        found = say("does not let us in: {status}{why}", status=status, why=said)
        remedy = say(
            "compare what .env has (PLATFORM_...) with what the platform gave you, or ask it for"
            " new credentials; what was not done waits"
        )
        return Unclear("B-PLATFORM-LOGIN", self._url, found, remedy=remedy)

    def _unclear(self, answer: httpx.Response, body: bytes, pause: int) -> Unclear:
        status = answer.status_code
        if 300 <= status < 400:
            to = self._kept(answer.headers.get("location", "").partition("?")[0])
            return self._not_understood(say('it sends us to "{place}"', place=to))
        if status in (429, 500, 502, 503, 504):
            return self._down(say("it says {status}", status=status), pause)
        reasons = self._reasons_of(body)
        why = self._quoted(" ".join(filter(None, reasons[0]))) if reasons else self._excerpt(body)
        return self._not_understood(say("{status}, {why}", status=status, why=why))


def _trusted(access: PlatformAccess) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=access.ca_file)


def _json(body: bytes) -> dict[str, Any] | None:
    """The JSON object that a body is; None where it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _syntax(flow_type: str) -> str:
    """Of a flow without a flowSyntax: CustomerInvoiceLC is what became of an invoice."""
    return CDAR if flow_type.endswith("LC") else ""


def _is_text(value: str) -> bool:
    """Whether it has no half of a surrogate pair, which JSON can write and no file can keep."""
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _pause(headers: httpx.Headers) -> int:
    """The seconds that Retry-After asks for, itself a number or a moment; 0 without it."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return int(text[:9]) or 1
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers["date"])  # by the same clock
        return max(ceil((until - now).total_seconds()), 1)
    except (TypeError, ValueError, KeyError):
        return 0
