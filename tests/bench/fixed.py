"""Two fixed works, of the kinds that ours is made of: what a machine takes for them right now.

    python fixed.py compute|handle

Figures of other runs, and of other machines, are compared as multiples of them. One only computes;
the other has a file and memory handled by the kernel, which in some hours takes several times as
long where computing takes half as long again. Neither must change: what was published would mean
something else. They need nothing but the standard library.
"""

import hashlib
import json
import sys
import tempfile
import zlib
from pathlib import Path

_LINES = 15_000
_LOOKS = 5_000
_SIZE = 9_000  # bytes of the file
_PIECES, _PIECE = 10, 40_000_000  # bytes of memory


def compute() -> int:
    """Records, as text and back, hashed in a chain, added up, sorted and compressed."""
    lines = []
    prev = "0" * 64
    for i in range(_LINES):
        cents = 4900 + 131 * (i % 97) + 17 * (i % 31)
        record = {
            "amount": f"{cents // 100}.{cents % 100:02d}",
            "client": f"client_{i % 211:04d}",
            "lines": [{"id": str(k), "net": str(cents * k), "vat": "20"} for k in range(1, 5)],
            "number": f"K{i % 211:04d}-2026-{i:04d}",
            "prev": prev,
        }
        line = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        prev = hashlib.sha256(line).hexdigest()
        lines.append(line)
    sums: dict[str, int] = {}
    for line in lines:
        record = json.loads(line)
        whole, _, rest = record["amount"].partition(".")
        client = record["client"]
        sums[client] = sums.get(client, 0) + int(whole) * 100 + int(rest)
        for part in record["lines"]:
            sums[part["id"]] = sums.get(part["id"], 0) + int(part["net"])
    ordered = sorted(sums.items(), key=lambda one: (-one[1], one[0]))
    data = b"\n".join(lines)
    return len(zlib.compress(data[: len(data) // 2])) + len(ordered)


def handle() -> int:
    """A file looked at and read many times, and memory taken and given back."""
    read = 0
    with tempfile.NamedTemporaryFile() as file:
        file.write(bytes(_SIZE))
        file.flush()
        path = Path(file.name)
        for _ in range(_LOOKS):
            path.stat()
            read += len(path.read_bytes())
    return read + sum(len(bytearray(_PIECE)) for _ in range(_PIECES))


if __name__ == "__main__":
    print({"compute": compute, "handle": handle}[sys.argv[1]]())
