-- What is taken: events, positions, what went wrong, who may send.

-- One owner for each shard; each take-over raises the epoch, and a take under
-- an older epoch is refused.
CREATE TABLE shard_lease (
    shard BIGINT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    owner TEXT NOT NULL,
    until_ms BIGINT NOT NULL
);

-- arrival counts from 1 in the shard without holes: the cursor of all readers.
CREATE TABLE event (
    shard BIGINT NOT NULL,
    arrival BIGINT NOT NULL,
    event_key TEXT NOT NULL,
    source TEXT NOT NULL,
    type TEXT NOT NULL,
    channel TEXT NOT NULL,
    time_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    visit TEXT NOT NULL,
    boot TEXT NOT NULL,
    uptime_ms BIGINT NOT NULL,
    clock TEXT NOT NULL,
    hash BYTEA NOT NULL,
    body BYTEA NOT NULL,
    PRIMARY KEY (shard, arrival)
);
CREATE UNIQUE INDEX event_by_key ON event (shard, event_key);

-- Up to `through` everything of this journal is archived, set aside or
-- recorded as a hole. terminal and store: what the rows were written under.
CREATE TABLE lane_position (
    shard BIGINT NOT NULL,
    terminal TEXT NOT NULL,
    journal TEXT NOT NULL,
    store TEXT NOT NULL,
    through BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, terminal, journal)
);

-- What terminal.started said of the journal before it; shard and terminal are
-- those of that earlier journal.
CREATE TABLE journal_link (
    shard BIGINT NOT NULL,
    terminal TEXT NOT NULL,
    journal TEXT NOT NULL,
    previous TEXT NOT NULL,
    previous_last BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, terminal, journal)
);
CREATE INDEX journal_link_by_previous
    ON journal_link (shard, terminal, previous);

-- Ranges that no terminal holds any more.
CREATE TABLE hole (
    shard BIGINT NOT NULL,
    terminal TEXT NOT NULL,
    journal TEXT NOT NULL,
    first_sequence BIGINT NOT NULL,
    last_sequence BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, terminal, journal, first_sequence)
);

CREATE TABLE quarantine (
    shard BIGINT NOT NULL,
    id TEXT NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    times BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    replayed_ms BIGINT,
    raw BYTEA NOT NULL,
    PRIMARY KEY (shard, id)
);

CREATE TABLE alarm (
    shard BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    times BIGINT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, kind, subject)
);

CREATE TABLE take_count (
    shard BIGINT NOT NULL,
    name TEXT NOT NULL,
    value BIGINT NOT NULL,
    PRIMARY KEY (shard, name)
);

-- The last word of each terminal about itself.
CREATE TABLE lane_state (
    shard BIGINT NOT NULL,
    terminal TEXT NOT NULL,
    online BIGINT NOT NULL,
    boot TEXT NOT NULL,
    boot_before TEXT NOT NULL,
    session BIGINT NOT NULL,
    version TEXT NOT NULL,
    journal TEXT NOT NULL,
    unsent BIGINT NOT NULL,
    oldest_unsent_ms BIGINT,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, terminal)
);

-- The registry: small, of the whole company.
CREATE TABLE terminal (
    terminal TEXT NOT NULL PRIMARY KEY,
    store TEXT NOT NULL,
    shard BIGINT NOT NULL,
    added_ms BIGINT NOT NULL,
    removed_ms BIGINT
);
-- Every name and store that a terminal has written under, today's included.
CREATE TABLE terminal_source (
    terminal TEXT NOT NULL,
    source_terminal TEXT NOT NULL,
    source_store TEXT NOT NULL,
    since_ms BIGINT NOT NULL,
    PRIMARY KEY (terminal, source_terminal, source_store)
);

-- What the terminals of a store may know with the line down; the last record
-- of each key.
CREATE TABLE desk_log (
    shard BIGINT NOT NULL,
    store TEXT NOT NULL,
    log TEXT NOT NULL,
    through BIGINT NOT NULL,
    changed_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, store)
);
CREATE TABLE desk_record (
    shard BIGINT NOT NULL,
    store TEXT NOT NULL,
    kind BIGINT NOT NULL,
    record_key TEXT NOT NULL,
    position BIGINT NOT NULL,
    value BYTEA,
    expires_ms BIGINT,
    PRIMARY KEY (shard, store, kind, record_key)
);
CREATE UNIQUE INDEX desk_record_by_position
    ON desk_record (shard, store, position);
