"""Bad configurations: one file each in bad/, with the exact sentences that the admin will read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mailwatch.config.load import load
from mailwatch.config.model import ConfigError, Mistake

BAD = sorted((Path(__file__).parent / "bad").glob("*.toml"))


def mistakes_of(path: Path, **environ: str) -> tuple[Mistake, ...]:
    """Return the mistakes that loading `path` names."""
    with pytest.raises(ConfigError) as caught:
        load(path, {}, environ)
    return caught.value.mistakes


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_each_bad_file_gets_its_exact_sentences(path: Path) -> None:
    """The admin reads exactly the `# expect:` lines, each under the file's name."""
    lines = path.read_text().splitlines()
    expected = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    mistakes = mistakes_of(path)
    assert [mistake.sentence for mistake in mistakes] == expected
    assert {mistake.source for mistake in mistakes} == {str(path)}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_sentence_holds_a_secret_or_a_control_character(path: Path) -> None:
    """What is said about a token or a password never repeats it, and every line is printable."""
    for mistake in mistakes_of(path):
        assert "hunter2" not in str(mistake)
        assert mistake.sentence.isprintable()
        assert mistake.sentence.isascii()


def test_every_mistake_is_named_at_once_with_its_key() -> None:
    """One run tells all that is wrong, in every section."""
    path = next(path for path in BAD if path.stem == "many_at_once")
    assert [mistake.key for mistake in mistakes_of(path)] == [
        "gotify.url",
        "gotify.priority",
        "watch.retries",
        "watch.intervall_s",
        "services[1].port",
    ]


def test_text_of_the_error_has_one_line_for_each_mistake() -> None:
    """What is printed is `FILE, line N: sentence`, line by line."""
    path = next(path for path in BAD if path.stem == "many_at_once")
    with pytest.raises(ConfigError) as caught:
        load(path, {}, {})
    lines = str(caught.value).splitlines()
    assert len(lines) == len(caught.value.mistakes)
    assert all(re.match(rf"{re.escape(str(path))}, line \d+: ", line) for line in lines)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"\0" * 4096,
            "the file holds nothing but zero bytes; restore it from a backup or write it anew",
        ),
        (b"[watch]\n# gr\xfc\xdf\n", "the file is not UTF-8 in line 2; save it as UTF-8"),
        (b"#" * (1024 * 1024 + 1), "the file is longer than 1024 KiB; is it the right file?"),
        (
            b"[watch]\nretries = " + b"9" * 5000,
            "the file holds a number too long or lists nested too deep; shorten it",
        ),
        (
            b"services = " + b"[" * 50_000,
            "the file holds a number too long or lists nested too deep; shorten it",
        ),
    ],
    ids=["zeros", "latin-1", "too-long", "endless-number", "endless-nesting"],
)
def test_file_that_is_no_configuration(content: bytes, sentence: str, tmp_path: Path) -> None:
    """A file that is not ours at all is refused in one sentence."""
    path = tmp_path / "mailwatch.toml"
    path.write_bytes(content)
    assert mistakes_of(path) == (Mistake(str(path), "", sentence),)


def test_directory_pipe_and_missing_file(tmp_path: Path) -> None:
    """What cannot be read as a file is said to be what it is, and never waited for."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    missing = tmp_path / "missing.toml"
    assert [mistakes_of(path)[0].sentence for path in (tmp_path, pipe, missing)] == [
        "the file is a directory; name a file",
        "the file is not a regular file; name one",
        "the file does not exist; name the right file with --config, or create it",
    ]


def test_name_that_is_no_name(tmp_path: Path) -> None:
    """A file name that the system refuses is a mistake like any other."""
    assert mistakes_of(tmp_path / "a\0b")[0].sentence == (
        "the file cannot be read (its name cannot be that of a file); name another file"
    )
    assert "file name too long" in mistakes_of(tmp_path / ("n" * 300))[0].sentence


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_forbidden_file_says_who_may_read_it(tmp_path: Path) -> None:
    """Permission denied names the owner, the group and the mode."""
    path = tmp_path / "mailwatch.toml"
    path.write_text("")
    path.chmod(0o640)
    code = (
        "import os, sys; from pathlib import Path; from mailwatch.config.load import load\n"
        "from mailwatch.config.model import ConfigError\n"
        "load(None, {}, {})  # what it needs of Python is not everybody's to read\n"
        "root = os.open(sys.argv[1], os.O_RDONLY); os.fchdir(root); os.setgroups([])\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: load(Path('mailwatch.toml'), {}, {})\n"
        "except ConfigError as error: print(error)\n"
    )
    tmp_path.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert done.stdout == (
        "mailwatch.toml: the file may not be read by user nobody: it belongs to user root and "
        "group root, mode 0640; run it with sudo, or change its group or mode\n"
    ), done.stderr


@pytest.mark.parametrize(
    ("host", "cure"),
    [
        ("stra\xdfe.example", "xn--strae-oqa.example"),
        ("B\xfccher.example.", "xn--bcher-kva.example."),
        ("\uff4dail.example", "its form that begins with xn--"),
        ("\U0001f600.example", "its form that begins with xn--"),
        ("\xfc" * 64, "its form that begins with xn--"),
    ],
)
@pytest.mark.parametrize(
    ("key", "more"),
    [("host", 'name = "IMAPS"\nport = 993'), ("domain", 'name = "DNS"\nprobe = "dns"')],
)
def test_a_name_in_unicode_is_refused_with_the_form_it_has_in_the_dns(
    key: str, more: str, host: str, cure: str, tmp_path: Path
) -> None:
    """Python's own codec, of an older standard, would ask for another domain."""
    path = tmp_path / "mailwatch.toml"
    path.write_text(f'[[services]]\n{more}\n{key} = "{host}"\n', "utf-8")
    (mistake,) = mistakes_of(path)
    assert mistake.sentence == f'services[1].{key} is the text "{host}"; write {cure}'
