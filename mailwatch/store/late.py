"""What is still worth taking in of a file that could be read only after the start."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from mailwatch.core.notes import Notes
from mailwatch.store.base import Memory


def with_late(memory: Memory, found: Memory) -> Memory:
    """Return `memory` with the entries and notes of `found`, which came too late for the state.

    Where both know something of the same service, `memory` is newer and stays. Entries found
    come first; those after them keep the ids that were handed out.
    """
    joined = {
        name: _joined(getattr(found.notes, name), getattr(memory.notes, name))
        for name in ("certificates", "proven", "unmeasured_services")
    }
    for one in fields(memory.notes):
        if one.name not in joined and getattr(memory.notes, one.name) == _NO_NOTES[one.name]:
            joined[one.name] = getattr(found.notes, one.name)
    late, entries = found.entries, memory.entries
    if late and entries and late[-1].id >= entries[0].id:
        first = entries[0].id - len(late)
        late = tuple(replace(entry, id=first + i) for i, entry in enumerate(late))
    return replace(
        memory,
        notes=replace(memory.notes, **joined),
        entries=(*late, *entries),
        paused_until=memory.paused_until or found.paused_until,
    )


_NO_NOTES = {one.name: getattr(Notes(), one.name) for one in fields(Notes)}


def _joined(old: Any, new: Any) -> Any:
    """Return `new` with what only `old` knows: both are made of mappings and sets."""
    names = [field.name for field in fields(new)]
    return replace(new, **{name: getattr(old, name) | getattr(new, name) for name in names})
