"""What the bench says of its figures, whichever they are."""

import sys
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import fpdf
import pytest

import batches
import house
from bench import bulk, counting, fixed, graph, kept, outputs, publish, table, venv
from bench.kept import Change, Kept, Published
from bench.measure import SECOND, Bar, CannotMeasureError, Fixed, Line, Took, run

FAST = Line("one page", "ours", (2_000_000, 3_000_000, 9_000_000), (3_000_000,) * 3)
PEER = Line(
    "one page",
    "peer",
    (6_000_000,),
    bars=(Bar("ours ÷ peer", 0.5, 0.7), Bar("peer ÷ ours", 2, 50, at_most=False)),
)


def test_a_bar_is_reached_on_its_side():
    assert Bar("", 0.7, 0.7).reached
    assert not Bar("", 0.71, 0.7).reached
    assert Bar("", 50, 50, at_most=False).reached
    assert not Bar("", 49.9, 50, at_most=False).reached


def test_one_missed_bar_is_a_miss_and_is_reported():
    assert table.verdict(PEER, judged=True) == table.MISSED
    assert table.missed([FAST, PEER]) == [(PEER, PEER.bars[1])]
    assert table.MISSED in table.text([FAST, PEER], judged=True)


def test_a_smaller_size_is_not_judged():
    assert table.verdict(PEER, judged=False) == table.UNJUDGED
    assert table.MISSED not in table.text([FAST, PEER], judged=False)


def test_the_table_has_median_and_spread():
    (cells,) = table.rows([FAST], judged=True)
    assert cells[2:5] == ("3.00 ms", "2.00 – 9.00", "3.00 ms")


def test_figures_replace_figures_and_nothing_else():
    page = f"before\n{publish.BEGIN}\n\nold\n\n{publish.END}\nafter\n"
    new = publish.replaced(page, "new")
    assert new == page.replace("old", "new")
    assert publish.replaced(new, "new") == new
    with pytest.raises(ValueError, match="marks"):
        publish.replaced("no marks", "new")


def test_the_page_in_docs_has_its_marks():
    assert publish.replaced(publish.DOC.read_text(), "figures")


def test_a_slower_machine_changes_no_figure_that_is_kept():
    def on_a_machine(times: int) -> Published:
        work = lambda: Took(9 * times, 6 * times, parent=2048, workers=4096)  # noqa: E731
        return kept.interleaved({"batch": work}, 3, lambda: Fixed(2 * times, 3 * times))

    fast, slow = on_a_machine(1), on_a_machine(10)
    assert fast.figures["batch"] == Kept(6, Fixed(3, 2), 4)
    assert (slow.fixed, slow.figures["batch"]) == (Fixed(20, 30), Kept(60, Fixed(3, 2), 4))
    assert [one.loss for one in kept.changes(slow, fast)] == [""]


def test_a_machine_that_is_fast_for_a_moment_changes_no_figure_of_another_moment():
    speeds = iter((Fixed(1, 1), Fixed(2, 2)))
    works = {name: lambda times=times: Took(9, 6 * times) for name, times in (("a", 1), ("b", 2))}
    now = kept.interleaved(works, 1, lambda: next(speeds))
    assert [one.multiples for one in now.figures.values()] == [(6, 6), (6, 6)]


def test_what_is_slow_in_an_hour_is_not_lost_unless_both_fixed_works_say_so():
    before = Published(Fixed(1, 1), {"batch": Kept(10, Fixed(10, 10), 0)})
    for multiples, loss in (
        (Fixed(20, 5), ""),  # the kernel is slow
        (Fixed(5, 20), ""),
        (Fixed(20, 12.5), "batch: 25 % more processor time"),
    ):
        now = Published(Fixed(1, 4), {"batch": Kept(20, multiples, 0)})
        assert [one.loss for one in kept.changes(now, before)] == [loss]


def test_a_loss_of_a_fifth_is_named_with_how_much_and_a_new_figure_is_not_compared():
    once = Fixed(1, 1)
    before = Published(once, {"batch": Kept(1, Fixed(10, 10), 100), "page": Kept(1, once, 0)})
    page, new = Kept(1, Fixed(1.1, 1.1), 0), Kept(1, Fixed(9, 9), 9)
    batch = Kept(1, Fixed(12.5, 12.5), 130)
    changes = kept.changes(Published(once, {"batch": batch, "page": page, "new": new}), before)
    assert [(one.name, one.loss) for one in changes] == [
        ("batch", "batch: 25 % more processor time and 30 % more memory"),
        ("page", ""),
    ]


def test_a_loss_counts_where_a_second_measurement_sees_it_too():
    first = [Change("batch", 1.5, 1), Change("page", 1.5, 1), Change("verify", 1, 1)]
    asked = []

    def again(names: list[str]) -> list[Change]:
        asked.extend(names)
        return [Change("batch", 1.3, 1.4), Change("page", 1.05, 1)]

    merged = kept.twice(first, again)
    assert asked == ["batch", "page"]
    assert merged == [Change("batch", 1.3, 1), Change("page", 1.05, 1), Change("verify", 1, 1)]
    assert [one.name for one in merged if one.loss] == ["batch"]


def test_what_was_published_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "PUBLISHED", tmp_path / "published.json")
    now = Published(Fixed(2.5, 3), {"batch": Kept(1, Fixed(3.25, 2), 4)})
    kept.publish(now, {"processor": "one"})
    assert kept.read() == now


