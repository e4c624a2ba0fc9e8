"""`make platform` is killed at any moment: nothing is deposited twice, no status is lost."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import house
import test_platform
from cdar_messages import message, status
from lib.books import exchanges
from lib.core import storage
from lib.core.root import Root
from lib.documents import production
from platform_stub import Platform, running

EVERY = int(os.environ.get("EVERY", "9"))  # `make faults` tries each moment
_KILLED = 77
_STEPS = (
    *("place", "replace", "append", "write_new", "stage_new"),
    *("flush_all", "flush_folder", "make_folder"),
)


@pytest.fixture(scope="module")
def house_of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two invoices that wait to be deposited."""
    from faults import scenario

    real = production.produce
    scenario.fake_production()
    root = house.build(tmp_path_factory.mktemp("two"), house.client(), house.client("sud", i=2))
    assert house.month(root).code == 0
    production.produce = real
    yield root.path


def killed_at(moment: int, root: Root) -> bool:
    """Exchanges in a process of its own, which dies at its n-th step; whether it did."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            steps = [0]

            def dying(function: Callable[..., Any]) -> Callable[..., Any]:
                def step(*arguments: Any, **options: Any) -> Any:
                    if steps[0] == moment:
                        os._exit(_KILLED)
                    steps[0] += 1
                    result = function(*arguments, **options)
                    if steps[0] == moment:
                        os._exit(_KILLED)
                    steps[0] += 1
                    return result

                return step

            for name in _STEPS:
                setattr(storage, name, dying(getattr(storage, name)))
            httpx.Client.stream = dying(httpx.Client.stream)  # type: ignore[method-assign]
            httpx.Response.iter_raw = dying(httpx.Response.iter_raw)  # type: ignore[method-assign]
            code = test_platform.exchange(root).code
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _KILLED


def exchanged(source: Path, folder: Path, moment: int) -> bool:
    """One house whose exchange is killed at a moment, and what comes after that."""
    platform = Platform()
    platform.checks_files, platform.duplicates = False, "take"
    root = Root(folder / str(moment))
    shutil.copytree(source, root.path)
    with running(platform):
        test_platform.join(root, platform)
        for code in ("200", "202"):
            platform.put(message(status("NORD-2026-0001", code)))
        was_killed = killed_at(moment, root)
        for _ in range(2):
            ran = test_platform.exchange(root)
            assert ran.code == 0, (moment, ran)
        assert sorted(platform.deposited) == ["NORD-2026-0001", "SUD-2026-0001"], moment
        assert not platform.wrong
    lines = exchanges.read(root, "nord")
    said = [(line.kind, line.outcome or line.code) for line in lines]
    assert sorted(said) == sorted(
        [
            ("deposit", ""),
            ("answer", next(word for kind, word in said if kind == "answer")),
            ("answer", "acknowledged"),
            ("status", "200"),
            ("status", "202"),
        ]
    ), moment
    received = {path.stem for path in (root.data / "platform" / "received").iterdir()}
    assert received == {line.sha256 for line in lines if line.kind == "status"}
    shutil.rmtree(root.path)
    return was_killed


@pytest.mark.long
def test_killed_at_any_moment_it_deposits_once_and_loses_nothing(house_of_two, tmp_path):
    moment = 0
    while exchanged(house_of_two, tmp_path, moment):
        moment += EVERY
    assert moment > 100
