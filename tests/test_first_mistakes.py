"""First mistakes: each gets one line that says what to do, and leaves nothing behind."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import house
from lib.core.root import Root

COMMANDS = {
    "client": "ID",
    "credit-note": "INVOICE",
    "payments-import": "FILE",
    "statement": "FILE",
    "opening": "FILE",
    "export": "YEAR or MONTH or QUARTER",
    "fec": "YEAR",
    "ledger": "YEAR",
    "accountant": "YEAR or MONTH or QUARTER",
    "report": "YEAR",
    "receipt": "INVOICE",
    "account": "CLIENT",
    "ereporting": "PERIOD",
    "purge-logs": "KEEP_DAYS",
    "backup": "TO",
    "restore": "FROM",
}


def typed(folder: Path, *words: str, **environment: str) -> house.Ran:
    """`make` as it is typed in a folder, by a person whose environment is clean."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH")}
    done = subprocess.run(
        ["make", *words], cwd=folder, capture_output=True, text=True, check=False,
        env=kept | environment,
    )  # fmt: skip
    return house.Ran(done.returncode, done.stdout, done.stderr)


def only_line(ran: house.Ran) -> str:
    """The one line that was said, without Make's own about the recipe that failed."""
    lines = [line for line in ran.err.splitlines() if not re.match(r"make(\[\d\])?: \*\*\*", line)]
    assert ran.code == 2, ran
    assert len(lines) == 1, ran.err
    return lines[0]


# --- what is typed -------------------------------------------------------------------


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return house.build(tmp_path_factory.mktemp("typed") / "root")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_lacks_is_named_with_an_example(root, command):
    line = only_line(house.make(root, command))
    name = COMMANDS[command]
    assert line.startswith(f"{name}: is missing; add {name[:4].strip()}") and "=" in line
    assert line.endswith(" [B-USAGE]")
    assert not root.data.exists()


def test_an_invoice_without_a_client_is_not_that_of_every_client(root):
    line = only_line(house.make(root, "invoice", "MONTH=2026-10"))
    assert line.endswith("CLIENT is missing: make invoice CLIENT=studio_nord.  Stop.")
    assert not root.data.exists()


def test_all_that_a_payment_lacks_is_named_at_once(tmp_path):
    ran = house.make(house.build(tmp_path), "payment")
    lacking = re.findall(r"^(\w+): is missing; add .+ such as .+ \[B-PAYMENT\]$", ran.err, re.M)
    assert lacking == ["CLIENT", "INVOICE", "AMOUNT", "DATE", "METHOD"]


def test_a_date_in_french_order_is_reported_once(tmp_path):
    words = ["CLIENT=nord", "INVOICE=NORD-2026-0001", "AMOUNT=1.00", "METHOD=transfer"]
    ran = house.make(house.build(tmp_path), "payment", *words, "DATE=22/11/2026")
    assert only_line(ran) == 'DATE: "22/11/2026" is not a date; write "2026-11-22" [B-PAYMENT]'


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["2026-09"], '"2026-09": no such command; a value is written NAME=value'),
        (["nord"], '"nord": no such command; a value is written NAME=value'),
        (["month=2026-09"], "month=...: no command takes this name"),
        (["MOTNH=2026-09"], "MOTNH=...: no command takes this name"),
    ],
)
def test_a_mistyped_value_issues_no_other_month(root, words, said):
    assert said in only_line(house.make(root, "month", *words))
    assert not root.data.exists()


def test_a_mistyped_command_is_named(root):
    assert only_line(house.make(root, "monht")) == (
        "make monht: no such command; make alone lists them"
    )


def test_every_setting_of_env_may_be_typed(root):
    names = re.findall(r"^#? ?([A-Z_]+)=", (house.HOME / ".env.example").read_text(), re.MULTILINE)
    assert len(names) > 10
    assert house.make(root, "help", *(f"{name}=" for name in names)).code == 0


# --- where it is typed ---------------------------------------------------------------


def test_make_works_from_any_folder(root):
    project = os.path.relpath(house.HOME, root.path.parent)
    ran = typed(root.path.parent, "-f", f"{project}/Makefile", "check", "ROOT=root")
    assert "the inputs are sound" in ran.out, ran


@pytest.mark.parametrize("words", [["check"], ["verify"], ["export", "YEAR=2026"]])
def test_a_folder_that_is_not_a_root_is_not_taken_for_an_empty_one(tmp_path, words):
    wrong = Root(tmp_path / "wrong")
    assert "make init ROOT=" in only_line(house.make(wrong, *words))
    assert not wrong.path.exists()


@pytest.mark.parametrize("words", [["month"], ["mail"], ["verify"], ["export", "YEAR=2026"]])
def test_a_root_without_issuer_says_how_to_lay_one_out(tmp_path, words):
    line = only_line(house.make(Root(tmp_path), *words))
    assert str(tmp_path) in line
    assert "make init ROOT=" in line
    assert not list(tmp_path.iterdir())


def test_an_empty_root_is_reported(root):
    ran = typed(house.HOME, "check", "ROOT=")
    assert "ROOT is empty: name a folder, as in ROOT=" in only_line(ran)


