"""What `production.produce` takes alone, for documents that a batch has made, in warm processes.

    python -m bench.produced FILE...

Prints the nanoseconds of processor that the documents in these files take, after some others.
"""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import house
from bench.measure import CannotMeasureError
from lib.documents import production
from lib.values import document

_SAMPLE = 1_000  # documents
_WARM = 20


def measure(made: Sequence[Path], processes: int) -> int:
    """The nanoseconds of processor for all documents, from a sample of them.

    As many processes work at once as made the batch: cores that share a cache are slower then.
    """
    sample = made[:: max(len(made) // _SAMPLE, 1)]
    shares = [sample[i::processes] for i in range(processes)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.produced", *share],
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": f"{house.SCRIPTS}:{house.HOME / 'tests'}"},
        )
        for share in shares
    ]
    said = [one.communicate()[0] for one in running]
    if not all(said):
        raise CannotMeasureError("produce alone could not be measured: see above")
    return sum(map(int, said)) * len(made) // len(sample)


def main() -> None:
    """One process."""
    documents = [document.from_json(Path(name).read_bytes()) for name in sys.argv[1:]]
    production.get_ready()
    for one in documents[:_WARM]:
        production.produce(None, one)
    began = time.process_time_ns()
    for one in documents:
        if production.produce(None, one).verdicts:
            raise ValueError(f"{one.number} is refused")
    print(time.process_time_ns() - began)


if __name__ == "__main__":
    main()
