"""Whatever stands in the file, the flags or the environment: a Config or a ConfigError."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import tomli_w
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailwatch.config.dotenv import parse
from mailwatch.config.load import load
from mailwatch.config.model import Config, ConfigError, Mistake
from mailwatch.config.schema import CHANNEL, SERVICE, SERVICES_ENVIRONMENT, section_keys
from mailwatch.probes.catalogue import PROBES

KEYS = section_keys()
SERVICE_KEYS = {name for probe in PROBES.names() for name in SERVICE.keys(probe)}
TABLES = ("services", "notifiers")
VARIABLES = [key.environment for key in KEYS if key.environment] + [
    SERVICES_ENVIRONMENT,
    "WATCHDOG_USEC",
    "CREDENTIALS_DIRECTORY",
]
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
SCALARS = (
    st.none().map(lambda _: "")
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | TEXT
    | st.sampled_from(["25", "localhost", "/", "https://[", "https://[::1", "silent", "implicit"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)


def outcome(path: Path | None, flags: dict[str, str], environ: dict[str, str]) -> None:
    """Load; a refusal must be a ConfigError whose every line can be printed."""
    mistakes: tuple[Mistake, ...] = ()
    try:
        config = load(path, flags, environ)
    except ConfigError as error:
        mistakes = error.mistakes
    else:
        assert isinstance(config, Config)
        assert config.services
        return
    assert mistakes
    for mistake in mistakes:
        assert str(mistake).isprintable()
        assert str(mistake).endswith(mistake.sentence)
        assert len(mistake.sentence) < 500


@given(content=st.binary(max_size=300) | TEXT.map(str.encode))
@example(content=b"\xef\xbb\xbf[watch]\r\nretries = 3\r\n")
@example(content=b"a.b.c = 1\na.b = 2")
@example(content=b"[watch]\nretries = 0x" + b"f" * 5000)
@example(content=b"[watch]\nretries = 1e400")
@example(content=b"'' = 1")
def test_any_bytes_as_the_file(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No file makes loading raise anything but ConfigError."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    outcome(path, {}, {})


_NAMES = (
    st.sampled_from(sorted({key.name for key in KEYS} | {*SERVICE_KEYS, *CHANNEL.keys("gotify")}))
    | TEXT
)
_SECTIONS = st.sampled_from(sorted({key.section for key in KEYS} | {*TABLES})) | TEXT
_TABLE = st.dictionaries(_NAMES, VALUES, max_size=4)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(document=st.dictionaries(_SECTIONS, _TABLE | st.lists(_TABLE, max_size=3) | VALUES))
def test_any_toml_as_the_file(
    document: dict[str, object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Known names with values of every type, and unknown ones, are read or refused."""
    path = tmp_path_factory.getbasetemp() / "document.toml"
    path.write_text(tomli_w.dumps(document), encoding="utf-8")
    outcome(path, {}, {})


@given(
    flags=st.dictionaries(
        st.sampled_from([*(key.dotted for key in KEYS), *TABLES]) | TEXT,
        TEXT | st.text(max_size=10) | st.from_regex(r"[\[\]{}\"0-9a-z=,:]{0,12}", fullmatch=True),
    ),
    environ=st.dictionaries(
        st.sampled_from(VARIABLES), st.text(min_size=1).filter(lambda text: "\0" not in text)
    ),
)
@example(
    flags={}, environ={"GOTIFY_URL": "http://\udcff", "HOST": "\udcff", "SERVICES": "\udcff:1"}
)
@example(flags={}, environ={"RETRIES": "٣", "WATCHDOG_USEC": "9" * 400})
@example(flags={"watch.retries": "9" * 5000}, environ={"HOST": "fe80::1%a b"})
@example(flags={"services": "[" * 5000}, environ={"CREDENTIALS_DIRECTORY": "\udcff/" + "x" * 5000})
def test_any_text_as_flags_and_environment(flags: dict[str, str], environ: dict[str, str]) -> None:
    """No flag or variable, lone surrogates and other scripts' digits among them, breaks loading."""
    outcome(None, flags, environ)


@given(text=st.text() | TEXT)
def test_any_text_as_dotenv(text: str) -> None:
    """Every .env is read or its lines named; never an exception, never a value in a sentence."""
    variables, mistakes = parse(text)
    assert all("=" not in name for name in variables)
    assert all(sentence.startswith("line ") and sentence.isprintable() for sentence in mistakes)
    with suppress(ConfigError):
        load(None, {}, {name: value for name, value in variables.items() if name in VARIABLES})
