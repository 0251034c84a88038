"""The export's configuration: what may hold a secret is left out, whatever its key is called."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from mailwatch.cli.incident_export import archive
from mailwatch.config.load import load
from mailwatch.core.model import Now
from mailwatch.core.state import Incident

TEXT = """
[gotify]
url = "https://push.example.org:8443/SECRET1"
token = "SECRET4"
[state]
directory = "/var/lib/mailwatch"
[watch]
interval_s = 60
[[services]]
name = "web"
probe = "http"
port = 8080
http_path = "/health?key=SECRET5"
http_headers = ["Authorization: Bearer SECRET6"]
http_body = "SECRET7"
[[services]]
name = "queue"
probe = "command"
command = ["/usr/bin/curl", "-H", "Authorization: SECRET8"]
"""


def test_the_configuration_is_exported_by_a_list_of_what_may_be_shown(tmp_path: Path) -> None:
    """No header's value, no argument, no query and no path of a URL leaves this host."""
    path = tmp_path / "mailwatch.toml"
    path.write_text(TEXT)
    path.chmod(0o600)
    began = Now(0, 1_790_000_000)
    packed = archive(Incident("A", began, began, (), ()), [], {}, load(path, {}, {}))
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        files = {one.name.rpartition("/")[2]: tar.extractfile(one) for one in tar}
        found = files["config.json"]
        assert found is not None
        text = found.read().decode()
    assert "SECRET" not in text
    shown = json.loads(text)
    assert shown["gotify.url"] == "https://push.example.org:8443"
    assert shown["gotify.token"] == "***"
    assert shown["watch.interval_s"] == 60
    assert shown["state.directory"] == "/var/lib/mailwatch"
    assert shown["services[1].http_path"] == "/health"
    assert shown["services[1].http_headers"] == "***"
    assert shown["services[1].port"] == 8080
    assert shown["services[2].command"] == ["/usr/bin/curl", "***"]
