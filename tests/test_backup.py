"""Backup and restore, through the commands, and backups that are not what they were."""

import io
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import books
import house
from lib.audit import backups
from lib.books import issuing, records, revenues
from lib.core import storage
from lib.core.root import Root

TODAY = "TODAY=2026-12-20"


@pytest.fixture(scope="module")
def root(tmp_path_factory: Any) -> Root:
    """A house with a logo, an invoice, a payment, an upload, a waiting mail and derived files."""
    made = house.build(tmp_path_factory.mktemp("backup") / "root")
    assert house.month(made).code == 0
    assert books.pay(made, "NORD-2026-0001", "76.80").code == 0
    assert house.call("reconcile", made).code == 0
    house.write(made, ".env", b"LOCK_WAIT=1\n").chmod(0o600)
    house.write(made, "logo.png", b"picture")
    house.write(made, "data/inbox_batch/\u00e9t\u00e9__2026-11.csv.part", b"")
    assert house.call("send_invoices", made, today=house.TODAY).code == 0
    (made.data / "outbox/.lock").unlink()  # locks are not kept
    house.write(made, "exports/recettes/x.csv", b"derived")
    house.write(made, "downloads/x.zip", b"derived")
    house.write(made, "data/flags/2026-10/direct.done", b"")
    return made


def back_up(root: Root, to: Path) -> Path:
    ran = house.make(root, "backup", f"TO={to}", TODAY)
    assert ran.code == 0, ran
    (made,) = to.iterdir()
    return made


@pytest.fixture(scope="module")
def backup(root: Root, tmp_path_factory: Any) -> Path:
    return back_up(root, tmp_path_factory.mktemp("disk"))


def names(backup: Path) -> list[str]:
    with tarfile.open(backup) as tar:
        return tar.getnames()


def test_a_backup_holds_all_but_what_is_derived(root, backup):
    found = names(backup)
    kept = [name for name in house.tree(root) if "balance" not in name]
    kept = [name for name in kept if not name.startswith(("exports", "downloads"))]
    assert len(kept) > 10
    assert set(kept) <= set(found)
    assert "data/logs/nord.log" in found
    derived = ("exports", "downloads", "data/balance", "data/flags", "data/.lock")
    assert not [name for name in found if name.startswith(derived)]
    assert backup.stat().st_mode & 0o777 == 0o600


def test_the_same_data_give_the_same_bytes(root, backup, tmp_path):
    copied = Root(tmp_path / "elsewhere" / "root")
    shutil.copytree(root.path, copied.path, copy_function=shutil.copy)
    again = back_up(copied, tmp_path / "disk")
    assert again.name == backup.name
    assert again.read_bytes() == backup.read_bytes()
    ran = house.make(copied, "backup", f"TO={tmp_path}/disk", TODAY)
    assert "has all of it already" in ran.out
    house.write(copied, "data/logs/nord.log", b"more\n")
    house.make(copied, "backup", f"TO={tmp_path}/disk", TODAY)
    assert len(list((tmp_path / "disk").iterdir())) == 2


def test_a_backup_can_be_checked_without_this_program(backup, tmp_path):
    command = f"tar -xf {backup} -C {tmp_path} && cd {tmp_path} && sha256sum --quiet -c SHA256SUMS"
    assert os.system(command) == 0


def test_a_restored_house_is_the_same_house_and_goes_on(root, backup, tmp_path):
    new = Root(tmp_path / "new" / "root")
    ran = house.make(new, "restore", f"FROM={backup}")
    assert ran.code == 0, ran
    assert "rendered again byte for byte" in ran.out  # make verify
    assert house.tree(new, "exports/", "downloads/") == house.tree(root, "exports/", "downloads/")
    assert (new.data / "balance" / "nord.json").read_bytes() == (
        root.data / "balance" / "nord.json"
    ).read_bytes()
    assert "already invoiced: NORD-2026-0001" in house.month(new).out
    assert house.month(new, "2026-11", "2026-12-08").code == 0
    assert house.numbers(new, "nord") == ["NORD-2026-0001", "NORD-2026-0002"]


