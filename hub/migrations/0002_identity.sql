-- Who is who. Everything here is made from the events and can be made again.

-- birth: the id that a person has whose oldest identifier this is. person_id:
-- the current answer, a cache. follows: the card of a visit.
CREATE TABLE ident (
    ident_id BIGINT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    birth TEXT NOT NULL,
    person_id TEXT NOT NULL,
    state TEXT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    events BIGINT NOT NULL,
    follows BIGINT,
    follows_ms BIGINT,
    follows_key TEXT,
    UNIQUE (type, value)
);
CREATE INDEX ident_by_person ON ident (person_id);
CREATE INDEX ident_by_follows ON ident (follows);

-- Evidence: kept for ever; only `active` and what was counted may change.
CREATE TABLE edge (
    ident_a BIGINT NOT NULL,
    ident_b BIGINT NOT NULL,
    rule TEXT NOT NULL,
    first_ms BIGINT NOT NULL,
    first_key TEXT NOT NULL,
    last_ms BIGINT NOT NULL,
    source TEXT NOT NULL,
    events BIGINT NOT NULL,
    active BIGINT NOT NULL,
    PRIMARY KEY (ident_a, ident_b, rule)
);
CREATE INDEX edge_by_b ON edge (ident_b);

-- All identifiers of an event, strongest first.
CREATE TABLE event_ident (
    shard BIGINT NOT NULL,
    arrival BIGINT NOT NULL,
    rank BIGINT NOT NULL,
    ident_id BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, arrival, rank)
);
CREATE INDEX event_ident_by_ident ON event_ident (ident_id, time_ms);

CREATE TABLE person (
    person_id TEXT NOT NULL PRIMARY KEY,
    since_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL
);
CREATE INDEX person_by_last ON person (last_ms, person_id);

-- Ids that were a person's once: answered for ever, also after a rebuild.
CREATE TABLE person_alias (
    alias_id TEXT NOT NULL PRIMARY KEY,
    ident_id BIGINT NOT NULL
);
CREATE INDEX person_alias_by_ident ON person_alias (ident_id);

-- Instants at which a terminal's monotonic clock meets the true time.
CREATE TABLE store_clock (
    shard BIGINT NOT NULL,
    source TEXT NOT NULL,
    boot TEXT NOT NULL,
    uptime_ms BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    arrival BIGINT NOT NULL,
    PRIMARY KEY (shard, source, boot, uptime_ms)
);

CREATE TABLE derive_cursor (
    shard BIGINT NOT NULL PRIMARY KEY,
    arrival BIGINT NOT NULL
);
CREATE TABLE derive_failed (
    shard BIGINT NOT NULL,
    arrival BIGINT NOT NULL,
    reason TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, arrival)
);
