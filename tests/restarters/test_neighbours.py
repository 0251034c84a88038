"""What the list of all containers tells: who shares the network, who is stranded, who is meant."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mailwatch.core.say import say
from mailwatch.docker.neighbours import is_stranded, orphans
from mailwatch.docker.network import host_of
from mailwatch.restarters import RestartError
from mailwatch.restarters.docker import DockerRestarter, Settings
from mailwatch.restarters.docker_doctor import neighbours

if TYPE_CHECKING:
    from tests.restarters.conftest import Engine, Within

OWNER, GONE = "0123456789abcdef" * 4, "f" * 64


def another(name: str, network: str = "bridge", state: str = "running", **more: Any) -> Any:
    """Return what a list shows of one container."""
    mode = {"NetworkMode": network}
    return {"Id": name * 8, "Names": [f"/{name}"], "State": state, "HostConfig": mode, **more}


def _labels(project: str, service: str) -> dict[str, str]:
    return {"com.docker.compose.project": project, "com.docker.compose.service": service}


@pytest.mark.parametrize("host", [OWNER, OWNER[:12], "stalwart"])
def test_who_shares_its_network_is_known_by_id_and_name(
    engine: Engine, restarter: DockerRestarter, within: Within, host: str
) -> None:
    """Those that run, whatever else is in a network of another, and whatever the list holds."""
    engine.others = [
        another("web", f"container:{host}"),
        another("dkim", f"container:{host}", Names=["/dkim", "/web/alias"]),
        another("old", f"container:{host}", "exited"),
        another("vpn", f"container:{GONE}"),
        another("few", "container:01"),
        {"Names": None, "HostConfig": [], "State": 1},
    ]
    assert restarter.inspect(within(30)).sharers == ("dkim", "web")


@pytest.mark.parametrize("answer", [(403, {"message": "no"}), (200, {"no": "list"}), (200, [7])])
def test_a_list_that_cannot_be_had_costs_nothing_else(
    engine: Engine, restarter: DockerRestarter, within: Within, answer: tuple[int, object]
) -> None:
    """A proxy of the socket may forbid it: the look is as good as before."""
    before = restarter.inspect(within(30))
    engine.script["list"] = lambda request: request.reply(*answer)
    assert restarter.inspect(within(30)) == replace(before, sharers=())


def test_a_list_that_hangs_ends_before_the_look(
    engine: Engine, restarter: DockerRestarter, within: Within, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has a time of its own."""
    monkeypatch.setattr("mailwatch.restarters.docker.LIST_S", 0.1)
    engine.script["list"] = lambda request: request.hang()
    assert restarter.inspect(within(30)).condition == "running"


def test_who_was_in_the_network_of_one_that_is_gone(engine: Engine) -> None:
    """Compose has made the owner anew: those of its project are told, and no others."""
    assert engine.container is not None
    record = engine.container | {"Config": {"Labels": _labels("mail", "stalwart")}}
    others = [
        another("stalwart", Id=OWNER, Labels=_labels("mail", "stalwart")),
        another("web", f"container:{GONE}", Labels=_labels("mail", "web")),
        another("dkim", f"container:{OWNER}", Labels=_labels("mail", "dkim")),
        another("vpn", f"container:{GONE}", Labels=_labels("home", "vpn")),
    ]
    assert orphans(record, others) == ("web",)
    guest = record | {"HostConfig": {"NetworkMode": f"container:{GONE}"}}
    assert is_stranded(host_of(guest), others)
    assert not is_stranded(host_of(record), others)


def test_the_doctor_tells_all_three(engine: Engine) -> None:
    """With what to do about each, and nothing where there is nothing."""
    assert engine.container is not None
    assert list(neighbours(engine.path, "stalwart", engine.container)) == []
    engine.others = [
        another("web", "container:stalwart"),
        another("dkim", f"container:{OWNER}"),
        another("spam", f"container:{GONE}"),
    ]
    guest = engine.container | {"HostConfig": {"NetworkMode": f"container:{GONE}"}}
    stranded, cut, lost = neighbours(engine.path, "stalwart", guest)
    assert (stranded.grade, cut.grade, lost.grade) == ("problem", "warning", "warning")
    assert "no restart can succeed" in stranded.sentence
    assert "restart dkim and web as well" in cut.cure
    assert "spam" in lost.sentence
    engine.stop()
    (blind,) = neighbours(engine.path, "stalwart", guest)
    assert blind.grade == "warning"


def test_a_restart_that_lacks_the_network_of_another_is_nobodys_work(
    engine: Engine, restarter: DockerRestarter, within: Within
) -> None:
    """The engine's 404 is about the other one: the container itself is there, and now stopped."""

    def restart(request: Any) -> None:
        engine.goes_down()
        request.reply(404, {"message": f"No such container: {GONE}"})

    engine.script["restart"] = restart
    with pytest.raises(RestartError, match="something that it needs is gone") as caught:
        restarter.restart(within(30))
    assert not caught.value.intervened
    assert caught.value.left is not None
    assert caught.value.left.identity == engine.identity


@pytest.mark.parametrize(
    ("name", "others", "meant"),
    [
        ("proj_mail_1", [another("proj-mail-1"), another("proj-mail-2")], "proj-mail-1"),
        ("mail", [another("x-y-1", Labels=_labels("x", "mail")), another("maid")], "x-y-1"),
        ("proj_mail_1", [another("smtp", Labels=_labels("proj", "mail"))], "smtp"),
        ("stalwart", [another("mx", Image="r:5/stalwartlabs/stalwart:v0.13")], "mx"),
        ("stalwart", [another("mx", Image="stalwart@sha256:0123")], "mx"),
        ("stalwart", [another("mx", Image="stalwart"), another("m2", Image="stalwart")], ""),
        ("stalwart", [another("web")], ""),
    ],
)
def test_the_one_that_is_meant_is_named(
    engine: Engine, within: Within, name: str, others: list[Any], meant: str
) -> None:
    """By both looks alike, with the line to write; of two that fit, neither is proposed."""
    engine.container, engine.names, engine.others = None, [], others
    restarter = DockerRestarter(Settings(name, engine.path))
    for seen in (restarter.inspect(within(30)), restarter.glance(within(30))):
        assert seen.condition == "missing"
        assert (f'set container = "{meant}"' in say(seen.detail)) is bool(meant)
    restarter.close()
