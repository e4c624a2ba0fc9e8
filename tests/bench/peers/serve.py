"""The loop that each page maker runs in a process of its own: invoices in, times out.

    python with_NAME.py CONTENTS SAMPLE

CONTENTS is a JSON list of invoices (bench/content.py). The first is made and kept as SAMPLE,
some more warm up. Then each line "FIRST LAST" on standard input makes the PDFs of these
invoices, and is answered with the nanoseconds that they took: by the clock, of processor.
What a maker reads an invoice from is prepared before the clock runs.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM = 5
Content = dict[str, Any]


def as_it_is(content: Content) -> Content:
    """What a maker prepares that reads these words themselves."""
    return content


def serve(render: Callable[[Any], bytes], prepare: Callable[[Content], Any] = as_it_is) -> None:
    """Runs the loop until standard input ends.

    Args:
      prepare: gives what `render` takes of an invoice, before the clock runs.
    """
    contents = [
        prepare(content) for content in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    ]
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
