-- mailwatch 0.2.0: The restart did not help, and a person was called.
PRAGMA application_id = 1836540276;
PRAGMA user_version = 11;
BEGIN TRANSACTION;
CREATE TABLE attempts (
            incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            begun_steady REAL NOT NULL, begun_wall REAL NOT NULL,
            started_at REAL,
            outcome TEXT NOT NULL,
            detail TEXT NOT NULL,
            ended_steady REAL, ended_wall REAL,
            PRIMARY KEY (incident, number)
        ) WITHOUT ROWID
        ;
INSERT INTO "attempts" VALUES('20231114T235640Z',1,6200.0,1700006200.0,1000.0,'failed','It did not help in time.',6275.0,1700006275.0);
CREATE TABLE blindness (
            service TEXT PRIMARY KEY,
            since_steady REAL NOT NULL, since_wall REAL NOT NULL
        ) WITHOUT ROWID
        ;
INSERT INTO "blindness" VALUES('POP3S:995',5000.0,1700005000.0);
CREATE TABLE certificates (
            service TEXT PRIMARY KEY,
            warned_steady REAL NOT NULL, warned_wall REAL NOT NULL,
            renewed INTEGER NOT NULL
        , expires REAL) WITHOUT ROWID
        ;
INSERT INTO "certificates" VALUES('IMAPS:993',5000.0,1700005000.0,0,1700437000.0);
CREATE TABLE clock (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            boot TEXT NOT NULL,
            steady REAL NOT NULL,
            wall REAL NOT NULL
        , round_steady REAL, round_wall REAL);
INSERT INTO "clock" VALUES(1,'released',6275.0,1700006275.0,6275.0,1700006275.0);
CREATE TABLE incidents (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            since_steady REAL NOT NULL, since_wall REAL NOT NULL,
            opened_steady REAL NOT NULL, opened_wall REAL NOT NULL,
            failures TEXT NOT NULL,
            first_failures TEXT NOT NULL,
            target TEXT NOT NULL,
            cause TEXT NOT NULL,
            hold_reason TEXT, hold_target TEXT, hold_until REAL,
            held_told INTEGER NOT NULL,
            opened_told INTEGER NOT NULL,
            escalated_steady REAL, escalated_wall REAL,
            reminded_steady REAL, reminded_wall REAL,
            closed_steady REAL, closed_wall REAL
        , hold_seen_as TEXT, hold_services TEXT);
