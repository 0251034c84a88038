"""Notifiers: one file a way to deliver one message."""

from __future__ import annotations

from typing import Protocol

from mailwatch.core.deadline import Deadline
from mailwatch.core.message import Message
from mailwatch.notifiers.errors import DeliveryError

__all__ = ["DeliveryError", "Notifier"]


class Notifier(Protocol):
    """What every notifier does."""

    def send(self, message: Message, deadline: Deadline) -> None:
        """Deliver `message`, or raise DeliveryError; it ends with `deadline`."""