def test_a_space_in_a_path_is_reported_by_the_path_that_has_it(tmp_path):
    ran = house.make(Root(tmp_path / "my root"), "check")
    assert f'ROOT has a space in its path, which Make cannot carry: "{tmp_path}/my root"' in (
        only_line(ran)
    )
    project = tmp_path / "my project"
    project.mkdir()
    shutil.copy(house.HOME / "Makefile", project)
    said = f'this project stands in a path with a space, which Make cannot carry: "{project}/'
    for folder, words in (
        (project, ["check"]),
        (project, ["check", "ROOT=/tmp"]),
        (tmp_path, ["-f", f"{project}/Makefile"]),
        (tmp_path, ["-f", "my project/Makefile"]),
    ):
        assert said in only_line(typed(folder, *words))


# --- what is there to run it ---------------------------------------------------------


@pytest.fixture
def project(tmp_path):
    """A clean clone as far as `make setup` reads it, with one package to install."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "tools").mkdir()
    for path in house.MAKEFILES:
        shutil.copy(path, folder / path.relative_to(house.HOME))
    (folder / "scripts").mkdir()
    shutil.copy(house.SCRIPTS / "say.sh", folder / "scripts")
    (folder / "requirements.txt").write_text(f"nowhere==26.1.0 --hash=sha256:{'0' * 64}\n")
    return folder


def test_python_that_is_missing_or_too_old_is_reported_before_anything_is_made(project, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "awk", "sed"):
        (tools / name).symlink_to(shutil.which(name) or "")
    make = shutil.which("make") or ""
    without = subprocess.run(
        [make, "setup"], cwd=project, env={"PATH": str(tools)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    ran = house.Ran(without.returncode, without.stdout, without.stderr)
    assert only_line(ran) == "python3 is missing: install Python 3.11 or newer"

    # This Python, taken for another: it runs what it is given as if it were 3.10.
    older = tools / "python3"
    older.write_text(
        f"""#!/bin/bash
exec {sys.executable} -c 'import sys
sys.version, sys.version_info = "3.10.13 (main)", (3, 10, 13)
exec(sys.argv[2])' "$@"
"""
    )
    older.chmod(0o755)
    line = only_line(typed(project, "setup", PATH=f"{tools}:{os.environ['PATH']}"))
    assert line.startswith("Python 3.11 or newer is needed, and python3 is 3.10.13: ")
    assert not (project / ".venv").exists()


def test_no_network_is_one_line_and_the_next_try_begins_again(project, tmp_path):
    # The pip of this Python instead of a venv of its own, which takes seconds to lay out.
    venv = project / ".venv/bin"
    venv.mkdir(parents=True)
    (venv / "python").write_text(f'#!/bin/bash\nexec {sys.executable} "$@"\n')
    (venv / "python").chmod(0o755)
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python3").symlink_to("/bin/true")
    closed = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_TARGET": str(tmp_path / "installed"),
    }
    ran = typed(project, "setup", **closed, PATH=f"{tools}:{os.environ['PATH']}")
    line = only_line(ran)
    assert line.startswith("pip could not install the packages: Could not find a version ")
    assert "look whether the network is there, then run the command again" in line
    assert (project / ".venv/pip.log").read_text().count("ERROR: ") > 1
    assert not (project / ".venv/.ready").exists()


def test_a_python_without_venv_says_what_to_install(project, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    # As Debian splits it: ensurepip is in a package of its own.
    bare = tools / "python3"
    bare.write_text(
        f"""#!/bin/bash
exec {sys.executable} -c 'import sys
sys.modules["ensurepip"] = None
exec(sys.argv[2])' "$@"
"""
    )
    bare.chmod(0o755)
    line = only_line(typed(project, "setup", PATH=f"{tools}:{os.environ['PATH']}"))
    assert line.startswith("python3 cannot make a .venv: install python3-venv")
    assert not (project / ".venv").exists()


@pytest.mark.parametrize(("script", "option"), [("init_root", "--root"), ("copy_examples", "--to")])
def test_a_place_where_nothing_can_be_made_is_one_line(tmp_path, script, option):
    (tmp_path / "file").touch()
    command = [sys.executable, house.SCRIPTS / f"{script}.py", option, tmp_path / "file/root"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(f"{tmp_path}/file")
    assert "; nothing was half-done: run the command again [B-ENVIRONMENT]" in done.stderr


def test_half_a_copy_of_the_examples_is_not_kept(tmp_path):
    # A file larger than one block cannot be written: a disk that is full.
    script = house.SCRIPTS / "copy_examples.py"
    limited = f"ulimit -f 1; exec {sys.executable} {script} --to {tmp_path}/demo"
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1, done.stderr
    assert "File too large" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_script_run_by_another_python_says_which_one_to_take():
    # -S: without the packages of the venv.
    for script in ("check_inputs", "copy_examples", "generate_invoice", "init_root", "verify"):
        done = subprocess.run(
            [sys.executable, "-S", str(house.SCRIPTS / f"{script}.py")],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 4, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert "`make setup` prepares it" in done.stderr
    older = "import sys; sys.version_info = (3, 10, 13); import lib"
    done = subprocess.run(
        [sys.executable, "-c", older], cwd=house.SCRIPTS, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, "is not the Python of this project" in done.stderr) == (4, True)
