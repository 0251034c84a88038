"""What the Docker engine and its containers are doing, and why they could not be asked."""

from __future__ import annotations

from mailwatch.core.sentences import Plural, Sentences

SENTENCES: Sentences = {
    # --- the engine ---
    "no-sdk": (
        "Python's docker package is missing or broken, so the container cannot be looked at: "
        "install python3-docker."
    ),
    "engine-forbids": (
        "The Docker engine forbids it ({status}: {said}): allow mailwatch to inspect and restart "
        "this container in the engine's authorisation plugin or socket proxy."
    ),
    "engine-error": (
        "The Docker engine answers with an error ({status}: {said}): see `journalctl -u docker`."
    ),
    "engine-not-understood": (
        "What answers at the Docker socket cannot be understood: check that [restart] socket is "
        "that of a Docker engine, and see `journalctl -u docker`."
    ),
    "engine-too-slow": (
        "The Docker engine at {socket} does not answer in time: see `systemctl status docker` and "
        "`journalctl -u docker`."
    ),
    "engine-stuck": (
        "The Docker engine at {socket} takes no more connections, so it is stuck: see `systemctl "
        "status docker` and `journalctl -u docker`."
    ),
    "engine-stopped": (
        "Docker is stopped, and a connection to {socket} would start it: `systemctl start docker` "
        "does that."
    ),
    "engine-closed": (
        "The connection to the Docker engine at {socket} failed (it was closed without an "
        "answer): see `systemctl status docker`."
    ),
    "engine-connection": (
        "The connection to the Docker engine at {socket} failed ({error}): see `systemctl status "
        "docker`."
    ),
    "socket-absent": (
        "There is no Docker socket at {socket}: start Docker with `systemctl start docker`, or "
        "correct [restart] socket."
    ),
    "socket-no-socket": (
        "{socket} is not a socket: correct [restart] socket, or remove what is there and restart "
        "Docker (a container that mounts a missing socket leaves a directory)."
    ),
    "socket-unheard": (
        "Nothing listens on the Docker socket {socket}: start Docker with `systemctl start docker`."
    ),
    "socket-hidden": (
        "User {user} may not look into {directory}, where the Docker socket should be: let that "
        "user search the directory, or correct [restart] socket."
    ),
    "socket-needs-group": (
        "User {user} may not use the Docker socket {socket} (owner {owner}, group {group}, mode "
        "{mode}): run `systemctl edit mailwatch`, add the lines [Service] and "
        "SupplementaryGroups={group}, then `systemctl restart mailwatch`."
    ),
    "socket-needs-name": (
        "User {user} may not use the Docker socket {socket} (owner {owner}, group {group}, which "
        "has no name here, mode {mode}): give it one with `groupadd -g {group} dockersocket`, run "
        "`systemctl edit mailwatch`, add the lines [Service] and SupplementaryGroups=dockersocket, "
        "then `systemctl restart mailwatch`."
    ),
    "engine-not-asked": "The Docker engine could not be asked: {why}.",
    "socket-needs-mode": (
        "User {user} may not use the Docker socket {socket} (owner {owner}, group {group}, mode "
        "{mode}): give the socket to group docker with mode 0660 (SocketGroup= and SocketMode= in "
        "docker.socket), which the unit of mailwatch belongs to."
    ),
    # --- a container ---
    "container-missing": (
        "There is no container named {name}: create it, or correct [restart] container (`docker "
        "ps -a` lists all)."
    ),
    "container-missing-near": (
        "There is no container named {name} (did you mean {near:or}?): create it, or correct "
        "[restart] container (`docker ps -a` lists all)."
    ),
    "container-missing-namesake": (
        "There is no container named {name}, and {other} seems to be what it is called now: set "
        'container = "{other}" in [restart], and reload mailwatch.'
    ),
    "container-missing-among": (
        "There is no container named {name} (Docker has {count} of other names): create it, or "
        "correct [restart] container (`docker ps -a` lists all)."
    ),
    "container-of-that-id": (
        "There is no container named {name}; the one with that id is named {other}: put that name "
        "into [restart] container, because ids change."
    ),
    "container-unhealthy": "Docker's health check calls {name} unhealthy.",
    "container-health-starting": "Docker's health check of {name} has not passed yet.",
    "container-being-stopped": "Docker was told to stop or restart {name}, and is doing so.",
    "container-restarting": Plural(
        "restarts",
        "Docker is restarting {name} by itself, after one restart and an end with exit code "
        "{exit_code}.",
        "Docker is restarting {name} by itself, after {restarts} restarts and an end with exit "
        "code {exit_code}.",
    ),
    "container-paused": "Somebody paused {name}: `docker unpause {name}` lets it run.",
    "container-not-started": (
        "{name} was created but never started: `docker start {name}` starts it."
    ),
    "container-start-failed": "{name} could not be started ({error}).",
    "container-being-removed": "{name} is being removed.",
    "container-half-removed": (
        "Docker could only partly remove {name}: remove it with `docker rm -f {name}` and create "
        "it again."
    ),
    "container-unknown-status": (
        "Docker says that {name} is '{status}', which this version of mailwatch does not know: "
        "update mailwatch."
    ),
    "container-stopped": (
        "Somebody stopped {name} at {ended_at:clock}: `docker start {name}` starts it."
    ),
    "container-surely-stopped": (
        "Somebody stopped {name} at {ended_at:clock}, or Docker would have restarted it: `docker "
        "start {name}` starts it."
    ),
    "container-ended": (
        "{name} ended at {ended_at:clock} with exit code {exit_code}, and Docker no longer "
        "knows whether somebody stopped it: `docker start {name}` starts it."
    ),
    "container-removed": "Somebody removed {name} at {at:clock}: create it again to have it run.",
    "container-removed-itself": (
        "{name} ended by itself at {at:clock}, and Docker removed it, as `--rm` says: create it "
        "anew."
    ),
    "container-renamed": (
        "{name} was renamed to {other} at {at:clock}: put that name into [restart] container."
    ),
    "container-out-of-memory": (
        "The kernel killed {name} at {ended_at:clock} because it ran out of memory: give it more "
        "memory."
    ),
    "container-crashed": "{name} ended by itself at {ended_at:clock} with exit code {exit_code}.",
    # --- its restart ---
    "restart-left-alone": "It was left alone. {found}",
    "restart-late": (
        "Docker did not finish restarting {name} in time, and may still do it: see `docker ps -a` "
        "and `journalctl -u docker`."
    ),
    "container-lacks": (
        "Docker cannot start {name} again because something that it needs is gone, such as the "
        "container whose network it shares: create {name} anew (`docker compose up -d "
        "--force-recreate`)."
    ),
    "container-replaced": (
        "{name} was removed or replaced while it was being restarted: see `docker ps -a`."
    ),
}
