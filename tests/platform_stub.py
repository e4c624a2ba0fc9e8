"""An approved platform on loopback, after the Flow Service of AFNOR XP Z12-013, 1.3.0.

It keeps what it takes, checks each request as the norm has it, acknowledges, sends statuses, and
misbehaves as it is told. `main` runs it for people: `make demo-platform`.
"""

import argparse
import gzip
import json
import re
import socket
import ssl
import threading
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

Json = dict[str, Any]

SYNTAXES = {"CII", "UBL", "Factur-X", "CDAR", "FRR"}
RULES = {
    *("B2B", "B2BInt", "B2C", "B2G", "B2GInt", "OutOfScope", "B2GOutOfScope", "ArchiveOnly"),
    "NotApplicable",
}
TYPES = {"Factur-X": "CustomerInvoice", "CDAR": "CustomerInvoiceLC", "FRR": "MultiFlowReport"}
LARGEST = 100_000_000
_BEGINNING = datetime(2027, 9, 1, 8, tzinfo=UTC)
ENTITIES = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'


class Reply(NamedTuple):
    """An answer of HTTP: status, content (JSON, or bytes as they are), headers."""

    status: int
    content: Any = None
    headers: tuple[tuple[str, str], ...] = ()


def error(status: int, code: str, message: str = "", **headers: str) -> Reply:
    names = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, {"errorCode": code, "errorMessage": message}, names)


# What may be told to happen instead of an answer. "lost" and "late" do what was asked and say
# nothing, or nothing in time; "deaf" does nothing and says nothing.
REPLIES = {
    "401": error(401, "INVALID_TOKEN"),
    "403": error(403, "FORBIDDEN_ACCESS"),
    "413": error(413, "FILE_SIZE_EXCEEDED", "Provided file is too big"),
    "422": error(422, "UNPROCESSABLE_ENTITY", "the buyer is not in the directory"),
    "429": error(429, "TOO_MANY_REQUESTS", Retry_After="2"),
    "429 for ever": error(429, "TOO_MANY_REQUESTS", Retry_After="86400"),
    "500": error(500, "INTERNAL_ERROR"),
    "503": error(503, "RESOURCE_ERROR"),
    "503 later": error(503, "RESOURCE_ERROR", Retry_After="3"),
    "404 page": Reply(404, b"<html><body>Not Found</body></html>"),
    "html": Reply(200, b"<html><body>Maintenance</body></html>"),
    "list": Reply(200, b"[1, 2"),
    "nothing": Reply(202, b"{}"),
    "redirect": Reply(307, b"", (("Location", "http://evil.example/v1/flows"),)),
}


# Where what is said byte by byte begins: within a header, within the body.
DRIPS = {
    "slow header": b"HTTP/1.1 200 OK\r\nX-Slow: ",
    "slow body": b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n",
}
_LINE = "/directory-service/v1/directory-line/code:"


