-- mailwatch 0.4.0: A service fails, and has to fail for ten minutes to be an incident.
PRAGMA application_id = 1836540276;
PRAGMA user_version = 12;
BEGIN TRANSACTION;
CREATE TABLE documents (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "documents" VALUES('machine','{"state":{"stage":"confirming","incident":null,"failing_since":{"steady":6200.0,"wall":1700006200.0},"due":null,"targets":[{"key":"docker:stalwart","seen":true,"starting_since":null,"restarts":[],"streak":0,"last_attempt_ended":null,"last_cure":null}],"last_id":"","dropped_apart":false},"incident":null}');
INSERT INTO "documents" VALUES('notes','{"rate_limit":{"told":[{"at":{"steady":5000.0,"wall":1700005000.0},"notices":[{"code":"certificate-ends","args":{"dates":[["IMAPS:993",1700437000.0]]}}]},{"at":{"steady":5960.0,"wall":1700005960.0},"notices":[{"code":"could-not-look","args":{"services":["POP3S:995"],"since_at":1700005000.0,"whys":[{"code":"words","args":{"text":"this host is out of memory"}}]}}]}],"held":[],"called":""},"certificates":{"told":{"IMAPS:993":{"at":{"steady":5000.0,"wall":1700005000.0},"renewed":false,"expires":1700437000.0,"signed":null}},"chains":{}},"proven":{"passed":{"SMTP:25":"one","IMAPS:993":"two"}},"unmeasured_services":{"since":{"POP3S:995":{"steady":5000.0,"wall":1700005000.0}},"told":["POP3S:995"]},"readiness":{"since":null,"told":false}}');
INSERT INTO "documents" VALUES('round','{"steady":6200.0,"wall":1700006200.0}');
INSERT INTO "documents" VALUES('written','{"id":"released","at":{"steady":6200.0,"wall":1700006200.0}}');
CREATE TABLE incidents (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        closed_wall REAL,
        value TEXT NOT NULL
    );
CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        channel TEXT NOT NULL,
        ended_wall REAL,
        value TEXT NOT NULL
    );
INSERT INTO "outbox" VALUES(1,'gotify',NULL,'{"id":1,"channel":"gotify","message":{"topic":"notice","severity":"warning","title":"A certificate on mx1 expires in 5 days","body":"- IMAPS: valid until 03:14\nMail programs refuse an expired certificate. What to do: renew it, and have the mail server load the new one; mailwatch restarts nothing for this.","at":1700005000.0,"incident":"","subject":{"code":"certificate-ends","args":{"dates":[["IMAPS:993",1700437000.0]]}},"failures":[],"cause":{"code":"","args":{}},"action":{"code":"","args":{}},"since":null},"written":5000.0,"tries":9,"not_before":6215.0,"parked":false,"trouble":{"code":"words","args":{"text":"The server does not answer."}},"ended":null,"given_up":false}');
INSERT INTO "outbox" VALUES(2,'gotify',NULL,'{"id":2,"channel":"gotify","message":{"topic":"notice","severity":"warning","title":"mailwatch on mx1 cannot check POP3S","body":"Not checked for 16 min; nothing is restarted because of this.\n- POP3S: this host is out of memory","at":1700005960.0,"incident":"","subject":{"code":"could-not-look","args":{"services":["POP3S:995"],"since_at":1700005000.0,"whys":[{"code":"words","args":{"text":"this host is out of memory"}}]}},"failures":[],"cause":{"code":"","args":{}},"action":{"code":"","args":{}},"since":null},"written":5960.0,"tries":0,"not_before":"-inf","parked":false,"trouble":{"code":"","args":{}},"ended":null,"given_up":false}');
CREATE TABLE readings (
        id INTEGER PRIMARY KEY,
        at_wall REAL NOT NULL,
        service TEXT NOT NULL,
        verdict TEXT NOT NULL,
        fault TEXT,
        detail TEXT NOT NULL,
        resolve_s REAL, connect_s REAL, tls_s REAL, greeting_s REAL, dialogue_s REAL,
        certificate_expires REAL,
        submit_s REAL, arrive_s REAL
    );
INSERT INTO "readings" VALUES(1,1700005000.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(2,1700005000.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437000.0,NULL,NULL);
INSERT INTO "readings" VALUES(3,1700005000.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(4,1700005120.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(5,1700005120.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437120.0,NULL,NULL);
INSERT INTO "readings" VALUES(6,1700005120.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(7,1700005240.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(8,1700005240.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437240.0,NULL,NULL);
INSERT INTO "readings" VALUES(9,1700005240.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(10,1700005360.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(11,1700005360.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437360.0,NULL,NULL);
INSERT INTO "readings" VALUES(12,1700005360.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(13,1700005480.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(14,1700005480.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437480.0,NULL,NULL);
INSERT INTO "readings" VALUES(15,1700005480.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(16,1700005600.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(17,1700005600.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437600.0,NULL,NULL);
INSERT INTO "readings" VALUES(18,1700005600.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(19,1700005720.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(20,1700005720.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437720.0,NULL,NULL);
INSERT INTO "readings" VALUES(21,1700005720.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(22,1700005840.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(23,1700005840.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437840.0,NULL,NULL);
INSERT INTO "readings" VALUES(24,1700005840.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(25,1700005960.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(26,1700005960.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700437960.0,NULL,NULL);
INSERT INTO "readings" VALUES(27,1700005960.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(28,1700006080.0,'SMTP:25','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(29,1700006080.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438080.0,NULL,NULL);
INSERT INTO "readings" VALUES(30,1700006080.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(31,1700006200.0,'SMTP:25','fail','silent','{"code":"words","args":{"text":"no greeting came within 5 s"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "readings" VALUES(32,1700006200.0,'IMAPS:993','pass',NULL,'',NULL,NULL,NULL,NULL,NULL,1700438200.0,NULL,NULL);
INSERT INTO "readings" VALUES(33,1700006200.0,'POP3S:995','unmeasured',NULL,'{"code":"words","args":{"text":"this host is out of memory"}}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE summaries (
        day TEXT NOT NULL, service TEXT NOT NULL,
        passes INTEGER NOT NULL, failures INTEGER NOT NULL, unmeasured INTEGER NOT NULL,
        PRIMARY KEY (day, service)
    ) WITHOUT ROWID
    ;
INSERT INTO "summaries" VALUES('2023-11-14','IMAPS:993',11,0,0);
INSERT INTO "summaries" VALUES('2023-11-14','POP3S:995',0,0,11);
INSERT INTO "summaries" VALUES('2023-11-14','SMTP:25',10,1,0);
CREATE TABLE summary_seconds (
        day TEXT NOT NULL, service TEXT NOT NULL, phase TEXT NOT NULL,
        count INTEGER NOT NULL, sum_s REAL NOT NULL, min_s REAL NOT NULL, max_s REAL NOT NULL,
        PRIMARY KEY (day, service, phase)
    ) WITHOUT ROWID
    ;
INSERT INTO "summary_seconds" VALUES('2023-11-14','IMAPS:993','',11,0.0,0.0,0.0);
INSERT INTO "summary_seconds" VALUES('2023-11-14','SMTP:25','',10,0.0,0.0,0.0);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',2);
COMMIT;
