"""Lines as mail servers write them: what each tells of, and lines of healthy ones that are alike.

The reader is not told which server wrote a line. The forms are those of the servers' own sources
and of logs that people have published; names and addresses are of the ranges for examples.
"""

# ruff: noqa: E501  lines of logs are as long as they are

from __future__ import annotations

US = "172.17.0.1"
OTHER = "203.0.113.7"

_STALWART = "2026-11-27T03:14:05Z"
_SYSLOG = "Nov 27 03:14:05 mx"
_RFC = "2026-11-27T03:14:05.802785+01:00 mail"
_EXIM = "2026-11-27 03:14:05"
_SUPERVISOR = "2026-11-27 03:14:05,802"
_RSPAMD = "2026-11-27 03:14:05 #1(main) <abc123>;"
_CLAMD = "Fri Nov 27 03:14:05 2026 ->"

TROUBLES: tuple[tuple[str, str, dict[str, str]], ...] = (
    # Stalwart
    (
        f"{_STALWART} INFO Blocked IP address (security.ip-blocked) "
        f'listenerId = "smtp", localPort = 25, remoteIp = {US}, remotePort = 4711',
        "ban-by-server",
        {"server": "Stalwart", "address": US},
    ),
    (
        f"{_STALWART} INFO Banned due to scan (security.scan-ban) "
        f'listenerId = "imaptls", remoteIp = {US}, reason = "x"',
        "ban-by-server",
        {"address": US},
    ),
    (
        f"{_STALWART} WARN Concurrent connection limit exceeded "
        f'(limit.concurrent-connection) listenerId = "imaptls", remoteIp = {OTHER}, limit = 8192',
        "server-listener-full",
        {"listener": "imaptls", "limit": "8192"},
    ),
    (
        f"{_STALWART} INFO Rate limit exceeded (smtp.rate-limit-exceeded) "
        f'listenerId = "smtp", localPort = 25, remoteIp = {US}, remotePort = 4711',
        "server-limits-us",
        {"server": "Stalwart", "address": US},
    ),
    (
        f"{_STALWART} WARN Server started in bootstrap mode (server.bootstrap-mode) "
        'hostname = "4fca5c60b632", details = "No configuration file was found. Port 8080 is open"',
        "server-bootstrap",
        {"server": "Stalwart"},
    ),
    (
        f'{_STALWART} WARN Server started in recovery mode (server.recovery-mode) hostname = "m"',
        "server-recovery-mode",
        {},
    ),
    (
        f'{_STALWART} ERROR SQLite error (store.sqlite-error) causedBy = "store.rs:41", '
        'reason = "database or disk is full"',
        "server-store-full",
        {},
    ),
    (
        f'{_STALWART} ERROR RocksDB error (store.rocksdb-error) reason = "IO error: No space left '
        'on device: While appending to file: /var/lib/stalwart/000012.log"',
        "server-store-full",
        {},
    ),
    (
        f'{_STALWART} ERROR SQLite error (store.sqlite-error) reason = "attempt to write a readonly '
        'database"',
        "server-store-read-only",
        {},
    ),
    (
        f'{_STALWART} ERROR SQLite error (store.sqlite-error) reason = "database is locked"',
        "server-store-locked",
        {},
    ),
    (
        "Startup failed: Failed to open store: IO error: lock file: /data/LOCK: Resource temporarily "
        "unavailable",
        "server-store-locked",
        {},
    ),
    (
        "Startup failed: Failed to open store: SQLite error: database disk image is malformed",
        "server-store-corrupt",
        {},
    ),
    (
        f"{_STALWART} ERROR Data corruption detected (store.data-corruption) key = [1, 2]",
        "server-store-corrupt",
        {},
    ),
    (
        "Startup failed: unable to open database file: /var/lib/stalwart/data.db",
        "server-store-missing",
        {},
    ),
    (
        "Startup failed: Failed to parse /etc/stalwart/config.json: expected value at line 1 column 1",
        "server-config-damaged",
        {"words": "Failed to parse /etc/stalwart/config.json: expected value at line 1 column 1"},
    ),
    (
        f'{_STALWART} ERROR Network bind error (network.bind-error) listenerId = "smtp", '
        'localIp = ::, localPort = 25, reason = "Address already in use (os error 98)"',
        "server-port-taken",
        {"listener": "smtp"},
    ),
    (
        f'{_STALWART} ERROR PostgreSQL error (store.postgresql-error) reason = "connection refused"',
        "server-backend-fails",
        {"backend": "postgresql"},
    ),
    (
        f'{_STALWART} DEBUG Network accept error (network.accept-error) listenerId = "imaptls", '
        'reason = "Too many open files (os error 24)"',
        "server-no-files",
        {},
    ),
    # Postfix
    (
        f"{_SYSLOG} postfix/cleanup[9]: warning: mail_queue_enter: create file "
        "incoming/123456.9: No space left on device",
        "server-store-full",
        {"server": "Postfix"},
    ),
    (
        f"{_RFC} postfix/smtpd[123]: warning: not enough free space in mail queue: 1024 bytes < "
        "1.5*message size limit",
        "server-store-full",
        {},
    ),
    (
        f"{_SYSLOG} postfix/master[1]: fatal: open lock file /var/lib/postfix/master.lock: unable to "
        "open file: Read-only file system",
        "server-store-read-only",
        {},
    ),
    (
        f"{_SYSLOG} postfix/smtpd[7]: fatal: sqlite:/etc/postfix/users.cf: database is locked",
        "server-store-locked",
        {},
    ),
    (
        f"{_SYSLOG} postfix/master[1]: fatal: socket: Too many open files",
        "server-no-files",
        {},
    ),
    (
        f"{_SYSLOG} postfix/master[1]: warning: fork: Resource temporarily unavailable -- throttling",
        "server-no-process",
        {},
    ),
    (
        f"{_SYSLOG} postfix/smtpd[7]: fatal: mymalloc: insufficient memory for 65552 bytes",
        "server-no-memory",
        {},
    ),
    (
        f"{_SYSLOG} postfix/master[1]: fatal: bind 0.0.0.0 port 25: Address already in use",
        "server-port-taken",
        {"listener": "0.0.0.0 port 25"},
    ),
    (
        f'{_SYSLOG} postfix/master[1]: warning: service "smtp" (25) has reached its process limit '
        '"100": new clients may experience noticeable delays',
        "server-process-limit",
        {"listener": "smtp", "limit": "100"},
    ),
    (
        f"{_SYSLOG} postfix/smtpd[7]: warning: Connection concurrency limit exceeded: 51 from "
        f"gw[{US}] for service smtp",
        "server-limits-us",
        {"address": US, "setting": "smtpd_client_connection_count_limit"},
    ),
    (
        f"{_SYSLOG} postfix/submission/smtpd[7]: warning: Connection rate limit exceeded: 61 from "
        f"unknown[{US}] for service submission",
        "server-limits-us",
        {"setting": "smtpd_client_connection_rate_limit"},
    ),
    (
        f"{_SYSLOG} postfix/postscreen[7]: NOQUEUE: reject: CONNECT from [{OTHER}]:4711: all server "
        "ports busy",
        "server-listener-full",
        {"listener": "postscreen"},
    ),
    (
        f"{_SYSLOG} postfix/postfix-script[7]: fatal: open /etc/postfix/main.cf: Permission denied",
        "server-no-permission",
        {"path": "/etc/postfix/main.cf"},
    ),
    (
        f"{_SYSLOG} postfix/sendmail[7]: fatal: open /etc/postfix/main.cf: Permission denied",
        "server-no-permission",
        {"confidence": "inferred"},
    ),
    (
        f"{_SYSLOG} dovecot: imap(u)<7><x>: Fatal: master: open(/home/u/Maildir) failed: Permission "
        "denied",
        "server-no-permission",
        {"path": "/home/u/Maildir", "confidence": "inferred"},
    ),
    (
        f"{_SYSLOG} dovecot: master: Fatal: open(/run/dovecot/master.pid) failed: Permission denied",
        "server-no-permission",
        {"path": "/run/dovecot/master.pid"},
    ),
    (
        f"{_SYSLOG} postfix/smtpd[7]: fatal: /etc/postfix/main.cf, line 12: missing '=' after "
        'attribute name: "mynetworks"',
        "server-config-damaged",
        {},
    ),
    (
        f"{_SYSLOG} postfix/master[1]: fatal: bad string length 0 < 1: mydestination =",
        "server-config-damaged",
        {},
    ),
    (
        f'{_SYSLOG} postfix/smtpd[7]: warning: cannot get RSA certificate from file "/tls/m.pem": '
        "disabling TLS support",
        "server-certificate-unusable",
        {"path": "/tls/m.pem"},
    ),
    (
        f"{_SYSLOG} postfix/smtpd[7]: warning: connect #11 to subsystem private/rewrite: Connection "
        "refused",
        "server-part-silent",
        {"part": "private/rewrite"},
    ),
    (
        f"{_SYSLOG} postfix/smtpd[7]: warning: SASL: Connect to private/auth failed: No such file or "
        "directory",
        "server-part-silent",
        {"part": "private/auth"},
    ),
    (
        f"{_SYSLOG} postfix/smtpd[7]: warning: connect to Milter service inet:rspamd:11332: "
        "Connection refused",
        "server-part-silent",
        {"part": "inet:rspamd:11332"},
    ),
    (
        f"{_SYSLOG} postfix/smtpd[7]: fatal: no SASL authentication mechanisms",
        "server-part-silent",
        {},
    ),
    (
        f"{_SYSLOG} postfix/trivial-rewrite[7]: warning: connect to mysql server db: Can't connect "
        "to MySQL server on 'db' (111)",
        "server-backend-fails",
        {"backend": "mysql"},
    ),
    (
        f"{_SYSLOG} postfix/master[1]: warning: process /usr/lib/postfix/sbin/smtpd pid 77 killed by "
        "signal 11",
        "server-crashed",
        {"part": "smtpd"},
    ),
    (
        f"{_SYSLOG} postfix/master[1]: terminating on signal 15",
        "server-told-to-stop",
        {"signal": "15"},
    ),
    # Dovecot
    (
        f"{_SYSLOG} dovecot: master: Warning: service(imap-login): client_limit (1000) reached, "
        "client connections are being dropped",
        "server-listener-full",
        {"server": "Dovecot", "listener": "imap-login", "limit": "1000"},
    ),
    (
        "Nov 27 03:14:05 master: Warning: service(imap-login): process_limit (100) reached, client "
        "connections are being dropped",
        "server-process-limit",
        {"listener": "imap-login", "limit": "100"},
    ),
    (
        f"{_RFC} dovecot: master: Warning: service(pop3-login): process_limit reached, client "
        "connections are being dropped",
        "server-process-limit",
        {"listener": "pop3-login"},
    ),
    (
        f"{_SYSLOG} dovecot: imap-login: Maximum number of connections from user+IP exceeded "
        f"(mail_max_userip_connections=10): user=<watch>, method=PLAIN, rip={US}, lip=172.17.0.2",
        "server-limits-us",
        {"address": US, "limit": "10"},
    ),
    (
        f"{_SYSLOG} dovecot: auth: Error: net_accept() failed: Too many open files",
        "server-no-files",
        {},
    ),
    (
        f"{_SYSLOG} dovecot: auth-worker(2233): Fatal: Error reading configuration: Timeout reading "
        "config from /var/run/dovecot/config",
        "server-part-silent",
        {"part": "its config service"},
    ),
    (
        f"{_SYSLOG} dovecot: imap-login: Fatal: Error reading configuration: "
        "net_connect_unix(/var/run/dovecot/config) failed: Connection refused",
        "server-part-silent",
        {"part": "its config service"},
    ),
    (
        f"{_SYSLOG} dovecot: imap(u)<7><x>: Fatal: Error reading configuration: "
        "read(/var/run/dovecot/config) failed: Connection reset by peer",
        "server-part-silent",
        {"part": "its config service"},
    ),
    (
        f"{_SYSLOG} dovecot: master: Fatal: Error reading configuration: Invalid settings: "
        "postmaster_address setting not given",
        "server-config-damaged",
        {},
    ),
    (
        f"{_SYSLOG} dovecot: imap(u@example.org)<77><abc>: Fatal: pool_system_malloc(4096): Out of "
        "memory",
        "server-no-memory",
        {"setting": "vsz_limit"},
    ),
    (
        f"{_SYSLOG} dovecot: master: Error: service(imap): fork() failed: Resource temporarily "
        "unavailable",
        "server-no-process",
        {},
    ),
    (
        f"{_SYSLOG} dovecot: lmtp(u)<7><x>: Error: write(/var/mail/u/tmp/1.M2) failed: No space left "
        "on device",
        "server-store-full",
        {"path": "/var/mail/u/tmp/1.M2"},
    ),
    (
        f"{_SYSLOG} dovecot: master: Error: bind(0.0.0.0, 993) failed: Address already in use",
        "server-port-taken",
        {"listener": "0.0.0.0, 993"},
    ),
    (
        f"{_SYSLOG} dovecot: imap-login: Fatal: Can't load ssl_cert: There is no valid PEM "
        "certificate.",
        "server-certificate-unusable",
        {},
    ),
    (
        "doveconf: Fatal: Error in configuration file /etc/dovecot/dovecot.conf line 3: Unknown "
        "setting: foo",
        "server-config-damaged",
        {
            "words": "Error in configuration file /etc/dovecot/dovecot.conf line 3: Unknown "
            "setting: foo"
        },
    ),
    (
        f"{_SYSLOG} dovecot: imap-login: Error: net_connect_unix(auth) failed: Connection refused",
        "server-part-silent",
        {"part": "auth"},
    ),
    (
        f"{_SYSLOG} dovecot: imap(u)<7><x>: Error: Corrupted index cache file "
        "/var/mail/u/dovecot.index.cache: invalid record size",
        "server-mailbox-damaged",
        {"path": "/var/mail/u/dovecot.index.cache"},
    ),
    (
        f"{_SYSLOG} dovecot: auth-worker(12): Error: conn unix: mysql(db): Connect failed to "
        "database",
        "server-backend-fails",
        {"backend": "mysql"},
    ),
    (
        f"{_SYSLOG} dovecot: master: Error: service(anvil): child 664 killed with signal 11",
        "server-crashed",
        {"part": "anvil"},
    ),
    (
        f"{_SYSLOG} dovecot: imap(u)<7><x>: Panic: file mail-index.c: line 1: assertion failed",
        "server-crashed",
        {},
    ),
    (
        f"{_SYSLOG} dovecot: master: Warning: Killed with signal 15 (by pid=1 uid=0 code=kill)",
        "server-told-to-stop",
        {"signal": "15"},
    ),
    # Exim
    (
        f"{_EXIM} Connection from [{OTHER}]:4711 refused: too many connections",
        "server-listener-full",
        {"server": "Exim", "setting": "smtp_accept_max"},
    ),
    (
        f"{_EXIM} [77] Connection from gw [{US}] refused: too many connections from that IP address",
        "server-limits-us",
        {"address": US},
    ),
    (
        f"{_EXIM} socket bind() to port 25 for address (any IPv4) failed: Address already in use: "
        "daemon abandoned",
        "server-port-taken",
        {"listener": "25"},
    ),
    (
        f"{_EXIM} Exim configuration error in line 12 of /etc/exim4/exim4.conf:",
        "server-config-damaged",
        {},
    ),
    (
        f"{_EXIM} 1abcde-000123-Ab Failed to create spool file /var/spool/exim4//input//1abcde-D: No "
        "space left on device",
        "server-store-full",
        {},
    ),
    (
        f"{_EXIM} TLS error on connection from mx.example.org [{OTHER}] (cert/key setup: "
        "cert=/etc/exim4/exim.crt key=/etc/exim4/exim.key): Error while reading file.",
        "server-certificate-unusable",
        {"path": "/etc/exim4/exim.crt"},
    ),
    # Courier
    (
        f"{_SYSLOG} pop3d: Maximum connection limit reached for ::ffff:{US}",
        "server-limits-us",
        {"server": "Courier", "address": US},
    ),
    (
        f"{_SYSLOG} imapd-ssl: ALERT: 40 maximum active connections.",
        "server-listener-full",
        {"listener": "imapd-ssl", "limit": "40"},
    ),
    (
        f"{_SYSLOG} imapd: authdaemon: s_connect() failed: Connection refused",
        "server-part-silent",
        {"part": "authdaemond"},
    ),
    (f"{_SYSLOG} courierd: fork: Resource temporarily unavailable", "server-no-process", {}),
    # Rspamd
    (
        f"{_RSPAMD} main; rspamd_inet_address_listen: bind 0.0.0.0:11332 failed: 98, 'Address "
        "already in use'",
        "server-port-taken",
        {"server": "Rspamd", "listener": "0.0.0.0:11332"},
    ),
    (
        f"{_RSPAMD} cfg; rspamd_config_parse_ucl: ucl parser error: error while parsing "
        "/etc/rspamd/local.d/x.conf: line: 3",
        "server-config-damaged",
        {},
    ),
    (
        f"{_RSPAMD} main; rspamd_check_termination_clause: normal process 42 terminated abnormally "
        "by signal: 11",
        "server-crashed",
        {"part": "normal"},
    ),
    # ClamAV
    (
        "LibClamAV Error: Can't load /var/lib/clamav/daily.cvd: Malformed database",
        "server-signatures-unusable",
        {"server": "ClamAV", "path": "/var/lib/clamav/daily.cvd"},
    ),
    (
        "LibClamAV Error: cli_loaddbdir: No supported database files found in /var/lib/clamav",
        "server-signatures-unusable",
        {"path": "/var/lib/clamav"},
    ),
    (
        "LibClamAV Error: cli_ac_addpatt: Can't allocate memory for next->trans",
        "server-no-memory",
        {},
    ),
    (
        f"{_CLAMD} ERROR: TCP: Cannot bind to [0.0.0.0]:3310: Address already in use",
        "server-port-taken",
        {"listener": "[0.0.0.0]:3310"},
    ),
    # docker-mailserver's supervisor
    (
        f"{_SUPERVISOR} WARN exited: postfix (exit status 1; not expected)",
        "server-part-ended",
        {"part": "postfix", "exit_code": "1"},
    ),
    (
        f"{_SUPERVISOR} WARN exited: dovecot (terminated by SIGKILL; not expected)",
        "server-part-ended",
        {"part": "dovecot", "signal": "SIGKILL"},
    ),
    (
        f"{_SUPERVISOR} INFO gave up: postfix entered FATAL state, too many start retries too "
        "quickly",
        "server-part-failed",
        {"part": "postfix"},
    ),
    (
        f"{_SUPERVISOR} INFO spawnerr: can't find command '/usr/sbin/dovecot'",
        "server-config-damaged",
        {"words": "can't find command '/usr/sbin/dovecot'"},
    ),
    (
        f"{_SUPERVISOR} INFO spawnerr: command at '/usr/sbin/dovecot' is not executable",
        "server-config-damaged",
        {"words": "command at '/usr/sbin/dovecot' is not executable"},
    ),
    (
        f"{_SUPERVISOR} INFO spawnerr: Too many processes in process table to spawn 'dovecot'",
        "server-no-process",
        {},
    ),
    (
        f"{_SUPERVISOR} INFO spawnerr: unknown error making dispatchers for 'dovecot': EMFILE",
        "server-no-files",
        {},
    ),
    (
        f"{_SUPERVISOR} INFO spawnerr: unknown error during fork for 'dovecot': ENOMEM",
        "server-no-memory",
        {},
    ),
    (
        f"{_SUPERVISOR} WARN received SIGTERM indicating exit request",
        "server-told-to-stop",
        {"signal": "SIGTERM"},
    ),
)

