"""What `production.produce` takes of a script of ours, counted in it while it works.

    COUNTED=FILE python produced.py SCRIPT [ARGUMENT...]

Workers run this file as their main module too, and judges are told to count. What counts is the
processor time of pages, XMLs and rules, and neither what is said to judges and by them nor what
other threads do, which flush.
"""

import sys
import time
from pathlib import Path

# In place of this folder, some of whose files are called as modules of Python are.
sys.path[:1] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "scripts")]

from bench import counting  # noqa: E402
from lib.documents import judging, production  # noqa: E402

counting.count(production, "produce_all", time.thread_time_ns)
counting.count(judging, "_ask", time.thread_time_ns, -1)
counting.count(judging, "_answer", time.thread_time_ns, -1)
judging._PROGRAM = f"""
import sys, time
sys.path[:0] = [{sys.path[0]!r}, {sys.path[1]!r}]
from bench import counting
from lib.documents import judges, schematron
counting.count(schematron, "reports", time.process_time_ns)
judges.serve()
"""

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    script = Path(sys.argv[0])
    code = compile(script.read_bytes(), script, "exec")
    exec(code, {"__name__": "__main__", "__file__": str(script)})
