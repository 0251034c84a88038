"""Hands messages from the outbox to the notifiers, a channel each, never on the loop's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailwatch.core.deadline import Clock, Deadline
from mailwatch.core.facts import NOTHING, Fact, fact
from mailwatch.core.model import Now
from mailwatch.core.outbox import (
    QueuedMessage,
    after_failure,
    as_sent,
    merge,
    next_entry,
    retry_now,
)
from mailwatch.core.say import line
from mailwatch.host.job import Job
from mailwatch.host.journal import Journal, Level
from mailwatch.notifiers import DeliveryError, Notifier
from mailwatch.service.queue_events import EventQueue
from mailwatch.store.base import Store

SEND_LIMIT_S = 60.0
"""How long one delivery may take at most, whatever a notifier's own timeout is."""

SLACK_S = 30.0
"""How long past its deadline a delivery may be: the resolver has no timeout of ours."""

_ENDED_AT_ONCE = 20
"""How many messages of a channel that is gone end in one turn, each with a write to the disk."""


@dataclass(slots=True)
class _Channel:
    """One way to the admin: its messages leave in order, one at a time."""

    name: str
    notifier: Notifier | None
    """None where it is not configured any more: it ends with what is under way."""
    message: QueuedMessage | None = None
    """What is under way."""
    job: Job[DeliveryError | None] | None = None
    reached: float | None = None
    """When it last took a message (seconds since 1970), None as long as it has not."""
    trouble: Fact | None = None
    """Why the last delivery failed, NOTHING where it did not, None before the first."""


