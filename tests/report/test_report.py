"""The report: what it tells, that it is one safe file, and how it is asked for."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mailwatch.cli.main import main
from mailwatch.core.evidence import GATHERED, Evidence, Finding
from mailwatch.core.facts import words
from mailwatch.core.model import Fault, Now, Reading, Verdict
from mailwatch.core.state import Attempt, Failure, Incident, Outcome, Stage, State
from mailwatch.evidence import keeping
from mailwatch.report import material, page
from mailwatch.store.base import Commit
from mailwatch.store.files import NAME
from mailwatch.store.sqlite import SqliteStore

DAY_S = 86_400.0
NOW = 1_800_000_000.0
HOSTILE = "<script>alert('x')</script>\"&$\\frac{1}{0}$"
ID = "20270112T080000Z"


def no_words(_sentence: str) -> None:
    """Ignore what the store says."""


def clock(wall: float) -> str:
    """Return the offset from NOW, as the tests read it."""
    return f"2027-01-15 {wall - NOW:+.0f}"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Give a state directory with ten days of two services, one incident and its evidence."""
    store = SqliteStore(tmp_path, no_words)
    start = NOW - 10 * DAY_S
    store.restore(Now(0, start))
    for day in range(10):
        for hour in range(0, 24, 6):
            at = day * DAY_S + hour * 3600.0
            broken = day == 7 and hour == 6
            phases = {"connect": 0.001, "greeting": 5.0 if broken else 0.02}
            fault = Fault.SILENT if broken else None
            verdict = Verdict.FAIL if broken else Verdict.PASS
            mail = Reading("SMTP:25", verdict, fault, words("silent" if broken else ""), phases)
            web = Reading(f"{HOSTILE}:443", Verdict.PASS, phases={"connect": 0.001, "tls": 0.01})
            store.record((mail, web), Now(at, start + at))
    since = Now(7 * DAY_S + 6 * 3600, start + 7 * DAY_S + 6 * 3600)
    over = Now(since.steady + 180, since.wall + 180)
    failures = (Failure("SMTP:25", Fault.SILENT, words(HOSTILE)),)
    attempt = Attempt(1, since, 0.0, Outcome.RECOVERED, ended=over)
    incident = Incident(
        ID, since, since, failures, failures, cause=words(HOSTILE), attempts=(attempt,), closed=over
    )
    store.commit(Commit(State(Stage.DOWN, incident, last_id=ID), since))
    store.commit(Commit(State(Stage.HEALTHY, last_id=ID), over, closed=incident))
    store.close()
    look: Evidence = {
        GATHERED: Finding({"at": since.wall, "took_s": 1.0}),
        "container": Finding({"status": "exited", "exit_code": 137}),
        "log": Finding({"lines": [HOSTILE, "</pre></details>"]}),
        "host": Finding({}, {"load": words(HOSTILE)}),
    }
    keeping.save(tmp_path, ID, "before", look)
    keeping.save(tmp_path, ID, "after", {**look, "container": Finding({"status": "running"})})
    return tmp_path


