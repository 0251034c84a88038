"""Evidence on the disk: what comes back, who may read it, and what gives way."""

from __future__ import annotations

import gzip
import os
import random
import stat
from pathlib import Path

import pytest

from mailwatch.core.evidence import GATHERED, Evidence, Finding
from mailwatch.core.facts import words
from mailwatch.evidence import keeping

ID = "20261122T031402Z"
LOOK: Evidence = {
    GATHERED: Finding({"at": 1.5, "took_s": 0.2}),
    "host": Finding({"load": [0.1, 0.2, 0.3]}, {"pressure": words("there is none")}),
}


def test_what_was_kept_comes_back(tmp_path: Path) -> None:
    """Both moments, with the reasons for what could not be read."""
    keeping.save(tmp_path, ID, "before", LOOK)
    found = keeping.load(tmp_path, ID)
    assert found["after"] is None
    assert found["before"] is not None
    assert keeping.findings(found["before"]) == LOOK


def test_only_the_service_and_its_group_may_read_it(tmp_path: Path) -> None:
    """0640 in 0750, whatever the umask is; no other file is left behind."""
    before = os.umask(0)
    try:
        path = keeping.save(tmp_path, ID, "after", LOOK)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert [file.name for file in path.parent.iterdir()] == [f"{ID}.after.json.gz"]


def test_a_huge_look_is_cut_to_its_size_and_says_so(tmp_path: Path) -> None:
    """A log of noise loses its older lines, and everything else stays."""
    noise = random.Random(1)
    lines = [noise.randbytes(300).hex() for _ in range(3000)]
    look = {**LOOK, "log": Finding({"lines": lines, "cut": False})}
    path = keeping.save(tmp_path, ID, "before", look)
    assert path.stat().st_size <= keeping.MAX_FILE_BYTES
    found = keeping.load(tmp_path, ID)["before"]
    assert found is not None
    log = Finding.of_json(found["log"]).values
    assert log["cut"] is True
    assert isinstance(log["lines"], list)
    assert log["lines"] == lines[-len(log["lines"]) :]
    assert found["host"] == LOOK["host"].as_json()


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 50, gzip.compress(b"[1", mtime=0), gzip.compress(b"[]", mtime=0)]
)
def test_a_damaged_file_is_no_evidence(tmp_path: Path, content: bytes) -> None:
    """Whatever a crash or a disk made of it: None, and never an exception."""
    path = keeping.save(tmp_path, ID, "before", LOOK)
    path.write_bytes(content)
    assert keeping.load(tmp_path, ID)["before"] is None
    path.write_bytes(gzip.compress(b'{"a": 1}')[:-6])
    assert keeping.load(tmp_path, ID)["before"] is None


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", ".hidden", "a" * 99])
def test_an_id_never_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    """Ids come from the state file, which may hold anything."""
    with pytest.raises(ValueError, match="not the id"):
        keeping.load(tmp_path, name)


def test_the_oldest_gives_way(tmp_path: Path) -> None:
    """By age, then by size; and a file that a crash left half-written goes too."""
    paths = [keeping.save(tmp_path, f"2026112{day}", "before", LOOK) for day in range(5)]
    for day, path in enumerate(paths):
        os.utime(path, (1000 + day, 1000 + day))
    half = paths[0].with_name(".x.new")
    half.write_bytes(b"half")
    size = paths[0].stat().st_size
    assert keeping.prune(tmp_path, 2 * size, 1001) == 4
    assert sorted(half.parent.iterdir()) == paths[3:]
    assert keeping.prune(tmp_path / "nowhere", 0, 0) == 0


def test_a_place_that_cannot_be_written_is_an_oserror(tmp_path: Path) -> None:
    """Whoever keeps evidence can say why it could not."""
    (tmp_path / "evidence").write_text("a file in its place")
    with pytest.raises(FileExistsError):
        keeping.save(tmp_path, ID, "before", LOOK)
