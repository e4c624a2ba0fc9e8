"""The loop that each page maker runs in a process of its own: invoices in, times out.

    python with_NAME.py CONTENTS SAMPLE

CONTENTS is a JSON list of invoices (bench/content.py). The first is made and kept as SAMPLE,
some more warm up. Then each line "FIRST LAST" on standard input makes the PDFs of these
invoices, and is answered with the nanoseconds that they took: by the clock, of processor.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM = 5


def serve(render: Callable[[dict[str, Any]], bytes]) -> None:
    """Runs the loop until standard input ends."""
    contents = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_bytes(render(contents[0]))
    for content in contents[1:WARM]:
        render(content)
    print("ready", flush=True)
    for line in sys.stdin:
        first, last = map(int, line.split())
        begun, used = time.perf_counter_ns(), time.process_time_ns()
        for content in contents[first:last]:
            render(content)
        took = (time.perf_counter_ns() - begun, time.process_time_ns() - used)
        print(json.dumps(took), flush=True)
