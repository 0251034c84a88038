-- The state file of mailwatch 0.1.0, as that release wrote it; it stays as it is for ever.
PRAGMA application_id = 1836540276;
PRAGMA user_version = 3;
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
INSERT INTO "attempts" VALUES('20260921T141310Z',1,-49.0,1789999951.0,1789999100.0,'recovered','',-40.0,1789999960.0);
INSERT INTO "attempts" VALUES('20260921T141400Z',1,101.0,1790000101.0,1790000005.0,'pending','',NULL,NULL);
CREATE TABLE clock (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            boot TEXT NOT NULL,
            steady REAL NOT NULL,
            wall REAL NOT NULL
        , round_steady REAL, round_wall REAL);
INSERT INTO "clock" VALUES(1,'one',102.0,1790000102.0,100.0,1790000100.0);
CREATE TABLE incidents (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            since_steady REAL NOT NULL, since_wall REAL NOT NULL,
            opened_steady REAL NOT NULL, opened_wall REAL NOT NULL,
            failures TEXT NOT NULL,
            first_failures TEXT NOT NULL,
            target TEXT NOT NULL,
            cause TEXT NOT NULL,
            hold_reason TEXT, hold_detail TEXT, hold_until REAL,
            held_told INTEGER NOT NULL,
            opened_told INTEGER NOT NULL,
            escalated_steady REAL, escalated_wall REAL,
            reminded_steady REAL, reminded_wall REAL,
            closed_steady REAL, closed_wall REAL
        );
INSERT INTO "incidents" VALUES(1,'20260921T141310Z',-50.0,1789999950.0,-49.0,1789999951.0,'[["SMTP:25", "silent", "no greeting in 5 s"]]','[["SMTP:25", "silent", "no greeting in 5 s"]]','','',NULL,NULL,NULL,0,1,NULL,NULL,NULL,NULL,-30.0,1789999970.0);
INSERT INTO "incidents" VALUES(2,'20260921T141400Z',100.0,1790000100.0,101.0,1790000101.0,'[["SMTP:25", "silent", "no greeting in 5 s"]]','[["SMTP:25", "silent", "no greeting in 5 s"]]','running','the disk is full','backoff','',160.0,0,1,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE ledger (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            told TEXT NOT NULL,
            held TEXT NOT NULL,
            called TEXT NOT NULL
        );
INSERT INTO "ledger" VALUES(1,'[[-45.0, 1789999955.0, []], [90.0, 1790000090.0, ["a\nb"]]]','[["notice", "held", "back", 5, 1790000095.0, ""]]','20260921T141310Z');
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
        );
INSERT INTO "machine" VALUES(1,'restarting','20260921T141400Z',100.0,1790000100.0,NULL,NULL,NULL,'[[-49.0, 1789999951.0], [101.0, 1790000101.0]]',2,-40.0,1789999960.0,-30.0,1789999970.0,1,'20260921T141400Z');
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
INSERT INTO "outbox" VALUES(2,'opened','Mail is down','It is.',5,1790000101.0,'20260921T141400Z',1,107.0,0,'No route.');
CREATE TABLE pause (
            only INTEGER PRIMARY KEY CHECK (only = 1),
            boot TEXT NOT NULL,
            until_steady REAL NOT NULL, until_wall REAL NOT NULL
        );
INSERT INTO "pause" VALUES(1,'one',900.0,1790000900.0);
CREATE TABLE readings (
            id INTEGER PRIMARY KEY,
            at_wall REAL NOT NULL,
            service TEXT NOT NULL,
            verdict TEXT NOT NULL,
            fault TEXT,
            detail TEXT NOT NULL,
            resolve_s REAL, connect_s REAL, tls_s REAL, greeting_s REAL, dialogue_s REAL,
            certificate_expires REAL
        );
INSERT INTO "readings" VALUES(1,1790000060.0,'SMTP:25','pass',NULL,'',NULL,0.25,NULL,0.5,NULL,NULL);
INSERT INTO "readings" VALUES(2,1790000060.0,'IMAPS:993','fail','timeout','slow',NULL,5.0,NULL,NULL,NULL,1790086400.0);
INSERT INTO "readings" VALUES(3,1790000100.0,'SMTP:25','pass',NULL,'',NULL,0.25,NULL,0.5,NULL,NULL);
INSERT INTO "readings" VALUES(4,1790000100.0,'IMAPS:993','fail','timeout','slow',NULL,5.0,NULL,NULL,NULL,1790086400.0);
CREATE TABLE summaries (
            day TEXT NOT NULL,
            service TEXT NOT NULL,
            passes INTEGER NOT NULL,
            failures INTEGER NOT NULL,
            unmeasured INTEGER NOT NULL,
            PRIMARY KEY (day, service)
        ) WITHOUT ROWID
        ;
INSERT INTO "summaries" VALUES('2026-09-21','IMAPS:993',0,2,0);
INSERT INTO "summaries" VALUES('2026-09-21','SMTP:25',2,0,0);
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
INSERT INTO "summary_seconds" VALUES('2026-09-21','SMTP:25','',2,1.5,0.75,0.75);
INSERT INTO "summary_seconds" VALUES('2026-09-21','SMTP:25','connect',2,0.5,0.25,0.25);
INSERT INTO "summary_seconds" VALUES('2026-09-21','SMTP:25','greeting',2,1.0,0.5,0.5);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',2);
COMMIT;
