"""A mount namespace of our own, wherever we live: on a machine, or in a chroot on one."""

from __future__ import annotations

FROM_THE_ROOT = ("nsenter", "--mount=/proc/self/ns/mnt")
"""Runs a command at the very root of its mount namespace, outside of a chroot (setns(2))."""

UNSHARE = ("unshare", "--mount", "--propagation=unchanged", "--pid", "--fork", "--kill-child")
"""Runs a command in new namespaces of mounts and of processes; APART has to come first there."""

APART = f"{' '.join(FROM_THE_ROOT)} mount --make-rprivate /"
"""The shell command that keeps what is mounted from then on to the namespace.

What unshare(1) does itself begins at its own root, which in a chroot may be no mount at all, and
leaves the rest as it is.
"""