INSERT INTO "incidents" VALUES(1,'20231114T235640Z',6200.0,1700006200.0,6200.0,1700006200.0,'[["SMTP:25", "silent", "no greeting came within 5 s", null]]','[["SMTP:25", "silent", "no greeting came within 5 s", null]]','','',NULL,NULL,NULL,0,1,6275.0,1700006275.0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE ledger (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            told TEXT NOT NULL,
            held TEXT NOT NULL,
            called TEXT NOT NULL
        );
INSERT INTO "ledger" VALUES(1,'[[5000.0, 1700005000.0, ["A certificate of the mail server on mx1 expires in 5 days\n- IMAPS:993: valid until 03:14:02\nMail programs refuse an expired certificate. What to do: renew it, and have the mail server load the new one; mailwatch never restarts anything for this."]], [5960.0, 1700005960.0, ["mailwatch on mx1 cannot look at POP3S:995\nFor 16 min mailwatch could not look whether these services answer; it restarts nothing on such grounds.\n- POP3S:995: this host is out of memory"]], [6200.0, 1700006200.0, []]]','[]','20231114T235640Z');
CREATE TABLE machine (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            stage TEXT NOT NULL,
            incident TEXT REFERENCES incidents (id),
            failing_since_steady REAL, failing_since_wall REAL,
            starting_since_steady REAL, starting_since_wall REAL,
            due REAL,
            restarts TEXT NOT NULL,
            streak INTEGER NOT NULL,
            last_attempt_ended_steady REAL, last_attempt_ended_wall REAL,
            last_cure_steady REAL, last_cure_wall REAL,
            target_seen INTEGER NOT NULL,
            last_id TEXT NOT NULL
        , dropped_apart INTEGER NOT NULL DEFAULT 0, target TEXT NOT NULL DEFAULT '');
INSERT INTO "machine" VALUES(1,'escalated','20231114T235640Z',6200.0,1700006200.0,NULL,NULL,NULL,'[[6200.0, 1700006200.0]]',1,6275.0,1700006275.0,NULL,NULL,1,'20231114T235640Z',0,'container stalwart');
CREATE TABLE outbox (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            topic TEXT NOT NULL,
            title TEXT NOT NULL,
            body TEXT NOT NULL,
            priority INTEGER NOT NULL,
            at_wall REAL NOT NULL,
            incident TEXT NOT NULL,
            tries INTEGER NOT NULL,
            not_before REAL NOT NULL,
            parked INTEGER NOT NULL,
            trouble TEXT NOT NULL
        );
INSERT INTO "outbox" VALUES(1,'notice','A certificate of the mail server on mx1 expires in 5 days','- IMAPS:993: valid until 03:14:02
Mail programs refuse an expired certificate. What to do: renew it, and have the mail server load the new one; mailwatch never restarts anything for this.',5,1700005000.0,'',10,6515.0,0,'The server does not answer.');
INSERT INTO "outbox" VALUES(2,'notice','mailwatch on mx1 cannot look at POP3S:995','For 16 min mailwatch could not look whether these services answer; it restarts nothing on such grounds.
- POP3S:995: this host is out of memory',5,1700005960.0,'',0,-9e999,0,'');
INSERT INTO "outbox" VALUES(3,'opened','Mail is down on mx1: SMTP:25','SMTP:25 has failed since 03:14:02:
- SMTP:25: no greeting came within 5 s
mailwatch restarts container stalwart now; the next message tells how that went.
Incident 20231114T235640Z',5,1700006200.0,'20231114T235640Z',0,-9e999,0,'');
INSERT INTO "outbox" VALUES(4,'escalated','Mail is down on mx1 and needs you','SMTP:25 has failed since 03:14:02:
- SMTP:25: no greeting came within 5 s
mailwatch ordered a restart of container stalwart at 03:14:02. It did not help in time.
mailwatch keeps looking, and may restart it again at 03:14:02.
Look at: docker logs stalwart
Incident 20231114T235640Z',10,1700006275.0,'20231114T235640Z',0,-9e999,0,'');
CREATE TABLE pause (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            boot TEXT NOT NULL,
            until_steady REAL NOT NULL, until_wall REAL NOT NULL
        );
CREATE TABLE proven (
            service TEXT PRIMARY KEY,
            settings TEXT NOT NULL
        ) WITHOUT ROWID
        ;
INSERT INTO "proven" VALUES('IMAPS:993','two');
INSERT INTO "proven" VALUES('SMTP:25','one');
CREATE TABLE readings (
            id INTEGER PRIMARY KEY,
            at_wall REAL NOT NULL,
            service TEXT NOT NULL,
            verdict TEXT NOT NULL,
            fault TEXT,
            detail TEXT NOT NULL,
            resolve_s REAL, connect_s REAL, tls_s REAL, greeting_s REAL, dialogue_s REAL,
            certificate_expires REAL
        , submit_s REAL, arrive_s REAL);
INSERT INTO "readings" VALUES(1,1700005000.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(2,1700005000.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437000.0,NULL,NULL);
INSERT INTO "readings" VALUES(3,1700005000.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(4,1700005120.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(5,1700005120.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437120.0,NULL,NULL);
INSERT INTO "readings" VALUES(6,1700005120.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(7,1700005240.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(8,1700005240.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437240.0,NULL,NULL);
INSERT INTO "readings" VALUES(9,1700005240.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(10,1700005360.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(11,1700005360.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437360.0,NULL,NULL);
INSERT INTO "readings" VALUES(12,1700005360.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(13,1700005480.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(14,1700005480.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437480.0,NULL,NULL);
INSERT INTO "readings" VALUES(15,1700005480.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(16,1700005600.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(17,1700005600.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437600.0,NULL,NULL);
INSERT INTO "readings" VALUES(18,1700005600.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(19,1700005720.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(20,1700005720.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437720.0,NULL,NULL);
INSERT INTO "readings" VALUES(21,1700005720.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(22,1700005840.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(23,1700005840.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437840.0,NULL,NULL);
INSERT INTO "readings" VALUES(24,1700005840.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(25,1700005960.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(26,1700005960.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437960.0,NULL,NULL);
INSERT INTO "readings" VALUES(27,1700005960.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(28,1700006080.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(29,1700006080.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438080.0,NULL,NULL);
INSERT INTO "readings" VALUES(30,1700006080.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(31,1700006200.0,'SMTP:25','fail','silent','no greeting came within 5 s',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(32,1700006200.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438200.0,NULL,NULL);
INSERT INTO "readings" VALUES(33,1700006200.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(34,1700006215.0,'SMTP:25','fail','silent','no greeting came within 5 s',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(35,1700006215.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438215.0,NULL,NULL);
INSERT INTO "readings" VALUES(36,1700006215.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(37,1700006225.0,'SMTP:25','fail','silent','no greeting came within 5 s',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(38,1700006225.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438225.0,NULL,NULL);
INSERT INTO "readings" VALUES(39,1700006225.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(40,1700006235.0,'SMTP:25','fail','silent','no greeting came within 5 s',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(41,1700006235.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438235.0,NULL,NULL);
INSERT INTO "readings" VALUES(42,1700006235.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(43,1700006245.0,'SMTP:25','fail','silent','no greeting came within 5 s',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(44,1700006245.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438245.0,NULL,NULL);
INSERT INTO "readings" VALUES(45,1700006245.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(46,1700006255.0,'SMTP:25','fail','silent','no greeting came within 5 s',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(47,1700006255.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438255.0,NULL,NULL);
INSERT INTO "readings" VALUES(48,1700006255.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(49,1700006265.0,'SMTP:25','fail','silent','no greeting came within 5 s',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(50,1700006265.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438265.0,NULL,NULL);
INSERT INTO "readings" VALUES(51,1700006265.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(52,1700006275.0,'SMTP:25','fail','silent','no greeting came within 5 s',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(53,1700006275.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438275.0,NULL,NULL);
INSERT INTO "readings" VALUES(54,1700006275.0,'POP3S:995','unmeasured',NULL,'this host is out of memory',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE summaries (
            day TEXT NOT NULL,
            service TEXT NOT NULL,
            passes INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            unmeasured INTEGER NOT NULL,
            PRIMARY KEY (day, service)
        ) WITHOUT ROWID
        ;
INSERT INTO "summaries" VALUES('2023-11-14','IMAPS:993',18,0,0);
INSERT INTO "summaries" VALUES('2023-11-14','POP3S:995',0,0,18);
INSERT INTO "summaries" VALUES('2023-11-14','SMTP:25',10,8,0);
CREATE TABLE summary_seconds (
            day TEXT NOT NULL,
            service TEXT NOT NULL,
            phase TEXT NOT NULL,
            count INTEGER NOT NULL,
            sum_s REAL NOT NULL,
            min_s REAL NOT NULL,
            max_s REAL NOT NULL,
            PRIMARY KEY (day, service, phase)
        ) WITHOUT ROWID
        ;
INSERT INTO "summary_seconds" VALUES('2023-11-14','IMAPS:993','',18,0.0,0.0,0.0);
INSERT INTO "summary_seconds" VALUES('2023-11-14','SMTP:25','',10,0.0,0.0,0.0);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',4);
COMMIT;