class Platform:
    """What a platform knows, and how it answers.

    `next` says for an operation (token, deposit, search, metadata, original, directory) what
    happens to the next calls of it: a Reply, a key of REPLIES or of DRIPS, "lost", "late", "deaf",
    "huge", "entities", "echo", "" for an answer in order. `at` says the same for a call by its
    place among all calls, from 1 on.
    `cap` is how many flows a page has at most, `order` "up", "down" or "none", `cursors` whether
    there are cursors ("stuck": the same again and again), `acknowledges` what is said of a deposit
    once it was looked at, `duplicates` what becomes of one: "refuse", "error", "take".
    """

    def __init__(self) -> None:
        self.url = ""
        self.flows: list[Json] = []
        self.files: dict[str, bytes] = {}
        self.next: dict[str, list[str | Reply]] = {}
        self.at: dict[int, str] = {}
        self.calls: list[str] = []
        self.wrong: list[str] = []  # requests that the norm does not allow
        self.connections = 0
        self.cap = 100
        self.order = "up"
        self.packs = False  # answers are gzip, though nobody asked for it
        self.cursors: bool | str = True
        self.bounded = True  # it knows updatedBefore
        self.acknowledges = "Ok"
        self.duplicates = "refuse"
        self.checks_files = True
        self.organization = ""
        self.directory: dict[str, str] = {}  # addresses under 0225: Enabled or Disabled
        self.client = ("atelier", "s3cret+/")
        self.form = False
        self.tokens: set[str] = {"fixed-token"}
        self.step = timedelta(seconds=1)
        self.now = _BEGINNING
        self.when_taken: Callable[[str], None] = lambda tracking_id: None
        self.may_end = threading.Event()
        self._lock = threading.Lock()

    # --- what tests tell and ask ---------------------------------------------------------

    def happens(self, operation: str, *what: str | Reply) -> None:
        """What happens to the next calls of an operation."""
        self.next.setdefault(operation, []).extend(what)

    @property
    def deposited(self) -> list[str]:
        """The tracking ids of what was taken, in order; twice what was taken twice."""
        return [flow["trackingId"] for flow in self.flows if flow["flowDirection"] == "Out"]

    def calls_of(self, operation: str) -> int:
        return self.calls.count(operation)

    def begin_with(self, flows: list[Json], files: dict[str, bytes]) -> None:
        """What it knows from here on, and nothing else; its clock stands where they end."""
        self.flows, self.files, self.calls, self.at = [*flows], dict(files), [], {}
        self.now = _BEGINNING + len(flows) * self.step

    def put(self, data: bytes, syntax: str = "CDAR", **changes: Any) -> Json:
        """A flow that comes from the platform: a status, or an invoice of somebody else."""
        with self._lock:
            flow = self._flow("In", syntax, f"{uuid.uuid4()}.xml", data)
            flow["acknowledgement"] = {"status": "Ok"}
            flow |= changes
            return flow

    def answer(self, tracking_id: str, status: str, *details: Json) -> None:
        """Acknowledges a deposit: Ok, or Error with its details."""
        with self._lock:
            for flow in self.flows:
                if flow.get("trackingId") == tracking_id and flow["flowDirection"] == "Out":
                    flow["acknowledgement"] = {"status": status}
                    if details:
                        flow["acknowledgement"]["details"] = list(details)
                    flow["updatedAt"] = self._moment()

    def _moment(self) -> str:
        self.now += self.step
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _flow(self, direction: str, syntax: str, name: str, data: bytes) -> Json:
        moment = self._moment()
        flow: Json = {
            "flowId": f"flow-{len(self.flows) + 1}",
            "name": name,
            "flowSyntax": syntax,
            "flowProfile": "CIUS",
            "processingRule": "B2B",
            "processingRuleSource": "Input",
            "flowType": TYPES.get(syntax, "Undefined"),
            "flowDirection": direction,
            "submittedAt": moment,
            "updatedAt": moment,
            "acknowledgement": {"status": "Pending"},
        }
        self.flows.append(flow)
        self.files[flow["flowId"]] = data
        return flow

    # --- operations ----------------------------------------------------------------------

    def token(self, fields: dict[str, list[str]], basic: str) -> Reply:
        if fields.get("grant_type") != ["client_credentials"]:
            return error(400, "unsupported_grant_type")
        client = tuple(b64decode(basic).decode().split(":", 1)) if basic else ()
        if self.form:
            client = tuple(fields.get(name, [""])[0] for name in ("client_id", "client_secret"))
        if client != self.client:
            return Reply(401, {"error": "invalid_client", "error_description": str(client)})
        token = f"token-{uuid.uuid4()}"
        self.tokens = {"fixed-token", token}
        return Reply(200, {"access_token": token, "token_type": "Bearer", "expires_in": 300})

    def deposit(self, info: Json, data: bytes) -> Reply:
        if wrong := self._wrong_deposit(info, data):
            return error(400, "INVALID_REQUEST", wrong)
        tracking_id = info.get("trackingId", "")
        with self._lock:
            same = [
                flow
                for flow in self.flows
                if tracking_id == flow.get("trackingId", "") != ""
                and flow["flowDirection"] == "Out"
            ]
            if same and self.duplicates == "refuse":
                return error(422, "AlreadyExistingFlow", "the flow has already been sent")
            flow = self._flow("Out", info["flowSyntax"], info["name"], data)
            flow |= {key: value for key, value in info.items() if key != "sha256"}
            flow.setdefault("trackingId", "")
            if same and self.duplicates == "error":
                detail = {
                    "level": "Error",
                    "item": "flow",
                    "reasonCode": "AlreadyExistingFlow",
                    "reasonMessage": "DOUBLON",
                }
                flow["acknowledgement"] = {"status": "Error", "details": [detail]}
            elif self.acknowledges == "Ok":
                flow["acknowledgement"] = {"status": "Ok"}
        self.when_taken(tracking_id)
        keys = ("flowId", "submittedAt", "name", "flowSyntax", "processingRule", "trackingId")
        return Reply(
            202,
            {key: flow[key] for key in keys if flow.get(key)}
            | {"sha256": sha256(data).hexdigest()},
        )

    def _wrong_deposit(self, info: Json, data: bytes) -> str:
        """What the norm has against a deposit."""
        name, tracking_id = info.get("name"), info.get("trackingId", "x")
        rules = {
            "name": isinstance(name, str) and 0 < len(name) <= 255,
            "flowSyntax": info.get("flowSyntax") in SYNTAXES,
            "trackingId": isinstance(tracking_id, str) and len(tracking_id) <= 64,
            "processingRule": info.get("processingRule", "B2B") in RULES,
            "sha256": info.get("sha256", sha256(data).hexdigest()) == sha256(data).hexdigest(),
            "file": 0 < len(data) <= LARGEST,
        }
        wrong = [key for key, is_right in rules.items() if not is_right]
        if not wrong and self.checks_files and info["flowSyntax"] == "Factur-X":
            wrong += wrong_invoice(data, tracking_id)
        if wrong:
            self.wrong.append(f"deposit: {', '.join(wrong)}")
        return ", ".join(wrong)

    def search(self, asked: Json) -> Reply:
        where, limit = asked.get("where"), asked.get("limit", 25)
        if not isinstance(where, dict) or not where or not 0 < limit <= 100:
            self.wrong.append(f"search: {asked}")
            return error(400, "MISSING_REQUIRED_FIELD")
        with self._lock:
            found = [flow for flow in self.flows if self._meets(flow, where)]
        found.sort(key=lambda flow: str(flow["updatedAt"]), reverse=self.order == "down")
        if self.order == "none":
            found.sort(key=lambda flow: sha256(flow["flowId"].encode()).digest())
        start = int(asked.get("cursor", 0) or 0) if self.cursors is True else 0
        size = min(limit, self.cap)
        answer: Json = {"limit": limit, "filters": where, "results": found[start : start + size]}
        if self.cursors == "stuck":
            answer["nextCursor"] = "again"
        elif self.cursors and start + size < len(found):
            answer["nextCursor"] = str(start + size)
        return Reply(200, answer)

    def _meets(self, flow: Json, where: Json) -> bool:
        """Whether a flow meets all criteria; texts of moments compare as moments."""
        for name, bound in where.items():
            if name == "updatedAfter":
                right = datetime.fromisoformat(flow["updatedAt"]) > datetime.fromisoformat(bound)
            elif name == "updatedBefore":
                before = datetime.fromisoformat(flow["updatedAt"]) < datetime.fromisoformat(bound)
                right = before or not self.bounded
            elif name == "ackStatus":
                right = flow["acknowledgement"]["status"] == bound
            else:
                value = flow.get(name)
                right = value in bound if isinstance(bound, list) else value == bound
            if not right:
                return False
        return True

    def line(self, address: str) -> Reply:
        """A line of the directory (Directory Service 1.3.0)."""
        if address not in self.directory:
            return error(404, "MISSING_RESOURCE", "Requested resource is Not Found")
        status = self.directory[address]
        return Reply(200, {"addressingIdentifier": address, "directoryLineStatus": status})

    def get(self, flow_id: str, document: str) -> Reply:
        flow = next((flow for flow in self.flows if flow["flowId"] == flow_id), None)
        if flow is None:
            return error(404, "MISSING_RESOURCE")
        if document == "Metadata":
            return Reply(200, flow)
        return Reply(200, self.files[flow_id])


