#include "sync/topic.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const char *const leaves[] = {
    [TOPIC_EVENTS] = "events", [TOPIC_RESUME] = "resume", [TOPIC_ACKS] = "acks",
    [TOPIC_STATE] = "state",   [TOPIC_PULL] = "pull",     [TOPIC_DESK] = "desk",
    [TOPIC_BELL] = "bell",     [TOPIC_HUB] = "hub",
};

bool topic_root_valid(struct ts_slice root) {
    if (root.len < 1 || root.len >= TOPIC_ROOT_TEXT)
        return false;
    for (size_t i = 0; i < root.len; i++) {
        uint8_t c = root.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

void topic_text(char out[TOPIC_TEXT], const char *root, unsigned shard,
                const char *name, enum topic_leaf leaf) {
    assert(shard < TS_SHARDS);
    if (leaf == TOPIC_HUB)
        (void)snprintf(out, TOPIC_TEXT, "%s/1/%02x/hub", root, shard);
    else
        (void)snprintf(out, TOPIC_TEXT, "%s/1/%02x/%s/%s", root, shard, name,
                       leaves[leaf]);
}

void topic_filter(char out[TOPIC_TEXT], const char *root,
                  enum topic_leaf leaf) {
    (void)snprintf(out, TOPIC_TEXT, "%s/1/+/%s%s", root,
                   leaf == TOPIC_HUB ? "" : "+/", leaves[leaf]);
}

/* Takes the part up to the next slash; false when nothing is left. */
static bool next_level(struct ts_slice *rest, struct ts_slice *level) {
    const uint8_t *slash;
    size_t len;

    if (!rest->data)
        return false;
    slash = rest->len ? memchr(rest->data, '/', rest->len) : NULL;
    len = slash ? (size_t)(slash - rest->data) : rest->len;
    *level = ts_slice_of(rest->data, len);
    *rest = slash ? ts_slice_of(slash + 1, rest->len - len - 1)
                  : (struct ts_slice){NULL, 0};
    return true;
}

static bool parse_shard(unsigned *out, struct ts_slice text) {
    static const char digits[] = "0123456789abcdef";
    unsigned value = 0;

    if (text.len != 2)
        return false;
    for (size_t i = 0; i < 2; i++) {
        const char *at = text.data[i] ? strchr(digits, text.data[i]) : NULL;
        if (!at)
            return false;
        value = value * 16 + (unsigned)(at - digits);
    }
    *out = value;
    return value < TS_SHARDS;
}

static bool parse_leaf(enum topic_leaf *out, struct ts_slice text) {
    for (unsigned leaf = TOPIC_EVENTS; leaf < TOPIC_HUB; leaf++)
        if (ts_slice_equal(text, ts_slice_text(leaves[leaf]))) {
            *out = (enum topic_leaf)leaf;
            return true;
        }
    return false;
}

enum ts_status topic_parse(struct topic *out, const char *root,
                           struct ts_slice text) {
    struct topic topic = {.leaf = TOPIC_HUB};
    struct ts_slice level;

    if (!next_level(&text, &level) ||
        !ts_slice_equal(level, ts_slice_text(root)) ||
        !next_level(&text, &level) ||
        !ts_slice_equal(level, ts_slice_text("1")) ||
        !next_level(&text, &level) || !parse_shard(&topic.shard, level) ||
        !next_level(&text, &level))
        return TS_INVALID;
    if (ts_slice_equal(level, ts_slice_text("hub"))) {
        if (text.data)
            return TS_INVALID;
        *out = topic;
        return TS_OK;
    }
    if (!ts_name_valid(level))
        return TS_INVALID;
    memcpy(topic.name, level.data, level.len);
    if (!next_level(&text, &level) || !parse_leaf(&topic.leaf, level) ||
        text.data)
        return TS_INVALID;
    *out = topic;
    return TS_OK;
}
