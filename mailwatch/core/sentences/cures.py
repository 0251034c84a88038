"""What to do about each likely cause, a sentence each, with the arguments of the cause."""

from __future__ import annotations

from mailwatch.core.sentences import Given, Sentences

_NOFILE = "set `ulimits: nofile: 65536` for the container"
_CROWD = "Block the address that holds the connections (`mailwatch incident show last` counts them)"

SENTENCES: Sentences = {
    # the container and its host
    "cure-accept-queue-full": Given(
        "address",
        "Block {address} if it is not yours, and " + _NOFILE + ".",
        Given(
            "prefix",
            "Block {prefix} if it is not yours, and " + _NOFILE + ".",
            "Block whoever floods port {port}, and " + _NOFILE + ".",
        ),
    ),
    "cure-conntrack-full": (
        "Raise net.netfilter.nf_conntrack_max above {limit:whole}, or block what opens so many."
    ),
    "cure-disk-full": "Free space on {path}, or make it larger.",
    "cure-docker-hung": "See `systemctl status docker`, and restart it if it hangs.",
    "cure-filtered": "Take this host out of the packet filter's list (fail2ban's, say).",
    "cure-last-words": "Read the log around these words.",
    "cure-no-descriptors": "Raise fs.file-max above {limit:whole}, or end what holds so many.",
    "cure-no-inode-left": (
        "Delete the many small files on {path}, or make the file system anew with more inodes."
    ),
    "cure-no-network": "Connect it again: `docker network connect NETWORK CONTAINER`.",
    "cure-no-process-left": (
        "Raise `pids_limit` of the container above {limit:whole}, or find what starts so many."
    ),
    "cure-not-running": "Read the end of its log; `restart: unless-stopped` starts it by itself.",
    "cure-nothing-listens": "Read in its log why it opened no listener on {ports:all}.",
    "cure-nothing-listens-for": "Read in its log why it opened no listener.",
    "cure-open-files-full": Given(
        "address",
        "Block {address} if it is not yours, and " + _NOFILE + ".",
        "S" + _NOFILE[1:] + ", and find what holds so many.",
    ),
    "cure-out-of-memory": Given(
        "limit_bytes",
        "Raise `mem_limit` of the container above {limit_bytes:size}, or find what grows.",
        "Give the host more memory, or find what grows.",
    ),
    "cure-paused": "Run `docker unpause` once whoever paused it is done.",
    "cure-ports-not-published": (
        "Create the container with these ports again (`ports:` of compose, `--publish` of docker "
        "run), or correct [[services]]."
    ),
    "cure-read-only": "See `dmesg` for the disk's errors; repair it and mount it writable.",
    "cure-slow-dns": "Mend the host's resolver, or watch an IP address in place of the name.",
    "cure-stalled": Given(
        "disks",
        "Find what keeps the disks busy (`iotop`): a backup, say.",
        "Find what takes the memory (`top -o %MEM`), or add some.",
    ),
    "cure-stopped-processes": "Find out who sent SIGSTOP; `kill -CONT` lets them go on.",
    "cure-stuck-processes": "See `dmesg` for the disk or the network file system they wait for.",
    "cure-stuck-threads": "See `dmesg` for the disk or the network file system they wait for.",
    "cure-syn-flood": "Block the flood before this host, at the provider's firewall.",
    "cure-tls-times-out": "Look for a CPU limit, or for what keeps the server's workers busy.",
    # who is turned away
    "cure-ban": Given(
        "seen_as",
        "Unblock and allow-list {seen_as} in the mail server, then reload or restart it.",
        "Unblock and allow-list this host in the mail server, then reload or restart it.",
    ),
    "cure-ban-by-server": (
        "Unblock and allow-list {address} in {server}, then reload its settings or restart it: "
        "the list alone has no effect."
    ),
    "cure-server-limits-us": Given(
        "setting",
        "Raise {setting} in {server} or exempt {address} from it, or check less often.",
        "Raise the limit in {server} or exempt {address} from it, or check less often.",
    ),
    "cure-server-listener-full": Given(
        "setting", _CROWD + ", or raise {setting}.", _CROWD + ", or raise the limit."
    ),
    "cure-server-process-limit": Given(
        "setting", _CROWD + ", or raise {setting}.", _CROWD + ", or raise the limit."
    ),
    # what the server lacks
    "cure-server-no-files": (
        "Block the address that holds the connections, if one does, and " + _NOFILE + "."
    ),
    "cure-server-no-memory": Given(
        "setting",
        "Raise {setting} or `mem_limit` of the container, or find what grows.",
        "Raise `mem_limit` of the container, or find what grows.",
    ),
    "cure-server-no-process": "Raise `pids_limit` and `ulimits: nproc` of the container.",
    "cure-server-port-taken": "End what listens there already, then restart the server.",
    # its store
    "cure-server-backend-fails": "See whether {backend} runs, has room and takes its login.",
    "cure-server-mailbox-damaged": "Repair the mailbox: `doveadm force-resync -u USER '*'`.",
    "cure-server-store-corrupt": (
        "Stop the server, copy its store away, then repair it or take it from a backup."
    ),
    "cure-server-store-full": Given(
        "path",
        "Free space on the disk of {path}, or make it larger.",
        "Free space on the volume that holds its store, or make it larger.",
    ),
    "cure-server-store-locked": (
        "End the other process that has the store open (a second container on the volume, a "
        "backup), then restart the server."
    ),
    "cure-server-store-missing": (
        "Mount the volume with the store where the server looks for it, then restart the server."
    ),
    "cure-server-store-read-only": (
        "See `dmesg` for the disk's errors; repair it and mount it writable, then restart the "
        "server."
    ),
    # its files
    "cure-server-bootstrap": (
        "Mount the volume that holds its configuration where it looks for it, then restart it; a "
        "new server is set up on port 8080."
    ),
    "cure-server-certificate-unusable": "Put a valid certificate with its key there, and reload.",
    "cure-server-config-damaged": (
        "Correct what it names, or take the file from a backup, then start the server."
    ),
    "cure-server-no-permission": (
        "Give the server's user the right to it (owner and mode in the volume), then restart it."
    ),
    "cure-server-recovery-mode": (
        "Take STALWART_RECOVERY_MODE out of the container's environment and create it anew."
    ),
    "cure-server-signatures-unusable": (
        "Delete the damaged file, let freshclam fetch it again, then restart the scanner."
    ),
    # its parts
    "cure-server-crashed": "Report the crash to the makers of {server}, with the lines around it.",
    "cure-server-part-ended": "Read what {part} said before it ended.",
    "cure-server-part-failed": "Read what {part} said before it ended; a restart tries it anew.",
    "cure-server-part-silent": "Read in the log why {part} does not run or answer.",
    "cure-server-told-to-stop": "Find out who sent it: an update, a script, a health check.",
}