def test_a_run_that_was_stopped_is_finished_where_it_is_restored(tmp_path, monkeypatch):
    root = house.build(tmp_path / "root")
    fact = {"kind": "payment", "client": "nord"}
    with (
        monkeypatch.context() as patch,
        issuing.begin(root, "test", 0) as run,
        pytest.raises(KeyboardInterrupt),
    ):
        run.append(records.read(root, root.data / "payments" / "nord.jsonl"), [fact])
        patch.setattr(issuing, "_carry_out", _interrupted)
        run.commit()
    new = Root(tmp_path / "new")
    new.path.mkdir()
    backup = back_up(root, tmp_path / "disk")
    assert house.call("restore", new, **{"from": str(backup)}).code == 0
    assert house.records(new, "nord", "payments") == []
    with issuing.begin(new, "next", 0):
        pass
    assert [line["seq"] for line in house.records(new, "nord", "payments")] == [1]


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_folder_that_is_not_empty_is_left_as_it_is(backup, tmp_path):
    (tmp_path / "mine").write_text("here")
    ran = house.make(Root(tmp_path), "restore", f"FROM={backup}")
    assert ran.code == 2
    assert "[B-RESTORE-PLACE]" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def rewritten(backup: Path, target: Path, change: Any) -> Path:
    """A copy of a backup whose members went through `change` (None leaves one out)."""
    with tarfile.open(backup) as old, tarfile.open(target, "w") as new:
        for member in old.getmembers():
            stream = old.extractfile(member) if member.isfile() else None
            data = stream.read() if stream else b""
            for name, content in change(member.name, data):
                member.name, member.size = name, len(content)
                new.addfile(member, io.BytesIO(content))
    return target


INVOICE = "data/revenues/nord.jsonl"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda n, d: [(n, d[:-2] + b"x\n" if n == INVOICE else d)], "is not what SHA256SUMS"),
        (lambda n, d: [] if n == INVOICE else [(n, d)], f"{INVOICE}: is missing"),
        (lambda n, d: [] if n == "SHA256SUMS" else [(n, d)], "the backup was cut short"),
        (lambda n, d: [(n, d), (n, d)] if n == INVOICE else [(n, d)], "is not what SHA256SUMS"),
        (
            lambda n, d: [(n, d), ("clients/x.json", d)] if n == INVOICE else [(n, d)],
            "clients/x.json",
        ),
        (lambda n, d: [(n.replace(INVOICE, "data/../../x"), d)], "has no place in a root"),
        (lambda n, d: [(n.replace(INVOICE, "/tmp/x"), d)], "has no place in a root"),
        (lambda n, d: [(n.replace(INVOICE, "scripts/x.py"), d)], "has no place in a root"),
        (lambda n, d: [(n.replace(INVOICE, "data/flags/x"), d)], "has no place in a root"),
    ],
)
def test_a_backup_that_was_changed_restores_nothing(backup, tmp_path, change, said):
    bad = rewritten(backup, tmp_path / "bad.tar", change)
    new = Root(tmp_path / "root")
    new.path.mkdir()
    ran = house.call("restore", new, **{"from": str(bad)})
    assert ran.code == 1, ran
    assert said in ran.err
    assert "[B-BACKUP-BROKEN]" in ran.err
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["bad.tar", "root"]


@pytest.mark.parametrize("length", [0, 100, 513, 1100, -1024 * 12])
def test_a_backup_that_was_cut_restores_nothing(backup, tmp_path, length):
    (tmp_path / "cut.tar").write_bytes(backup.read_bytes()[:length])
    new = Root(tmp_path / "root")
    new.path.mkdir()
    ran = house.call("restore", new, **{"from": str(tmp_path / "cut.tar")})
    assert ran.code == 1, ran
    assert "[B-BACKUP-BROKEN]" in ran.err
    assert list(new.path.iterdir()) == []


def test_a_link_in_a_backup_restores_nothing(backup, tmp_path):
    with tarfile.open(backup) as old, tarfile.open(tmp_path / "bad.tar", "w") as new:
        for member in old.getmembers():
            if member.name == "clients":
                member.type, member.linkname = tarfile.SYMTYPE, "/etc"
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    (tmp_path / "root").mkdir()
    ran = house.call("restore", Root(tmp_path / "root"), **{"from": str(tmp_path / "bad.tar")})
    assert (ran.code, list((tmp_path / "root").iterdir())) == (1, [])


INPUTS_UNFIT: dict[str, tuple[str, Callable[[Path], None]]] = {
    "clients/pipe": ("is neither a file nor a folder", os.mkfifo),
    "clients/out.json": ("is a link", lambda path: path.symlink_to("/etc/hostname")),
    "clients/loop.json": ("is a link", lambda path: path.symlink_to("loop.json")),
    "data/usage/nord/gone.json": ("is a link", lambda path: path.symlink_to("nowhere")),
    "data/inbox_batch/a.csv": ("is a link", lambda path: path.symlink_to("../../.env")),
    "data/inbox_batch/b": ("is neither a file nor a folder", os.mkfifo),
}