def wrong_invoice(pdf: bytes, number: str) -> list[str]:
    """What is wrong with the XML of an invoice: it has to pass EN 16931, and have its number."""
    from facturx import get_xml_from_pdf, xml_check_xsd

    try:
        _, xml = get_xml_from_pdf(pdf, check_xsd=False)
        xml_check_xsd(xml, flavor="factur-x", level="en16931")
    except Exception as fault:
        return [f"file ({fault})"]
    in_xml = re.search(rb"<rsm:ExchangedDocument>.*?<ram:ID>([^<]+)<", xml, re.DOTALL)
    if not in_xml or not number.startswith(in_xml[1].decode()):
        return ["trackingId"]
    return []


def parts_of(body: bytes, content_type: str) -> dict[str, tuple[bytes, bytes]]:
    """The parts of a multipart/form-data by name: their headers and their content."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    parts = {}
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        if name:
            parts[name[1].decode()] = (head, content.removesuffix(b"\r\n"))
    return parts


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    platform: Platform

    def setup(self) -> None:
        self.platform.connections += 1
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        platform = self.platform
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = url.path.removeprefix("/flow-service").removeprefix("/afnor-flow")
        operation = "deposit" if path == "/v1/flows" else "search"
        document = parse_qs(url.query).get("docType", ["Metadata"])[0]
        if self.command == "GET":
            operation = document.lower()
        if path.startswith(_LINE):
            operation = "directory"
        if path in ("/token", "/oauth2/token"):
            operation = "token"
        platform.calls.append(operation)
        waiting = platform.next.get(operation)
        told = waiting.pop(0) if waiting else platform.at.get(len(platform.calls), "")
        if isinstance(told, Reply):
            self._say(told)
            return
        if told in REPLIES:
            self._say(REPLIES[told])
            return
        if told == "huge":
            self._endless()
            return
        if told == "deaf":
            self._hang_up()
            return
        if told in DRIPS:
            self._drip(DRIPS[told])
            return
        reply = self._reply(operation, path, document, body)
        if told == "entities":
            reply = Reply(200, ENTITIES)
        if told == "echo":
            reply = error(400, "BAD", f"you sent {self.headers['Authorization']}")
        if told == "lost":
            self._hang_up()
            return
        if told == "late":
            platform.may_end.wait(30)
            self._hang_up()
            return
        self._say(reply)

    def _reply(self, operation: str, path: str, document: str, body: bytes) -> Reply:
        platform = self.platform
        if operation == "token":
            basic = self.headers.get("Authorization", "").removeprefix("Basic ")
            return platform.token(parse_qs(body.decode()), basic)
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in platform.tokens:
            return error(401, "MISSING_TOKEN")
        if platform.organization != self.headers.get("Organization-Id", ""):
            return error(403, "FORBIDDEN_ACCESS", "unknown organization")
        if not re.fullmatch(
            "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
            self.headers.get("Request-Id", str(uuid.uuid4())),
        ):
            platform.wrong.append("Request-Id is not a UUID")
            return error(400, "INVALID_REQUEST", "Request-Id")
        if self.command == "GET" and path.startswith(_LINE):
            return platform.line(unquote(path.removeprefix(_LINE)))
        if self.command == "GET" and (match := re.fullmatch("/v1/flows/([^/]+)", path)):
            return platform.get(unquote(match[1]), document)
        if path == "/v1/flows/search":
            return platform.search(json.loads(body))
        if path == "/v1/flows":
            parts = parts_of(body, self.headers["Content-Type"])
            if set(parts) != {"flowInfo", "file"}:
                platform.wrong.append(f"parts {sorted(parts)}")
                return error(400, "MISSING_REQUIRED_FIELD")
            return platform.deposit(json.loads(parts["flowInfo"][1]), parts["file"][1])
        return error(404, "MISSING_RESOURCE")

    def _say(self, reply: Reply) -> None:
        is_raw = isinstance(reply.content, bytes)
        data = reply.content if is_raw else json.dumps(reply.content).encode()
        data = gzip.compress(data) if self.platform.packs else data
        self.send_response(reply.status)
        self.send_header(
            "Content-Type", "application/octet-stream" if is_raw else "application/json"
        )
        self.send_header("Content-Length", str(len(data)))
        if self.platform.packs:
            self.send_header("Content-Encoding", "gzip")
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _endless(self) -> None:
        """A body of a gigabyte, as far as anybody reads it."""
        self.send_response(200)
        self.send_header("Content-Length", str(10**9))
        self.end_headers()
        with suppress(OSError):
            for _ in range(1000):
                self.wfile.write(bytes(10**6))
        self.close_connection = True

    def _drip(self, start: bytes) -> None:
        """A byte now and then, as far as anybody reads them."""
        with suppress(OSError):
            self.wfile.write(start)
            while not self.platform.may_end.wait(0.02):
                self.wfile.write(b"a")
        self.close_connection = True

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # whoever hangs up on us


@contextmanager
def running(
    platform: Platform, port: int = 0, tls: tuple[Path, Path] | None = None
) -> Iterator[Platform]:
    """A platform that answers; `tls` are the files of its certificate and key."""
    handler = type("Handler", (_Handler,), {"platform": platform})
    server = _Server(("127.0.0.1", port), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if tls else "http"
    platform.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield platform
    finally:
        platform.may_end.set()
        server.shutdown()
        server.server_close()


def main() -> None:
    """A platform for people, until it is interrupted."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=8765)
    with running(Platform(), options.parse_args().port) as platform:
        print(f"a platform answers at {platform.url}/flow-service", flush=True)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
