"""Workers, here and elsewhere: the same bytes in the same order, or nothing at all."""

import multiprocessing
import os
import pickle
import pty
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from unittest import mock

import pytest

import batches
import clusters
import house
from lib.billing import batch_files
from lib.core import workers
from lib.core.faults import Alert, Broken, Fault
from lib.core.messages import say
from lib.core.root import Root
from lib.documents import cluster, production
from lib.inputs import settings


@pytest.fixture(autouse=True)
def worth_it(monkeypatch):
    monkeypatch.setattr(production, "_WORTH_WORKERS", 5)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> dict[str, tuple[int, bytes]]:
    """What a run without workers makes."""
    return clusters.alone(tmp_path_factory.mktemp("alone"))


# --- order and number ------------------------------------------------------------------


def test_results_come_in_the_order_of_the_items_whichever_is_done_first():
    second_is_done = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            second_is_done.set()
        assert item or second_is_done.wait(30)
        return item * 10

    with ThreadPoolExecutor(2) as pool:
        done = workers.in_order(lambda item: pool.submit(work, item), range(40), 2)
        assert list(done) == [(i, i * 10) for i in range(40)]


def test_why_work_stopped_comes_back_whole_from_a_worker():
    alert = Alert("B-RECORD-BROKEN", "data/revenues/nord.jsonl", Fault("", say("is not a record")))
    back = pickle.loads(pickle.dumps(Broken([alert])))
    assert (type(back), back.alerts, back.exit_code) == (Broken, (alert,), 3)


def test_few_items_are_under_way_however_many_there_are():
    submitted = []

    def submit(item: int) -> Future[int]:
        submitted.append(item)
        future: Future[int] = Future()
        future.set_result(item)
        return future

    ahead = [len(submitted) - i for i, _ in workers.in_order(submit, range(10_000), 3)]
    assert max(ahead) <= 3 * 8 + 1
    assert len(ahead) == 10_000


# --- on this machine -------------------------------------------------------------------


def test_a_worker_that_is_killed_stops_the_run_and_the_next_one_issues_all(
    tmp_path, monkeypatch, alone
):
    root = batches.build(tmp_path, clusters.FILE)
    monkeypatch.setenv("WORKERS", "2")
    ran = clusters.disturbed(root, lambda: multiprocessing.active_children()[0].kill())
    assert ran.code == 4
    assert ran.err.endswith("with WORKERS=1 if it is killed again [B-WORKER]\n")
    assert ran.err.count("\n") == 1
    assert clusters.nothing_is_issued(root)
    monkeypatch.setenv("WORKERS", "1")
    assert batches.run(root).code == 0
    assert house.tree(root) == alone


@pytest.mark.parametrize("lines, begun", [(24, "workers"), (2, "line")])
def test_the_workers_of_a_batch_get_ready_while_its_lines_are_checked(
    tmp_path, monkeypatch, lines, begun
):
    root = batches.build(tmp_path, batches.file_of(*map(batches.row, range(1, lines + 1))))
    monkeypatch.setenv("WORKERS", "2")
    first = []

    def noted(what, real):
        return lambda *arguments: (first.append(what), real(*arguments))[1]

    monkeypatch.setattr(workers, "started", noted("workers", workers.started))
    monkeypatch.setattr(batch_files, "read_row", noted("line", batch_files.read_row))
    assert batches.run(root).code == 0
    assert first[0] == begun
    assert first.count("workers") == (begun == "workers"), "once, or not at all"


def test_a_month_of_direct_invoices_is_handed_to_the_workers_too(tmp_path, monkeypatch):
    names = [f"c{i:02}" for i in range(1, 11)]
    root = house.build(tmp_path, *(house.client(name, i=i) for i, name in enumerate(names, 1)))
    monkeypatch.setenv("WORKERS", "7")
    handed = []

    @contextmanager
    def here(work, shared, processes, get_ready):
        def done(groups):
            for group in groups:
                handed.append((processes, [task.document.client for task in group]))
                yield group, work(shared, group)

        yield done

    monkeypatch.setattr(workers, "started", here)
    assert house.month(root).code == 0
    assert handed == [(7, names[:8]), (7, names[8:])]


# --- the setting -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "-1", "2.5", "all", "12345", "http://h:80", "tcp://h", "tcp://h:", "tcp://:8786",
        "tcp://h:0", "tcp://h:65536", "tcp://h:8786/x", "tcp://u@h:1", "TLS://h:1", "tcp://h h:1",
    ],
)  # fmt: skip
def test_what_is_neither_a_number_nor_an_address_gets_one_line(tmp_path, monkeypatch, text):
    root = house.build(tmp_path)
    monkeypatch.setenv("WORKERS", text)
    ran = house.month(root)
    line = f'.env: WORKERS: "{text}" is not a number of processes or the address of a cluster;'
    remedy = "write the number in digits, or tls://, its host, a colon and its port"
    assert (ran.code, ran.err) == (1, f"{line} {remedy} [B-SETTING]\n")