def test_what_is_not_ours_to_read_is_named_and_the_rest_is_backed_up(root, tmp_path, monkeypatch):
    copied = Root(tmp_path / "root")
    shutil.copytree(root.path, copied.path)
    whole = house.tree(copied, "exports/", "downloads/", "data/balance/")
    for name, (_, make) in INPUTS_UNFIT.items():
        (copied.path / name).parent.mkdir(parents=True, exist_ok=True)
        make(copied.path / name)
    for name in ("clients/hidden.json", "data/inbox_batch/fil__2026-10.csv"):
        house.write(copied, name, b"of another user")
    is_readable = storage.is_readable
    readable = lambda path: path.stat().st_size != 15 and is_readable(path)  # noqa: E731
    monkeypatch.setattr(storage, "is_readable", readable)
    ran = house.call("back_up", copied, to=str(tmp_path / "disk"), today="2026-12-20")
    assert ran.code == 1
    said = {name: why for name, (why, _) in INPUTS_UNFIT.items()}
    said["clients/hidden.json"] = said["data/inbox_batch/fil__2026-10.csv"] = "cannot be read by"
    assert len(ran.err.splitlines()) == len(said)
    for name, why in said.items():
        assert f"{name}: {why}" in ran.err
    (made,) = (tmp_path / "disk").iterdir()
    assert f"{made}: " in ran.out
    assert restored(made, tmp_path / "new") == whole


def restored(backup: Path, folder: Path) -> dict[str, tuple[int, bytes]]:
    """What a backup gives when it is laid out."""
    folder.mkdir()
    ran = house.call("restore", Root(folder), **{"from": str(backup)})
    assert ran.code == 0, ran
    return house.tree(Root(folder))


@pytest.mark.parametrize("name", ["data/revenues/sud.jsonl", "data/invoices/nord/x.pdf"])
def test_nothing_is_backed_up_where_a_record_or_a_proof_cannot_be(root, tmp_path, name):
    copied = Root(tmp_path / "root")
    shutil.copytree(root.path, copied.path)
    os.mkfifo(copied.path / name)
    ran = house.call("back_up", copied, to=str(tmp_path / "disk"), today="2026-12-20")
    assert (ran.code, f"{name}: is neither" in ran.err) == (1, True)
    assert "nothing is backed up without it" in ran.err
    assert list((tmp_path / "disk").iterdir()) == []


ODD_NAMES = tuple(
    os.fsdecode(name)
    for name in (
        b"a\nb.csv",
        b"two\r\n  lines.csv",
        b"end\n",
        b"\r",
        b"back\\slash\\n.csv",
        b"caf\xe9__2026-10.csv",
        b"\xff\xfe",
        "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\x1dh\x1ei.csv".encode(),
        b"  two  spaces  ",
        b"\xc3\xa9t\xc3\xa9" * 30,
        b"x" * 255,
        b"\x01\x7f\x1b[31m",
    )
)


def test_whatever_name_an_uploader_chooses_the_backup_restores(tmp_path):
    root = house.build(tmp_path / "root")
    for i, name in enumerate(ODD_NAMES):
        house.write(root, f"data/inbox_batch/{name}", f"{i}".encode())
        house.write(root, f"data/usage/{name}/{name}", b"below an odd folder")
    made = back_up(root, tmp_path / "disk")
    assert restored(made, tmp_path / "new") == house.tree(root)
    (tmp_path / "tar").mkdir()
    command = f"tar -xf {made} 2>&1 && sha256sum --quiet -c SHA256SUMS"
    assert os.system(f"cd {tmp_path}/tar && {command}") == 0


@settings(max_examples=200)
@given(st.sets(st.binary(min_size=1)))
def test_a_list_of_hashes_says_what_was_written(names):
    listed = {os.fsdecode(name): "00" for name in names}
    data = b"".join(backups.sum_line(digest, name) for name, digest in listed.items())
    assert dict(backups.sums(io.BytesIO(data))) == listed


def test_a_backup_that_the_disk_spoils_is_not_said_to_be_done(tmp_path, monkeypatch):
    root = house.build(tmp_path / "root")
    flush = storage.flush

    def spoil(stream: BinaryIO) -> None:
        flush(stream)
        os.pwrite(stream.fileno(), b"?", 1100)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "flush", spoil)
        ran = house.call("back_up", root, to=str(tmp_path / "disk"), today="2026-12-20")
        assert (ran.code, "[B-BACKUP-BROKEN]" in ran.err) == (1, True), ran
        assert (ran.out, list((tmp_path / "disk").iterdir())) == ("", [])
    made = back_up(root, tmp_path / "disk")
    data = bytearray(made.read_bytes())
    data[1100] ^= 1
    made.write_bytes(data)
    ran = house.call("back_up", root, to=str(tmp_path / "disk"), today="2026-12-20")
    assert (ran.code, "has all of it" in ran.out) == (1, False)


