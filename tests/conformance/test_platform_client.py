"""Another client of the norm (pyfrctc) talks to our stub as it would to a platform, and the rules
that it ships see what is wrong."""

import pytest
import requests
from pyfrctc import pyfrctc

from cdar_messages import message, status
from conformance import ereports, years
from lib.platform import cdar
from platform_stub import Platform, running
from test_cdar import CASH_IN, RICH

pytestmark = pytest.mark.conformance


def test_it_deposits_searches_and_fetches(monkeypatch):
    platform = Platform()
    platform.checks_files = False
    with running(platform), requests.Session() as session:
        urls = {"afnor_base_url": platform.url, "token_url": f"{platform.url}/token"}
        monkeypatch.setitem(pyfrctc.PLATFORMS, "stub", urls)
        session.auto_refresh_url = urls["token_url"]  # type: ignore[attr-defined]
        session.headers["Authorization"] = "Bearer fixed-token"
        sent = pyfrctc.send_flow(session, b"%PDF", "A-1.pdf", "Factur-X", "B2B")
        said = message(status("A-1", "200"))
        for _ in range(130):
            platform.put(said)
        found = pyfrctc.search_flows(session, "2027-01-01T00:00:00Z", "In", "CustomerInvoiceLC")
        assert len(found) == 130
        assert pyfrctc.get_flow(session, found[0]["flowId"], "Original") == said
        flow = pyfrctc.get_flow(session, sent["flowId"], "Metadata")
        assert (flow["name"], flow["acknowledgement"]["status"]) == ("A-1.pdf", "Ok")
    assert platform.wrong == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"MEN", b"MEN", ""),
        (b"ram:ValuePercent", b"ram:ValueQuantity", "BR-FR-CDV-14"),
        (b"ram:StatusCode", b"ram:Color", "Color"),
        (b"MEN", b"MPA", "MEN"),
    ],
)
def test_the_rules_of_payments_see_what_is_wrong(old, new, expected):
    xml = cdar.encashed(CASH_IN, RICH)
    assert old in xml
    errors = [*ereports.broken(xml.replace(old, new), *years.CASH_INS)]
    assert expected in str(errors) and bool(errors) == bool(expected)
