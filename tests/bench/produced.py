"""Runs a script of ours, and counts the processor time that `production.produce` takes in it.

    COUNTED=FOLDER python produced.py SCRIPT [ARGUMENT...]

Workers run this file as their main module too, and judges are told to count. bench/bulk adds it up.
"""

import sys
import time
from pathlib import Path

# In place of this folder, some of whose files are called as modules of Python are.
sys.path[:1] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "scripts")]

from bench import counting  # noqa: E402
from lib.documents import judging, production  # noqa: E402

counting.count(production, "produce_all", time.thread_time_ns)
counting.count(judging, "_ask", time.thread_time_ns)
counting.count(judging, "_answer", time.thread_time_ns)
before, serve, after = judging._PROGRAM.partition("judges.serve()\n")
if not serve or after:
    raise ValueError("judges are not started as they were")
judging._PROGRAM = f"""{before}
import time
sys.path.append({sys.path[0]!r})
from bench import counting
from lib.documents import schematron
counting.count(schematron, "reports", time.process_time_ns)
{serve}"""

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    script = Path(sys.argv[0])
    code = compile(script.read_bytes(), script, "exec")
    exec(code, {"__name__": "__main__", "__file__": str(script)})
