BEGIN TRANSACTION;
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received REAL NOT NULL,
    kind TEXT NOT NULL,
    project TEXT NOT NULL,
    payload TEXT NOT NULL
);
INSERT INTO "events" VALUES(1,1795799691.0,'ANNOTATION_CREATED','2','{"action":"ANNOTATION_CREATED","project":{"id":2},"n":0}');
INSERT INTO "events" VALUES(2,1795799691.0,'START_TRAINING','2','{"action":"START_TRAINING","project":{"id":2},"n":1}');
CREATE INDEX events_by_kind ON events (kind);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',2);
COMMIT;
