-- How far an instant may be from the truth; older rows came without it.
ALTER TABLE store_clock ADD COLUMN error_ms BIGINT NOT NULL DEFAULT 1000;

-- When each boot of a terminal was first heard of, and between which of its
-- uptimes: what an event without any trusted instant stands between.
CREATE TABLE store_boot (
    shard BIGINT NOT NULL,
    source TEXT NOT NULL,
    boot TEXT NOT NULL,
    first_arrival BIGINT NOT NULL,
    first_uptime_ms BIGINT NOT NULL,
    last_uptime_ms BIGINT NOT NULL,
    PRIMARY KEY (shard, source, boot)
);
CREATE INDEX store_boot_by_arrival
    ON store_boot (shard, source, first_arrival);
INSERT INTO store_boot (shard, source, boot, first_arrival, first_uptime_ms,
    last_uptime_ms)
    SELECT shard, source, boot, MIN(arrival), MIN(uptime_ms), MAX(uptime_ms)
    FROM event WHERE boot <> '' GROUP BY shard, source, boot;