def test_what_is_committed_was_published_with_these_fixed_works(tmp_path, monkeypatch):
    assert kept.read().figures
    monkeypatch.setattr(kept, "WORKS", tmp_path / "fixed.py")
    kept.WORKS.write_text("other works")
    with pytest.raises(CannotMeasureError, match="last publication"):
        kept.read()


def test_fixed_works_do_what_they_say():
    assert fixed.compute() == 547_545
    assert fixed.handle() == 5_000 * 9_000 + 10 * 40_000_000


def test_the_figures_that_are_published_say_how_fast_the_machine_was():
    machine = dict.fromkeys(("processor", "kernel", "python", "fpdf2", "saxonche"), "1.0")
    results = {"machine": machine, "peers": {"typst": "2.0"}, "fixed": Fixed(SECOND, 2 * SECOND)}
    made = publish.section(results, [FAST])
    assert "computing takes 1.00 s of processor, handling 2.00 s. Beside them: typst 2.0." in made
    assert "| one page | ours | 3.00 ms |" in made


def test_the_graph_has_a_point_for_each_size():
    lines = [
        Line(f"batch of {size:,} lines", "ours", (size * SECOND // 50,), unit="s")
        for size in (100, 1_000, 10_000)
    ]
    drawn = ET.fromstring(graph.svg(graph.panels(lines)))
    circles = list(drawn.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(circles) == 3 + 1, "and one in the legend"


def test_a_peer_that_is_not_there_is_said_and_the_others_go_on(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\ncase "$2" in\n"import weasyprint"*) echo "No module named weasyprint";;\n'
        "*version*) echo 1.2.3;;\nesac\n"
    )
    python.chmod(0o755)
    monkeypatch.setattr(venv, "PYTHON", python)
    monkeypatch.setattr(venv, "_is_ready", lambda: True)
    monkeypatch.setenv("PATH", "/nowhere")
    peers = venv.prepare()
    assert peers.missing["weasyprint"] == "No module named weasyprint"
    assert peers.there["typst"] == "1.2.3"
    assert "ledger" in peers.missing


def test_pins_are_installed_one_by_one_with_their_hashes():
    text = (
        "a==1 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n    # via b\nb==2 \\\n    --hash=x\n"
    )
    assert [pin.count("--hash") for pin in venv.pins(text)] == [2, 1]
    assert len(venv.pins(venv.PINS.read_text())) > 20


def test_what_fails_is_not_measured():
    with pytest.raises(CannotMeasureError, match="no such thing"):
        run("sh", "-c", "echo no such thing; exit 3")


def test_what_calls_take_is_added_up_by_function(tmp_path, monkeypatch):
    monkeypatch.setenv(counting.FOLDER, str(tmp_path))
    module = SimpleNamespace(all=lambda: module.part() + 1, part=lambda: 1)
    clock = iter((0, 10, 40, 100, 200, 201)).__next__
    counting.count(module, "part", clock)
    counting.count(module, "all", clock)
    assert (module.all(), module.part()) == (2, 1)
    assert counting.read(tmp_path, "all") == (1, 100 - 0)
    assert counting.read(tmp_path, "part") == (2, (40 - 10) + (201 - 200))
    assert counting.read(tmp_path, "never") == (0, 0)


def test_a_batch_is_counted_in_its_workers_and_judges(tmp_path):
    (tmp_path / "counted").mkdir()
    root = batches.build(tmp_path / "root")
    bulk.write_csv(root.inbox_batch / f"{batches.CLIENT}__{house.MONTH}.csv", 50)
    environment = {"WORKERS": "2", "TYPED": "TODAY", "TODAY": house.TODAY}
    took = run(
        *(sys.executable, "-E", bulk.PRODUCED),
        *(house.SCRIPTS / "import_batch.py", "--root", root.path),
        environment=environment | {counting.FOLDER: str(tmp_path / "counted")},
    )
    assert SECOND // 100 < bulk.in_produce(tmp_path / "counted", 50) < took.cpu
    with pytest.raises(CannotMeasureError, match="judges judged 50 of 51 documents"):
        bulk.in_produce(tmp_path / "counted", 51)


def test_processor_time_of_children_counts():
    took = run("sh", "-c", "sh -c 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'; echo done")
    assert took.said == "done\n"
    assert took.cpu > 0
    assert took.clock > 0


def test_a_page_without_its_text_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "PICTURES", tmp_path)
    path = tmp_path / "page.pdf"
    path.write_bytes(pdf_of("ATL-2026-0001"))
    assert outputs.faults_of_page(path, ["ATL-2026-0001"]) == []
    assert len(outputs.faults_of_page(path, ["ATL-2026-0001", "Boulangerie"])) == 1
    path.write_bytes(pdf_of("ATL-2026-0001", "a second page"))
    assert len(outputs.faults_of_page(path, ["ATL-2026-0001"])) == 1
    path.write_bytes(pdf_of(""))
    assert len(outputs.faults_of_page(path, [])) == 1


def pdf_of(*pages: str) -> bytes:
    pdf = fpdf.FPDF()
    pdf.set_font("helvetica", size=20)
    for text in pages:
        pdf.add_page()
        if text:
            pdf.cell(text=text)
    return bytes(pdf.output())