class Page(HTMLParser):
    """Collects the tags of a page, the text of each kind, and every attribute."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def written(directory: Path, days: float = 30) -> str:
    """Return the page of the last `days`."""
    return page.write(material.collect(directory, "mx1", NOW - days * DAY_S, NOW), clock)


def test_the_page_tells_all_that_happened(directory: Path) -> None:
    """Availability and latency of each service, the incident with its restart, before and after."""
    text = " ".join("".join(Page(written(directory)).words).split())
    for part in (
        "Mail on mx1",
        "98.75 %of the time, the services answered",
        "1incident",
        "SMTP:25",
        "97.50 %",
        "100 %",
        "No incident has been open since 2027-01-15",
        "lasted 3 min",
        "(1 restart, which helped)",
        "Restart 1: it helped.",
        "the container does not run: it is exited with exit code 137",
        "exited, exit code 137",
        "running",
        f"Incident {ID}",
    ):
        assert part in text, part


def test_nothing_is_loaded_and_nothing_runs(directory: Path) -> None:
    """No script, no address of anything outside, and a policy that forbids both."""
    text = written(directory)
    found = Page(text)
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & set(found.tags)
    for name, value in found.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href", "action"):
            assert value.startswith("#")
    for address in re.findall(r"(?:https?:)?//[^\"'\s<]+", text):
        # The names of SVG's own namespaces are no addresses.
        assert address.startswith("http://www.w3.org/")
    assert "default-src 'none'" in text


def test_hostile_text_stays_text(directory: Path) -> None:
    """Names, details, causes and logs come from outside: each is shown as it is, and escaped."""
    text = written(directory)
    assert "<script" not in text
    assert "</pre></details></pre>" not in text
    shown = "".join(Page(text).words)
    assert shown.count("<script>alert('x')</script>") >= 5


def test_drawings_are_sound_and_follow_the_theme(directory: Path) -> None:
    """Each is well-formed SVG whose colours are the page's, with a name for those who can't see."""
    text = written(directory)
    drawings = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(drawings) == 2 + 2 * 2
    ids: list[str] = []
    for drawing in drawings:
        ET.fromstring(drawing.replace("xlink:href", "href"))
        assert 'role="img"' in drawing
        assert "aria-label=" in drawing
        assert not re.search(r"#0[0-9a]0[0-9a]0[0-9a]", drawing)
        ids += re.findall(r'<clipPath id="([^"]+)"', drawing)
    assert "var(--good)" in text
    assert len(ids) == len(set(ids))


def test_a_short_time_is_shown_by_the_hour(directory: Path) -> None:
    """Three days and less have more to tell than three bars."""
    found = material.collect(directory, "mx1", NOW - 3 * DAY_S, NOW)
    assert found.span_s == 3600
    assert len(found.services["SMTP:25"]) == 12
    assert "each hour" in page.write(found, clock)


OUTAGE_S = 600.0


def a_day_with_an_outage(directory: Path, days_ago: float = 0.0) -> None:
    """Record a day of checks every two minutes, every ten seconds while ten minutes of it fail."""
    start = NOW - (1 + days_ago) * DAY_S
    begin = start + 7200
    rounds: list[tuple[tuple[Reading, ...], Now]] = []
    at = start
    while at < start + DAY_S:
        fails = begin <= at < begin + OUTAGE_S
        verdict, fault = (Verdict.FAIL, Fault.SILENT) if fails else (Verdict.PASS, None)
        rounds.append(((Reading("SMTP:25", verdict, fault),), Now(at - start, at)))
        at += 10 if fails else 120
    since, over = Now(7200, begin), Now(7200 + OUTAGE_S, begin + OUTAGE_S)
    failures = (Failure("SMTP:25", Fault.SILENT, words("silent")),)
    incident = Incident(ID, since, since, failures, failures, closed=over)
    with closing(SqliteStore(directory, no_words)) as store:
        store.restore(Now(0, start))
        for readings, now in rounds:
            store.record(readings, now)
        store.commit(Commit(State(Stage.DOWN, incident, last_id=ID), since))
        store.commit(Commit(State(Stage.HEALTHY, last_id=ID), over, closed=incident))


@pytest.mark.parametrize("kept", [True, False], ids=["readings", "incident"])
def test_availability_is_a_share_of_the_time(tmp_path: Path, kept: bool) -> None:
    """Ten minutes of a day are 0.69 % of it, however often mailwatch looked meanwhile.

    Where the readings are gone, the incident tells how long it was.
    """
    a_day_with_an_outage(tmp_path, days_ago=20 + NOW % DAY_S / DAY_S)
    if not kept:
        with closing(sqlite3.connect(tmp_path / NAME)) as connection, connection:
            connection.execute("DELETE FROM readings")
    found = material.collect(tmp_path, "mx1", NOW - 30 * DAY_S, NOW, 400)
    assert found.span_s == DAY_S
    share = material.availability(found.services["SMTP:25"])
    assert share == pytest.approx(1 - OUTAGE_S / DAY_S, abs=1e-4)


def test_what_is_not_known_is_no_time(tmp_path: Path) -> None:
    """A host that was off for a day was neither up nor down, and the page begins with the data."""
    a_day_with_an_outage(tmp_path, days_ago=1)
    found = material.collect(tmp_path, "mx1", NOW - 30 * DAY_S, NOW, 400)
    (spans,) = found.services.values()
    assert sum(span.up_s + span.down_s for span in spans) == pytest.approx(DAY_S, abs=401)
    assert found.since == NOW - 2 * DAY_S
    assert found.span_s == 3600
    assert 0 <= found.since - found.begin < 3600


FRAMES = """<!doctype html><meta charset=utf-8><body><script>
const page = {page}, found = [];
onload = async () => {{
  for (const width of [390, 1280]) {{
    const frame = document.createElement('iframe');
    frame.width = width; frame.height = 900; frame.srcdoc = page; frame.style.border = 0;
    document.body.append(frame);
    await new Promise(done => frame.onload = done);
    const inside = frame.contentDocument;
    inside.querySelectorAll('details').forEach(one => one.open = true);
    found.push(`width ${{width}}: ${{inside.querySelectorAll('body *').length > 100}}`);
    for (const one of inside.querySelectorAll('body *')) {{
      const box = one.getBoundingClientRect();
      if (box.width && (box.right > width + 1 || box.left < -1) && !one.closest('pre'))
        found.push(`overflow at ${{width}}: ${{one.tagName}} ${{one.textContent.slice(0, 40)}}`);
    }}
  }}
  document.body.textContent = found.join('\\n') + '\\nend';
}}
</script>"""


def test_nothing_overflows_on_a_phone_or_a_desk(directory: Path, tmp_path: Path) -> None:
    """A browser lays out every element within 390 and within 1280 pixels."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium is installed here, which lays the page out")
    frames = tmp_path / "frames.html"
    frames.write_text(FRAMES.format(page=json.dumps(written(directory)).replace("</", "<\\/")))
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
               f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000",
               frames.as_uri()]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    shown = re.sub(r"<script>.*?</script>", "", done.stdout, flags=re.DOTALL)
    assert "width 390: true" in shown, done.stderr
    assert "width 1280: true" in shown
    assert "overflow" not in shown


