"""What the three shells complete, asked of the shells themselves."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[2] / "packaging/completion"

_BASH = """
source {file}
COMP_WORDS=({words} "{last}"); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); COMPREPLY=()
_mailwatch; printf '%s\\n' "${{COMPREPLY[@]}}"
"""
_ZSH = """
_describe() {{ print -rl -- ${{(P)2}} }}
_arguments() {{ print -rl -- "$@" }}
words=({words} "{last}"); CURRENT=${{#words}}
source {file}
"""
_SHELLS = {
    "bash": ("bash/mailwatch", ["bash", "--norc", "-c"], _BASH),
    "zsh": ("zsh/_mailwatch", ["zsh", "-f", "-c"], _ZSH),
    "fish": ("fish/mailwatch.fish", ["fish", "--no-config", "-c"],
             "source {file}; complete -C '{words} {last}'"),
}  # fmt: skip


@pytest.mark.parametrize("shell", _SHELLS)
@pytest.mark.parametrize(
    ("words", "last", "wanted", "never"),
    [
        ("mailwatch", "ch", "check", "show"),
        ("mailwatch", "import", "import-env", "show"),
        ("mailwatch config", "", "show", "export"),
        ("mailwatch check", "--", "--once", "--send"),
        ("mailwatch incident export", "--", "--output", "--once"),
    ],
)
def test_a_shell_completes_commands_and_options(
    shell: str, words: str, last: str, wanted: str, never: str, tmp_path: Path
) -> None:
    """Words of the command so far lead to those that may follow, and to no others."""
    file, command, script = _SHELLS[shell]
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed here")
    given = script.format(file=HERE / file, words=words, last=last)
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TERM": "dumb"}
    done = subprocess.run(
        [*command, given], capture_output=True, text=True, timeout=60, env=environ, check=False
    )
    assert done.stderr == ""
    offered = re.findall(r"^\*?([\w-]+)", done.stdout, re.MULTILINE)
    assert wanted in offered
    assert never not in offered


def test_they_are_what_the_parsers_say() -> None:
    """A new option is completed, or `make lint` names what to write anew."""
    command = [sys.executable, str(HERE / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")
