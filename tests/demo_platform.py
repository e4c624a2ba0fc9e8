"""A month of the demo that goes through a platform on this machine: `make demo-platform`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from cdar_messages import message, status
from platform_stub import Platform, running

HOME = Path(__file__).resolve().parents[1]
ROOT = HOME / "demo"
DAY = "TODAY=2026-11-08"


def make(*words: str) -> None:
    """Runs a command of the demo, as it would be typed."""
    print(f"\n$ make {' '.join(words)} ROOT=demo", flush=True)
    command = ["make", "-f", str(HOME / "Makefile"), "--no-print-directory", *words]
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    subprocess.run([*command, f"ROOT={ROOT}"], env=outside, check=False)


def main() -> None:
    """The month, what the platform says of it, and what became of that."""
    shutil.rmtree(ROOT, ignore_errors=True)
    copied = [sys.executable, HOME / "scripts" / "copy_examples.py", "--to", ROOT]
    subprocess.run(copied, check=True)
    for batch in (HOME / "examples/data/inbox_batch").glob("*.csv"):
        shutil.copy(batch, ROOT / "data/inbox_batch")
    with running(Platform()) as platform:
        issuer = json.loads((ROOT / "issuer.json").read_bytes())
        account = {"flow_url": f"{platform.url}/flow-service", "since": "2026-11-01"}
        issuer["platform"] = account
        (ROOT / "issuer.json").write_text(json.dumps(issuer, ensure_ascii=False, indent=2))
        with (ROOT / ".env").open("a") as settings:
            settings.write("\nPLATFORM_TOKEN=fixed-token\n")
        (ROOT / ".env").chmod(0o600)
        make("month", "MONTH=2026-10", DAY)
        print(f"\nThe platform has {len(platform.deposited)} documents. It says something of them.")
        for number, code in zip(platform.deposited, ("205", "207", "210"), strict=False):
            for said in ("200", code):
                why = (("TX_TVA_ERR", "Taux de TVA erroné", ""),) if said in ("207", "210") else ()
                platform.put(message(status(number, said, "20261108101500", reasons=why)))
        make("platform", DAY)
        make("status", DAY)
        make("verify")


if __name__ == "__main__":
    main()
