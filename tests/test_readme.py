"""The examples of README.md are run: every line of a ```console block that begins with `$ ` is a command, the lines below it are what it
prints, with `...` for anything."""

import os
import re
import shutil
import subprocess

from program import ROOT
from samples import DOCUMENTS


def examples(text):
    """(line number, command, expected lines) of every command in the console blocks."""
    found, inside = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append((number, line[2:], []))
        elif inside:
            assert found, f"line {number}: output before the first command"
            found[-1][2].append(line)
    return found


def matches(expected, got):
    """`...` alone on a line is any number of lines, inside a line any text."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line.rstrip()).replace(r"\.\.\.", ".*") + r" *\n" for line in expected
    )
    return re.fullmatch(pattern, got) is not None


def run(command, directory, quern):
    """Both streams as a terminal would show them, standard output last: what people read is the talk, then the result."""
    environment = quern.environment({"PATH": f"{quern.path.parent}:{os.environ['PATH']}"})
    done = subprocess.run(["bash", "-c", command], cwd=directory, env=environment, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stderr + done.stdout


def test_the_rule_of_comparison():
    assert matches(["a ... c", "...", "z"], "a b c\nx\ny\nz\n")
    assert matches(["a", "..."], "a\n") and matches(["1..."], "1 2\n")
    assert not matches(["a"], "a\nb\n") and not matches(["a", "...", "z"], "a\n") and not matches(["a.c"], "abc\n")


def test_the_readme_does_what_it_says(quern, tmp_path):
    directory = tmp_path / "readme"
    directory.mkdir()
    shutil.copytree(DOCUMENTS, directory / "documents")
    commands = examples((ROOT / "README.md").read_text())
    assert len(commands) >= 5
    wrong = []
    for number, command, expected in commands:
        status, got = run(command, directory, quern)
        if status != 0 or not matches(expected, got):
            wrong.append(f"README.md:{number}: $ {command}\n-- expected\n" + "\n".join(expected) + f"\n-- status {status}, printed\n{got}")
    assert not wrong, "\n".join(wrong)