HEALTHY = (
    # Stalwart: others are banned, clients say what they like, and a client was told of no limit
    f"{_STALWART} INFO Blocked IP address (security.ip-blocked) remoteIp = {OTHER}",
    f"{_STALWART} INFO Rate limit exceeded (smtp.rate-limit-exceeded) remoteIp = {OTHER}",
    f'{_STALWART} INFO SMTP EHLO command (smtp.ehlo) domain = "x (security.ip-blocked) '
    f'remoteIp = {US}"',
    f'{_STALWART} INFO SMTP EHLO command (smtp.ehlo) domain = "No space left on device"',
    f"{_STALWART} INFO Subject (store.blob-store-purged) expires = 0",
    f"{_STALWART} WARN No TLS certificates available (tls.no-certificates-available) total = 0",
    f'{_STALWART} ERROR Registry build error (registry.build-error) reason = "x"',
    "Startup failed: Failed to connect to the directory: timed out",
    # Postfix: what a client or a distant server says, and a server that is coming up
    f"{_SYSLOG} postfix/smtpd[7]: connect from unknown[{OTHER}]",
    f"{_SYSLOG} postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[{OTHER}]: 554 5.7.1; "
    "helo=<fatal: No space left on device>",
    f"{_SYSLOG} postfix/smtp[7]: 4AB: to=<a@example.org>, status=deferred (host mx.example.org said: "
    "452 4.3.1 No space left on device)",
    f"{_SYSLOG} postfix/smtpd[7]: warning: hostname x does not resolve to address {OTHER}: No space "
    "known",
    f"{_SYSLOG} postfix/smtpd[7]: warning: connect #1 to subsystem private/proxymap: Connection "
    "refused",
    f"{_SYSLOG} postfix/smtpd[7]: warning: Connection rate limit exceeded: 61 from x[{OTHER}] for "
    "service smtp",
    f"{_SYSLOG} postfix/smtpd[7]: warning: unknown[{OTHER}]: SASL PLAIN authentication failed: x",
    f"{_SYSLOG} postfix/master[1]: warning: process /usr/lib/postfix/sbin/smtpd pid 7 exit status 1",
    f"{_SYSLOG} postfix/master[1]: daemon started -- version 3.7.11",
    # Dovecot: a limit of files that is said at each start, guests, and one user's folder
    f"{_SYSLOG} dovecot: master: Warning: fd limit (ulimit -n) is lower than required under max. "
    "load (1024 < 4096)",
    f"{_SYSLOG} dovecot: master: Fatal: setrlimit(RLIMIT_NOFILE, 65536): Operation not permitted",
    f"{_SYSLOG} dovecot: imap-login: Disconnected: Connection closed (auth failed): user=<No space "
    f"left on device>, rip={OTHER}",
    f"{_SYSLOG} dovecot: imap-login: Maximum number of connections from user+IP exceeded "
    f"(mail_max_userip_connections=10): user=<x>, rip={OTHER}, lip=172.17.0.2",
    f"{_SYSLOG} dovecot: imap(u)<7><x>: Error: open(/var/mail/u/shared) failed: Permission denied",
    f"{_SYSLOG} dovecot: imap(service(imap-login): client_limit (1) reached)<7>: Logged out in=1",
    f"{_SYSLOG} dovecot: imap(u)<7><x>: Error: inotify_add_watch(/var/mail/u/new) failed: No space left on device",
    f"{_SYSLOG} dovecot: lmtp(u)<7><x>: Error: write(/var/mail/u/tmp/1) failed: Disk quota exceeded",
    f"{_SYSLOG} dovecot: master: Dovecot v2.3.19.1 (9b53102964) starting up for imap, lmtp",
    # Exim
    f"{_EXIM} no host name found for IP address {OTHER}",
    f"{_EXIM} no IP address found for host mx.example.org",
    f"{_EXIM} H=(No space left on device) [{OTHER}] rejected EHLO",
    f"{_EXIM} 1abcde-000123-Ab == a@example.org R=dnslookup T=remote_smtp defer: 452 No space left "
    "on device",
    f"{_EXIM} Connection from [{OTHER}]:4711 refused: too many connections from that IP address",
    f"{_EXIM} TLS error on connection from x [{OTHER}] (SSL_accept): wrong version number",
    # Courier
    f"{_SYSLOG} imapd: LOGIN FAILED, user=Too many open files, ip=[::ffff:{OTHER}]",
    f"{_SYSLOG} imapd: WARN: 36 active connections.",
    f"{_SYSLOG} pop3d: Maximum connection limit reached for ::ffff:{OTHER}",
    # Rspamd
    f"{_RSPAMD} cfg; rspamd_config_is_module_enabled: lua module x is enabled but has not been "
    "configured",
    f"{_RSPAMD} task; rspamd_task_write_log: id: <No space left on device@x>, qid: <4AB>",
    # ClamAV
    f"{_CLAMD} SelfCheck: Database status OK.",
    f"{_CLAMD} /mail/Malformed database: Eicar-Test-Signature FOUND",
    "LibClamAV Warning: fmap_readpage: pread fail: asked for 4085 bytes @ offset 11, got 0",
    # the supervisor
    f"{_SUPERVISOR} INFO exited: setup (exit status 0; expected)",
    f"{_SUPERVISOR} INFO success: postfix entered RUNNING state, process has stayed up",
    f"{_SUPERVISOR} INFO spawnerr: unknown error during fork for 'dovecot': EPERM",
    # of nobody known
    "Startup: all is well",
    "database is locked, said the application",
    'FATAL: password authentication failed for user "mail"',
)
