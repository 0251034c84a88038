"""What the control socket may ask of the service: status, pause, resume and reload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mailwatch.core.facts import fact
from mailwatch.core.model import Now
from mailwatch.core.say import ClockText, line, say
from mailwatch.host.journal import Journal
from mailwatch.service.control import Answer
from mailwatch.service.queue_events import Asked

SHORTEST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 7 * 86_400.0
"""A pause that is longer is a service to stop: `systemctl disable --now mailwatch`."""


Reply = Callable[[Sequence[str]], None]
"""Takes the mistakes that kept the old configuration in force, none where the new one is."""


class Commands:
    """Does what is asked on the loop's thread, and so must be quick."""

    def __init__(
        self,
        status: Callable[[Now], dict[str, Any]],
        pause: Callable[[Now | None, Now], bool],
        reload: Callable[[Reply], None],
        journal: Journal,
        clock_text: ClockText,
    ) -> None:
        """`pause` returns whether one was in force; `reload` only begins it, and gives its
        argument the mistakes that kept the old configuration in force, later or at once.
        """
        self._status = status
        self._pause = pause
        self._reload = reload
        self._journal = journal
        self._clock_text = clock_text

    def answer(self, asked: Asked, now: Now) -> None:
        """Do it, and reply; to a reload when it is over."""
        if asked.verb == "reload":
            self._reload(lambda mistakes: asked.reply({"mistakes": list(mistakes)}))
        else:
            asked.reply(self._answer(asked, now))

    def _answer(self, asked: Asked, now: Now) -> Answer:
        match asked.verb:
            case "status":
                return self._status(now)
            case "pause":
                return self._begin_pause(asked, now)
            case "resume":
                was_paused = self._pause(None, now)
                if was_paused:
                    self._journal.notice(line("log-resumed", user=asked.user or None))
                return {"was_paused": was_paused}
            case _:
                return {"error": line("control-nonsense")}

    def _begin_pause(self, asked: Asked, now: Now) -> Answer:
        seconds = asked.question.get("seconds")
        if not isinstance(seconds, int | float) or not (
            SHORTEST_PAUSE_S <= seconds <= LONGEST_PAUSE_S
        ):
            return {"error": line("pause-span")}
        until = Now(now.steady + seconds, now.wall + seconds)
        self._pause(until, now)
        begun = fact("log-paused", until_at=until.wall, user=asked.user or None)
        self._journal.notice(say(begun, self._clock_text))
        return {"paused_until": until.wall}