@pytest.mark.parametrize("change", ["gone", "shorter", "a pipe"])
def test_an_upload_that_changes_meanwhile_stops_no_backup(tmp_path, monkeypatch, change):
    root = house.build(tmp_path / "root")
    path = house.write(root, "data/inbox_batch/fil__2026-10.csv", b"x" * 3_000_000)
    contents = backups.contents

    def changed(root: Root) -> backups.Contents:
        found = contents(root)
        path.unlink()
        if change == "shorter":
            path.write_bytes(b"y")
        elif change == "a pipe":
            os.mkfifo(path)
        return found

    monkeypatch.setattr(backups, "contents", changed)
    ran = house.call("back_up", root, to=str(tmp_path / "disk"), today="2026-12-20")
    assert (ran.code, "was changed meanwhile" in ran.err) == (
        (1, True) if change == "a pipe" else (0, False)
    )
    (made,) = (tmp_path / "disk").iterdir()
    kept = restored(made, tmp_path / "new").get(root.name_of(path))
    assert (kept and kept[1]) == (b"y" if change == "shorter" else None)


def test_a_link_within_the_root_is_backed_up_as_the_file_it_leads_to(tmp_path):
    root = house.build(tmp_path / "root")
    root.data.mkdir()
    (root.path / "clients" / "nord.json").rename(root.data / "nord.json")
    (root.path / "clients" / "nord.json").symlink_to("../data/nord.json")
    ran = house.call("back_up", root, to=str(tmp_path / "disk"), today="2026-12-20")
    assert ran.code == 0, ran
    (backup,) = (tmp_path / "disk").iterdir()
    with tarfile.open(backup) as tar:
        assert tar.getmember("clients/nord.json").isfile()


def test_a_backup_does_not_go_where_it_would_be_backed_up(tmp_path):
    root = house.build(tmp_path / "root")
    ran = house.call("back_up", root, to=str(root.data / "backups"), today="2026-12-20")
    assert ran.code == 1
    assert "[B-BACKUP-PLACE]" in ran.err
    assert not (root.data / "backups").exists()


def test_the_house_itself_as_root_backs_no_program_up(tmp_path):
    root = house.build(tmp_path / "root")
    house.write(root, "scripts/x.py", b"")
    house.write(root, ".venv/x", b"")
    house.write(root, ".git/x", b"")
    assert "clients/nord.json" in names(back_up(root, root.path / "backups"))
    (backup,) = (root.path / "backups").iterdir()
    assert {name.split("/")[0] for name in names(backup)} == {
        "SHA256SUMS",
        "clients",
        "data",
        "issuer.json",
    }


def test_revenues_are_read_from_what_was_restored(backup, tmp_path):
    new = Root(tmp_path)
    assert house.call("restore", new, **{"from": str(backup)}).code == 0
    assert list(revenues.read(new, revenues.DIRECT)) == ["nord"]
    mode = (new.data / "invoices/nord/2026/NORD-2026-0001.pdf").stat().st_mode & 0o777
    assert mode == 0o444
    assert new.env.stat().st_mode & 0o777 == 0o600


def test_a_house_made_and_restored_under_any_umask_has_no_open_folder(tmp_path):
    root = Root(tmp_path / "root")
    before = os.umask(0)
    try:
        assert house.make(root, "init").code == 0
        house.build(root.path)
        (root.clients / "first_client.json").unlink()
        assert house.make(root, "month", f"TODAY={house.TODAY}", "MAIL=no").code == 0
        new = Root(tmp_path / "new")
        assert house.make(new, "restore", f"FROM={back_up(root, tmp_path / 'disk')}").code == 0
    finally:
        os.umask(before)
    for made in (root, new):
        folders = [path for path in (made.path, *made.path.rglob("*")) if path.is_dir()]
        assert len(folders) > 12
        assert not [path for path in folders if path.stat().st_mode & 0o022]


def test_a_restored_root_is_spoken_of_in_its_own_language(tmp_path):
    root = house.build(tmp_path / "root", seller=house.issuer({"language": "fr"}))
    assert house.make(root, "backup", f"TO={tmp_path}/disk", TODAY).code == 0
    (file,) = (tmp_path / "disk").iterdir()
    ran = house.run(
        "restore", Root(tmp_path / "again"), {"LC_ALL": "C.UTF-8"}, **{"from": str(file)}
    )
    assert (ran.code, "fichiers restaur\u00e9s" in ran.out) == (0, True), ran
