"""A sample of what `make fuzz` tries, the inputs that once hurt, and the fuzzer itself."""

import random
import signal
from pathlib import Path
from typing import Any

import hurt
import mutate
import pytest
import run
import targets

from lib.core import storage
from lib.core.root import Root
from lib.inputs import schemas
from lib.platform import cdar

SAMPLE = 5  # mutations of each target; three where an audit reads all

# What once took minutes, or led to a fault of the program.
ONCE = [
    ("client", "an exponent beyond decimal"),
    ("client", "many keys, the last one twice"),
    ("client", "many misspelt keys"),
    ("client", "a key of a megabyte"),
    ("usage", "quantities of many metrics"),
    ("batch CSV", "tiny lines beneath a header"),
    ("payments CSV", "the same line of no invoice"),
    ("payments CSV", "tiny lines"),
    ("camt.053", "many comments"),
    ("camt.053", "tiny entries"),
    ("OFX", "a header of spaces"),
    ("OFX", "statements around entries"),
    (".env", "many addresses"),
    (".env", "an open quote"),
    (".env", "a name too long for a file"),
    (".env", "other digits"),
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Root:
    return targets.build(tmp_path_factory.mktemp("fuzz") / "root")


@pytest.fixture(scope="module")
def seeds(sound: Root) -> dict[str, bytes]:
    return targets.seeds(sound)


@pytest.fixture(autouse=True)
def alarm() -> Any:
    before = signal.signal(signal.SIGALRM, run._ring)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("target", targets.TARGETS, ids=lambda one: one.name)
def test_a_sample_of_broken_files(sound, seeds, target):
    bench = run.Bench(target, sound)
    assert bench.attempt(seeds[target.name], target.steps).accepted
    for i in range(SAMPLE if target.inputs > 150 else 3):
        rng = random.Random(f"sample {target.name} {i}")
        others = list(seeds.values())
        data = mutate.mutated(rng, seeds[target.name], others, target.forged)
        steps = target.steps[i % len(target.steps) :][:1] if target.readers else target.steps
        tried = bench.attempt(data, steps)
        assert not tried.breach, (tried, data[:300])


@pytest.mark.parametrize(("name", "what"), ONCE)
def test_what_once_hurt(sound, seeds, name, what):
    target = targets.named(name)
    given = dict(hurt.inputs(name, seeds[name]))
    tried = run.Bench(target, sound).attempt(given[what], target.steps[:1])
    assert not tried.breach, tried
    assert not tried.accepted or what == "tiny entries"


# --- the fuzzer itself ---------------------------------------------------------------


def breach_of(sound: Root, seeds: dict[str, bytes]) -> str:
    target = targets.named("client")
    data = seeds["client"].replace(b'"status"', b'"state"')
    return run.Bench(target, sound).attempt(data, target.steps).breach


def test_a_fault_of_the_program_is_seen(sound, seeds, monkeypatch):
    monkeypatch.setattr(schemas, "_nearest", lambda *_: 1 / 0)
    assert breach_of(sound, seeds) == "check_inputs: a fault of the program"


def test_what_is_written_though_refused_is_seen(sound, seeds, monkeypatch):
    def writes(key: str, known: list[str]) -> str:
        storage.replace(sound.data / "stray", b"")
        return "expected none"

    monkeypatch.setattr(schemas, "_nearest", writes)
    assert breach_of(sound, seeds) == "check_inputs: written though refused: ['data/stray']"
    assert not (sound.data / "stray").exists()


def test_a_status_that_nobody_gave_is_seen(sound, seeds, monkeypatch):
    target, real = targets.named("status message"), cdar.read

    def approved(data: bytes) -> tuple[cdar.Status, ...]:
        return tuple(status._replace(code="205") for status in real(data))

    monkeypatch.setattr(cdar, "read", approved)
    tried = run.Bench(target, sound).attempt(seeds[target.name], target.steps)
    assert "got the status 205, which nobody gave it" in tried.breach


def test_an_input_without_end_is_seen(sound, seeds, monkeypatch):
    def waits(*_: Any) -> str:
        while True:
            Path("/").exists()

    monkeypatch.setattr(schemas, "_nearest", waits)
    monkeypatch.setattr(run, "LONGEST", 0.05)
    assert breach_of(sound, seeds) == "check_inputs: no end"


def test_a_failing_input_is_made_smaller():
    assert run.smaller(b"abc" * 100 + b"x" + b"def" * 100, lambda data: b"x" in data) == b"x"
