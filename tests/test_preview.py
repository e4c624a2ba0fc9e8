"""Drafts of a month, of all clients or of one."""

import house
from lib.core.root import Root


def preview(root: Root, **options: str) -> house.Ran:
    days = {"month": house.MONTH, "issue_date": house.TODAY}
    return house.call("preview_invoices", root, **days, **options)


def drafts(root: Root) -> list[str]:
    return sorted(path.stem for path in root.preview.iterdir())


def test_a_fault_of_another_client_hinders_no_preview_of_one(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", i=2))
    assert preview(root).code == 0
    assert drafts(root) == ["nord", "sud"]
    before = (root.preview / "sud.pdf").read_bytes()

    house.put_client(root, house.client("sud", {"code": "no code"}, i=2))
    house.write(root, "clients/notes.txt", b"")
    house.put_usage(root, house.usage("ouest", house.MONTH, {"hours": "1"}))
    house.put_client(
        root, house.client(changes={"plans.0.items": [house.item("hosting", "50.00")]})
    )
    assert preview(root).code == 1
    ran = preview(root, client="nord")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("1 draft\n")
    assert (root.preview / "sud.pdf").read_bytes() == before


def test_its_own_fault_that_of_the_issuer_and_an_unknown_client_are_reported(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", {"code": "no code"}, i=2))
    assert "clients/sud.json: code: " in preview(root, client="sud").err
    assert 'CLIENT: "ouest" is not a client; write one of nord' in preview(root, client="ouest").err
    house.write(root, "issuer.json", house.issuer({"code": "no code"}))
    assert "issuer.json: code: " in preview(root, client="nord").err
    assert not root.preview.exists()


def test_make_hands_the_client_on(tmp_path):
    root = house.build(tmp_path, house.client(), house.client("sud", i=2))
    ran = house.make(root, "preview", f"MONTH={house.MONTH}", f"TODAY={house.TODAY}", "CLIENT=sud")
    assert ran.code == 0, ran
    assert drafts(root) == ["sud"]
