"""A fixed computation, of the kinds that ours is made of: what a machine takes for it right now.

    python fixed.py

Figures of other runs, and of other machines, are compared as multiples of it. It must not change:
what was published would mean something else. It needs nothing but the standard library.
"""

import hashlib
import json
import zlib

_LINES = 15_000


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


if __name__ == "__main__":
    print(compute())
