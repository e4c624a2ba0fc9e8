"""The peers: a venv of their own, what could be installed there, and what stands on the PATH."""

import importlib.metadata
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import house
from bench.measure import say

PINS = house.HOME / "requirements-bench.txt"
VENV = house.HOME / "build/bench-venv"
PYTHON = VENV / "bin/python"
_READY = VENV / ".ready"
# Package -> what has to be importable for it to be measured.
_PACKAGES = {
    "typst": "typst, segno",
    "reportlab": "reportlab",
    "weasyprint": "weasyprint, segno",
    "fpdf2": "fpdf, segno",
    "factur-x": "facturx, typst, saxonche, lxml, segno",
    "beancount": "beancount",
}
_PROGRAMS = ("ledger", "hledger", "strace")


class Peers(NamedTuple):
    """Name -> version of the peers that can be measured; name -> why not, of the others.

    strace is among them: it counts the starts of Python.
    """

    there: dict[str, str]
    missing: dict[str, str]


def prepare() -> Peers:
    """Installs what requirements-bench.txt pins; a package that fails does not stop the others."""
    if not _is_ready():
        say("installing the peers into build/bench-venv (once)")
        shutil.rmtree(VENV, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        if _install("-r", str(PINS)):
            # All at once failed: each alone, so that the others are measured.
            for pin in pins(PINS.read_text()):
                (VENV / "pin.txt").write_text(pin)
                _install("--no-deps", "-r", str(VENV / "pin.txt"))
        else:
            _READY.write_bytes(PINS.read_bytes())
    there, missing = {}, {}
    for name, modules in _PACKAGES.items():
        problem = _said(PYTHON, "-c", f"import {modules}")
        if problem:
            missing[name] = problem.splitlines()[-1]
        else:
            code = f"import importlib.metadata as m; print(m.version('{name}'))"
            there[name] = _said(PYTHON, "-c", code)
    for name in _PROGRAMS:
        if shutil.which(name):
            words = _said(name, "--version").replace(",", " ").split()
            there[name] = next(word for word in words if word[0].isdigit())
        else:
            missing[name] = f"not on the PATH; apt-get install {name}"
    return Peers(there, missing)


def _is_ready() -> bool:
    return _READY.exists() and _READY.read_bytes() == PINS.read_bytes()


def _install(*arguments: str) -> int:
    command = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command.append("--require-hashes")
    return subprocess.run([*command, *arguments], check=False).returncode


def pins(text: str) -> list[str]:
    """The packages of a requirements file, each with its hashes."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith(" "):
            found[-1] += f"{line}\n"
        elif "==" in line:
            found.append(f"{line}\n")
    return found


def _said(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def machine() -> dict[str, str]:
    """What the figures hold for."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in info if "model name" in line), "?")
    return {
        "processor": model,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "fpdf2": importlib.metadata.version("fpdf2"),
        "saxonche": importlib.metadata.version("saxonche"),
    }