def test_tls_needs_its_three_files(tmp_path, monkeypatch):
    root = house.build(tmp_path)
    house.write(root, "ca.pem", b"")
    root.env.write_text("WORKERS=tls://h:8786\nWORKERS_CA_FILE=ca.pem\nWORKERS_KEY_FILE=no.pem\n")
    ran = house.month(root)
    assert ran.code == 1
    assert ".env: WORKERS_CERT_FILE: is missing, which tls:// needs" in ran.err
    assert '.env: WORKERS_KEY_FILE: "no.pem" is not a file' in ran.err
    assert "WORKERS_CA_FILE" not in ran.err
    root.env.write_text("WORKERS=0\nWORKERS_KEY_FILE=no.pem\n")
    assert house.month(root).code == 0


def test_an_address_leaves_the_rest_of_the_work_on_the_cores_of_this_machine(tmp_path, monkeypatch):
    root = house.build(tmp_path)
    monkeypatch.setenv("WORKERS", "tcp://[::1]:8786")
    used = settings.load(root)
    assert used.cluster == settings.Cluster("tcp://[::1]:8786", None)
    assert used.workers == len(os.sched_getaffinity(0))
    assert house.month(root).code == 0, "two invoices are made here: there is no such cluster"


@pytest.mark.parametrize(
    "address, is_told",
    [
        ("tcp://10.0.0.7:8786", True), ("tcp://127.0.0.1.example.org:1", True),
        ("tcp://127.0.0.1:8786", False), ("tcp://localhost:1", False), ("tcp://[::1]:1", False),
        ("4", False),
    ],
)  # fmt: skip
def test_invoices_that_would_leave_the_machine_unencrypted_are_reported(
    tmp_path, monkeypatch, address, is_told
):
    root = house.build(tmp_path)
    monkeypatch.setenv("WORKERS", address)
    ran = house.month(root)
    assert (ran.code, "[I-WORKERS-PLAIN]" in ran.err) == (0, is_told)


# --- a cluster -------------------------------------------------------------------------


def test_a_cluster_without_its_package_says_what_to_install(tmp_path, monkeypatch):
    root = batches.build(tmp_path, clusters.FILE)
    monkeypatch.setenv("WORKERS", "tcp://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert (
        "`.venv/bin/pip install --require-hashes -r requirements-cluster.txt`"
        in clusters.refused(root)
    )


def test_a_scheduler_that_does_not_answer_is_not_waited_for(tmp_path, monkeypatch):
    root = batches.build(tmp_path, clusters.FILE)
    monkeypatch.setattr(cluster, "_CONNECT", 1)
    monkeypatch.setenv("WORKERS", "tcp://127.0.0.1:1")
    assert clusters.refused(root).startswith("tcp://127.0.0.1:1: the cluster cannot be reached")


def test_a_worker_that_joins_later_is_compared_too():
    facts = cluster._facts(production.equipment, 1)
    worker = mock.Mock(address="tcp://h:1", state=mock.Mock(nthreads=2))
    with mock.patch("distributed.get_worker", return_value=worker):
        with pytest.raises(
            cluster.Unlike, match=r"tcp://h:1 differs: threads \(--nthreads\) 2, here 1:"
        ):
            cluster._do(facts, production.equipment, max, 1, 2)
        worker.state.nthreads = 1
        assert cluster._do(facts, production.equipment, max, 1, 2) == 2


def test_a_worker_of_a_cluster_killed_midway_changes_no_byte(tmp_path, monkeypatch, alone):
    root = batches.build(tmp_path / "root", clusters.FILE)
    with clusters.running(tmp_path / "cluster") as up:
        monkeypatch.setenv("WORKERS", up.address)
        ran = clusters.disturbed(root, up.workers[0].kill)
        assert (ran.code, ran.err) == (0, "")
        assert up.workers[0].poll() is not None
    assert house.tree(root) == alone


# --- the progress bar ------------------------------------------------------------------


def on_terminal(root: Root) -> tuple[str, str]:
    """What a run prints, and what its terminal shows."""
    script = str(house.SCRIPTS / "import_batch.py")
    command = [sys.executable, script, "--root", str(root.path)]
    command += ["--issue-date", house.TODAY, "--today", house.TODAY]
    ours, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "WORKERS": "2"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=its, env=environment)
    os.close(its)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # so a terminal ends whose last process has gone
        pass
    out, _ = process.communicate(timeout=60)
    os.close(ours)
    return out.decode(), shown.decode()


def test_two_files_have_one_progress_bar_on_a_terminal_and_none_elsewhere(tmp_path):
    root = batches.build(tmp_path, batches.file_of(batches.row(1)))
    batches.hand_in(root, batches.file_of(batches.row(2)), "2026-09")
    out, shown = on_terminal(root)
    assert [line.split(":")[0] for line in out.splitlines()] == [
        f"{batches.CLIENT}__2026-09.csv",
        f"{batches.CLIENT}__2026-10.csv",
    ]
    assert "batches" in shown
    assert "100%" in shown
    assert shown.count("\n") == 1, "one bar, drawn over and over on one line"
    batches.hand_in(root, batches.file_of(batches.row(3)), "2026-11")
    assert batches.run(root).err == ""