def test_a_phone_has_before_and_after_below_each_other(directory: Path) -> None:
    """Where the page is narrow, no row of the comparison is laid out as columns."""
    text = written(directory)
    assert text.count('<table class="pair">') == 1
    narrow = text[text.index("@media(max-width:599px)") :]
    assert ".pair th,.pair td{display:block" in narrow
    for word in ("before", "after"):
        assert f'content:"{word}"' in narrow


@pytest.mark.parametrize("home", ["there", "/proc/none"])
def test_nothing_is_left_in_a_home_and_none_is_needed(
    report: list[str], tmp_path: Path, home: str
) -> None:
    """Neither matplotlib nor fontconfig keeps anything there, or complains that it cannot."""
    place = tmp_path / "there"
    place.mkdir()
    environ = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH") if key in os.environ}
    environ["HOME"] = str(tmp_path / home)
    command = [sys.executable, "-m", "mailwatch", *report]
    done = subprocess.run(command, capture_output=True, env=environ, timeout=60, check=False)
    assert done.returncode == 0
    assert done.stderr == b""
    assert list(place.iterdir()) == []


def test_nothing_to_tell_is_said(tmp_path: Path) -> None:
    """A new installation has a page too."""
    with closing(SqliteStore(tmp_path, no_words)) as store:
        store.restore(Now(0, NOW))
    text = written(tmp_path)
    assert "No incident in this time." in text
    assert "No check was recorded in this time." in text


@pytest.fixture
def report(directory: Path, tmp_path: Path) -> list[str]:
    """Return the words of the command, with a configuration of the test's own."""
    config = tmp_path / "mailwatch.toml"
    config.write_text(f'[state]\ndirectory = "{directory}"\n')
    return ["report", "--config", str(config)]


def test_the_command_writes_a_file_for_its_owner(
    report: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`-o` writes it whole, for nobody else to read; without it the page is the output."""
    out = tmp_path / "report.html"
    assert main([*report, "--since", "400d", "-o", str(out)]) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert out.read_text().startswith("<!doctype html>")
    assert str(out) in capsys.readouterr().err
    assert main(report) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    assert main([*report, "-o", str(tmp_path / "no" / "x")]) == 73
    assert "cannot be written" in capsys.readouterr().err


def test_without_matplotlib_one_sentence_says_what_to_install(
    report: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library is only suggested by the package."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(report) == 69
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        "The report is drawn with matplotlib, which is not installed: run "
        "`apt install python3-matplotlib` and try again."
    ]


@pytest.mark.parametrize("span", ["", "soon", "0s", "401d", "-1d"])
def test_a_span_that_makes_no_sense_is_refused(
    span: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the way to write it."""
    with pytest.raises(SystemExit):
        main(["report", f"--since={span}"])
    assert "--since" in capsys.readouterr().err