class Delivery:
    """Works the outbox off, each channel for itself: none waits for another."""

    def __init__(
        self,
        channels: Mapping[str, Notifier],
        store: Store,
        events: EventQueue,
        journal: Journal,
        clock: Clock,
        clock_text: Callable[[float], str],
        jitter: Callable[[], float],
    ) -> None:
        """Deliver over `channels`, by their names in the outbox; see `core.outbox` for the rest."""
        self._channels = {name: _Channel(name, channels[name]) for name in channels}
        self._store = store
        self._events = events
        self._journal = journal
        self._clock = clock
        self._clock_text = clock_text
        self._jitter = jitter
        self._news = True
        self._wake_at: float | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the channels, for each of which a message is a row in the outbox."""
        return tuple(one.name for one in self._channels.values() if one.notifier is not None)

    @property
    def reached(self) -> Mapping[str, float | None]:
        """When each channel last took a message in this process, in seconds since 1970."""
        return {name: self._channels[name].reached for name in self.channels}

    @property
    def troubles(self) -> Mapping[str, Fact]:
        """Why the last delivery failed, of each channel that was tried; NOTHING where it worked."""
        tried = {name: self._channels[name].trouble for name in self.channels}
        return {name: trouble for name, trouble in tried.items() if trouble is not None}

    def replace(self, channels: Mapping[str, Notifier]) -> None:
        """Use other notifiers, and try at once what the old ones could not deliver."""
        sending = {one.name: one for one in self._channels.values() if one.job is not None}
        for name, channel in sending.items():
            channel.notifier = channels.get(name)
        reached = {one.name: one.reached for one in self._channels.values()}
        fresh = {
            name: _Channel(name, channels[name], reached=reached.get(name)) for name in channels
        }
        self._channels = {**fresh, **sending}
        self._store.keep_entries(retry_now(self._store.entries()))
        self._news = True

    def wrote(self) -> None:
        """Take note that the outbox has changed."""
        self._news = True

    def wake_at(self) -> float | None:
        """Return when (steady) there is something to do, None as long as nothing new is written."""
        jobs = [channel.job for channel in self._channels.values() if channel.job is not None]
        moments = [self._wake_at, *(job.overdue_at for job in jobs)]
        return min((moment for moment in moments if moment is not None), default=None)

    def advance(self, now: Now) -> None:
        """Send what is due, unless a message of the same channel is under way."""
        for channel in list(self._channels.values()):
            if channel.job is not None and channel.job.overdue_at <= now.steady:
                silent = fact("notifier-silent", waited_s=SEND_LIMIT_S + SLACK_S)
                self._ended(channel, DeliveryError(silent), now)
        if not self._news and (self._wake_at is None or now.steady < self._wake_at):
            return
        self._news, self._wake_at = False, None
        self._end_what_has_no_channel(now)
        for channel in self._channels.values():
            entry = None if channel.job else next_entry(self._merged(channel.name), channel.name)
            if entry is None or channel.notifier is None:
                continue
            if entry.not_before <= now.steady:
                self._send(channel, channel.notifier, entry, now)
            elif self._wake_at is None or entry.not_before < self._wake_at:
                self._wake_at = entry.not_before

    def take(self, job: Job[Any], now: Now) -> None:
        """Take the outcome of a delivery; another's job, or one that was given up, is ignored."""
        for channel in list(self._channels.values()):
            if channel.job is job:
                self._ended(channel, job.answer, now)

    def stood_still(self, lost_s: float) -> None:
        """Give every delivery that is under way the `lost_s` that this process has just lost."""
        for channel in self._channels.values():
            if channel.job is not None:
                channel.job.lose(lost_s)

    def finish(self, seconds: float) -> None:
        """Give the deliveries that are under way at most `seconds` to end."""
        deadline = Deadline.after(seconds, self._clock)
        for channel in self._channels.values():
            if channel.job is not None:
                channel.job.join(max(0.0, deadline.at - self._clock()))

    def _ended(self, channel: _Channel, error: DeliveryError | None, now: Now) -> None:
        entry = channel.message
        channel.message, channel.job, self._news = None, None, True
        notifier = channel.notifier
        if channel.notifier is None:
            del self._channels[channel.name]
        if entry is None:
            return
        name, title = channel.name if len(self._channels) > 1 else "", entry.message.title
        channel.trouble = NOTHING if error is None else error.detail
        if error is None:
            if not getattr(notifier, "writes_log", False):
                self._journal.info(line("sent", channel=name, title=title))
            channel.reached = now.wall
            self._store.delivered(entry, now)
            return
        failed = after_failure(entry, error.detail, error.permanent, now, self._jitter())
        again_s, trouble = failed.not_before - now.steady, error.detail
        said = line("not-told-yet", channel=name, title=title, trouble=trouble, again_s=again_s)
        self._journal.write(Level.ERROR if error.permanent else Level.WARNING, said)
        entries = self._store.entries()
        self._store.keep_entries([failed if one.id == entry.id else one for one in entries])

    def _end_what_has_no_channel(self, now: Now) -> None:
        gone = [one for one in self._store.entries() if one.channel not in self._channels]
        if len(gone) > _ENDED_AT_ONCE:
            self._news, self._wake_at = True, now.steady
        for entry in gone[:_ENDED_AT_ONCE]:
            message = entry.message
            why = line("channel-gone", channel=entry.channel, title=message.title)
            # With all that it would have told: nobody else is told it any more.
            self._journal.warning(f"{why}\n{message.body}".rstrip("\n"))
            self._store.give_up(entry, now)

    def _merged(self, channel: str) -> Sequence[QueuedMessage]:
        """Return what waits for `channel`, with each incident that is over told in one message."""
        entries = self._store.entries()
        merged = merge([entry for entry in entries if entry.channel == channel])
        kept = [*merged, *(entry for entry in entries if entry.channel != channel)]
        if len(kept) != len(entries):
            self._store.keep_entries(sorted(kept, key=lambda entry: entry.id))
        return merged

    def _send(self, channel: _Channel, notifier: Notifier, entry: QueuedMessage, now: Now) -> None:
        deadline = Deadline.after(SEND_LIMIT_S, self._clock)
        job = channel.job = Job(f"delivery-{channel.name}", deadline, SLACK_S)
        channel.message, message = entry, as_sent(entry, now, self._clock_text)

        def send() -> DeliveryError | None:
            try:
                notifier.send(message, deadline)
            except DeliveryError as error:
                return error
            return None

        def failed(why: Fact) -> DeliveryError:
            return DeliveryError(fact("not-sent", why=why))

        job.start(send, failed, lambda _error: self._events.put(job))
