"""A cluster that fails, in each way that one can: the same bytes, or nothing and one line.

Longer than the default suite: `make faults` names this file to pytest.
"""

import shutil
from pathlib import Path

import pytest
import trustme

import batches
import clusters
import house
from lib.documents import cluster, production

pytestmark = pytest.mark.usefixtures("worth_it")


@pytest.fixture
def worth_it(monkeypatch):
    monkeypatch.setattr(production, "_WORTH_WORKERS", 5)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[str, tuple[int, bytes]]:
    return clusters.alone(tmp_path_factory.mktemp("alone"))


def certificates(folder: Path) -> dict[str, str]:
    """The settings of an authority and a certificate from it."""
    folder.mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert("studio.internal")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return {f"WORKERS_{one.upper()}_FILE": f"{folder}/{one}.pem" for one in ("ca", "cert", "key")}


@pytest.mark.parametrize("which", [0, 1])
def test_with_tls_either_worker_may_die_and_strangers_are_not_let_in(
    tmp_path, monkeypatch, alone, which
):
    files = certificates(tmp_path / "ours")
    names = ("--tls-ca-file", "--tls-cert", "--tls-key")
    options = [text for pair in zip(names, files.values(), strict=True) for text in pair]
    root = batches.build(tmp_path / "root", clusters.FILE)
    with clusters.running(tmp_path / "cluster", "--protocol", "tls", *options) as up:
        assert up.address.startswith("tls://")
        monkeypatch.setattr(cluster, "_CONNECT", 5)
        plain = up.address.replace("tls://", "tcp://")
        for address, used in ((up.address, certificates(tmp_path / "theirs")), (plain, files)):
            for name, value in {"WORKERS": address, **used}.items():
                monkeypatch.setenv(name, value)
            assert clusters.refused(root).startswith(f"{address}: the cluster cannot be reached or")
        monkeypatch.setattr(cluster, "_CONNECT", 60)
        monkeypatch.setenv("WORKERS", up.address)
        ran = clusters.disturbed(root, up.workers[which].kill)
        assert (ran.code, ran.err) == (0, "")
    assert house.tree(root) == alone


def test_a_worker_with_another_program_is_named_before_anything_is_handed_out(
    tmp_path, monkeypatch
):
    other = tmp_path / "other"
    shutil.copytree(house.SCRIPTS, other, ignore=shutil.ignore_patterns("__pycache__"))
    speech = other / "lib" / "values" / "speech.py"
    speech.write_text(speech.read_text() + "# another version\n")
    root = batches.build(tmp_path / "root", clusters.FILE)
    with clusters.running(tmp_path / "cluster", scripts=(house.SCRIPTS, other)) as up:
        monkeypatch.setenv("WORKERS", up.address)
        line = clusters.refused(root)
    log = (tmp_path / "cluster" / "2.log").read_text()
    address = log.partition("Start worker at:")[2].split()[0]
    assert line.startswith(f"{address} differs: program ")
    assert "the same scripts/ on its PYTHONPATH" in line


def test_a_worker_without_the_program_is_named(tmp_path, monkeypatch):
    root = batches.build(tmp_path / "root", clusters.FILE)
    with clusters.running(tmp_path / "cluster", scripts=(tmp_path,)) as up:
        monkeypatch.setenv("WORKERS", up.address)
        line = clusters.refused(root)
    assert " cannot take this work (ModuleNotFoundError" in line
    assert "give it the same scripts/ on its PYTHONPATH" in line


def test_when_all_workers_or_the_scheduler_die_nothing_is_issued_and_the_next_run_issues_all(
    tmp_path, monkeypatch, alone
):
    root = batches.build(tmp_path / "root", clusters.FILE)
    with clusters.running(tmp_path / "cluster") as up:
        monkeypatch.setenv("WORKERS", up.address)
        ran = clusters.disturbed(root, up.scheduler.kill)
        assert "has no worker left" in clusters.told(root, ran)
    with clusters.running(tmp_path / "another") as up:
        monkeypatch.setenv("WORKERS", up.address)
        monkeypatch.setattr(cluster, "_SILENCE", 30)

        def kill_all() -> None:
            for worker in up.workers:
                worker.kill()

        assert "has no worker left" in clusters.told(root, clusters.disturbed(root, kill_all))
    with clusters.running(tmp_path / "third", scripts=()) as up:
        monkeypatch.setenv("WORKERS", up.address)
        monkeypatch.setattr(cluster, "_CONNECT", 5)
        assert "has no worker left" in clusters.refused(root)
    monkeypatch.setenv("WORKERS", "1")
    assert batches.run(root).code == 0
    assert house.tree(root) == alone
