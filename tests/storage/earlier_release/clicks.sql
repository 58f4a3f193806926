BEGIN TRANSACTION;
CREATE TABLE answers (
    project TEXT, task TEXT, image TEXT, annotator TEXT, spoken TEXT, answer BLOB,
    PRIMARY KEY (project, task, image, annotator)
);
INSERT INTO "answers" VALUES('2','7','image','1','model Face',X'616E73776572');
CREATE TABLE standing (
    project TEXT, task TEXT, image TEXT, annotator TEXT, used REAL, remembered TEXT,
    PRIMARY KEY (project, task, image, annotator)
);
INSERT INTO "standing" VALUES('2','7','image','1',1000.0,'{"labels":[{"name":"Face","prompts":[{"id":"a","label":"Face","x":10,"y":20,"positive":false,"box":null}],"seen_in_draft":[],"stamp":0,"clicked":1000.0}],"annotations":[5]}');
CREATE INDEX by_use ON standing (used);
CREATE TRIGGER forget_answer AFTER DELETE ON standing BEGIN
    DELETE FROM answers WHERE project = OLD.project AND task = OLD.task AND image = OLD.image
        AND annotator = OLD.annotator;
END;
COMMIT;
