#include "hub/segment.h"

#include "base/guard.h"
#include "base/hash.h"
#include "base/ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Shorter numbers are tokenised where they stand, but not searched for in the
 * rest of the event: they would be found inside times and prices. */
enum { MIN_CARD = 4, MIN_SEARCH = 8, MAX_CARDS = 8, DAY_MS = 24 * 3600 * 1000 };

/* A clear loyalty number that was met, and what stands for it. */
struct swap {
    char clear[TS_TOKEN_TEXT];
    char token[TS_TOKEN_TEXT];
};
struct swaps {
    struct swap list[MAX_CARDS];
    size_t count;
};

static size_t count_alnum(const char *text) {
    size_t n = 0;

    for (; *text; text++)
        n += (*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
             (*text >= 'A' && *text <= 'Z');
    return n;
}

static void note_swap(struct swaps *swaps, const char *clear,
                      const char *token) {
    struct swap *swap;

    if (swaps->count == MAX_CARDS || strlen(clear) >= sizeof swap->clear ||
        strlen(clear) < MIN_SEARCH)
        return;
    swap = &swaps->list[swaps->count++];
    snprintf(swap->clear, sizeof swap->clear, "%s", clear);
    snprintf(swap->token, sizeof swap->token, "%s", token);
}

static void set_token(json_t *object, const char *name, const json_t *value,
                      const struct segment_cards *cards, struct swaps *swaps) {
    char number[32], token[TS_TOKEN_TEXT];
    const char *clear = number;

    if (json_is_integer(value))
        snprintf(number, sizeof number, "%lld",
                 (long long)json_integer_value(value));
    else if (json_is_string(value))
        clear = json_string_value(value);
    else
        return;
    if (ts_token_valid(ts_slice_text(clear)))
        return;
    /* What the guard put in the place of a payment card is nobody's card. */
    if (clear[0] == '[' || count_alnum(clear) < MIN_CARD ||
        ts_token_card(token, cards->keys, 0, ts_slice_text(cards->programme),
                      ts_slice_text(clear)) != TS_OK) {
        json_object_set_new(object, name, json_null());
        return;
    }
    note_swap(swaps, clear, token);
    json_object_set_new(object, name, json_string(token));
}

static bool is_card_trait(const struct segment_cards *cards, const char *name) {
    for (size_t i = 0; i < cards->trait_count; i++)
        if (strcasecmp(cards->traits[i], name) == 0)
            return true;
    return false;
}

static bool is_card_type(const json_t *object) {
    const char *type = json_string_value(json_object_get(object, "type"));

    return type && (strcasecmp(type, "card") == 0);
}

static void tokenise_externals(json_t *list, const struct segment_cards *cards,
                               struct swaps *swaps) {
    json_t *child;
    size_t i;

    json_array_foreach(list, i, child) if (is_card_type(child) &&
                                           json_object_get(child, "id"))
        set_token(child, "id", json_object_get(child, "id"), cards, swaps);
}

/* Card traits and external ids at any depth: clients disagree on where they
 * put them (traits, context.traits, properties, products). */
static void tokenise(json_t *value, const struct segment_cards *cards,
                     struct swaps *swaps) {
    json_t *child;
    const char *name;
    void *next;
    size_t i;

    if (json_is_array(value)) {
        json_array_foreach(value, i, child) tokenise(child, cards, swaps);
        return;
    }
    if (!json_is_object(value))
        return;
    json_object_foreach_safe(value, next, name, child) {
        if (is_card_trait(cards, name) && !json_is_object(child) &&
            !json_is_array(child))
            set_token(value, name, child, cards, swaps);
        else if (strcmp(name, "externalIds") == 0)
            tokenise_externals(child, cards, swaps);
        else
            tokenise(child, cards, swaps);
    }
}

static char *replaced(const char *text, const struct swap *swap) {
    const char *at = strstr(text, swap->clear);
    size_t clear = strlen(swap->clear);
    struct ts_buf out = {0};
    char *result;

    if (!at)
        return NULL;
    for (; at; text = at + clear, at = strstr(text, swap->clear))
        if (ts_buf_add(&out, ts_slice_of(text, (size_t)(at - text))) != TS_OK ||
            ts_buf_add_text(&out, swap->token) != TS_OK)
            break;
    if (ts_buf_add_text(&out, text) != TS_OK)
        out.len = 0;
    result = ts_strdup(ts_buf_text(&out));
    ts_buf_fini(&out);
    return result;
}

/* The text with every clear number replaced, or NULL when it holds none. */
static char *swap_text(const char *text, const struct swaps *swaps) {
    char *now = NULL;

    for (size_t i = 0; i < swaps->count; i++) {
        char *next = replaced(now ? now : text, &swaps->list[i]);
        if (next) {
            free(now);
            now = next;
        }
    }
    return now;
}

static json_t *swap_leaf(const json_t *value, const struct swaps *swaps) {
    char number[32];
    char *text = NULL;
    json_t *fresh = NULL;

    if (json_is_string(value)) {
        text = swap_text(json_string_value(value), swaps);
    } else if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld",
                 (long long)json_integer_value(value));
        text = swap_text(number, swaps);
    }
    if (text)
        fresh = json_string(text);
    free(text);
    return fresh;
}

static void swap_name(json_t *object, const char *name, json_t *child,
                      const struct swaps *swaps) {
    char *fresh = swap_text(name, swaps);

    if (!fresh)
        return;
    json_object_set(object, fresh, child);
    json_object_del(object, name);
    free(fresh);
}

/* The number may stand elsewhere in the event too: a page address, a search,
 * the user id. */
static void swap_everywhere(json_t *value, const struct swaps *swaps) {
    json_t *child, *fresh;
    const char *name;
    void *next;
    size_t i;

    if (json_is_array(value)) {
        json_array_foreach(value, i, child) {
            fresh = swap_leaf(child, swaps);
            if (fresh)
                json_array_set_new(value, i, fresh);
            else
                swap_everywhere(child, swaps);
        }
    } else if (json_is_object(value)) {
        json_object_foreach_safe(value, next, name, child) {
            fresh = swap_leaf(child, swaps);
            if (fresh)
                json_object_set_new(value, name, fresh);
            else
                swap_everywhere(child, swaps);
            child = json_object_get(value, name);
            swap_name(value, name, child, swaps);
        }
    }
}

/* Ids made of digits may look like a payment card. Wiped, they would all be
 * one and the same; a keyed print keeps them apart and holds no digit. */
static void print_id(json_t *item, const char *name,
                     const struct ts_keys *keys) {
    struct ts_slice id = ts_json_text(item, name);
    char print[TS_TOKEN_TEXT];

    if (!id.len || !ts_guard_refuses(id, TS_CARRIER_TEXT, NULL))
        return;
    ts_token_print(print, keys, id);
    json_object_set_new(item, name, json_string(print));
}

static void print_ids(json_t *body, const struct ts_keys *keys) {
    json_t *item;
    size_t i;

    print_id(body, "messageId", keys);
    print_id(body, "anonymousId", keys);
    json_array_foreach(json_object_get(body, "batch"), i, item) {
        print_id(item, "messageId", keys);
        print_id(item, "anonymousId", keys);
    }
}

size_t segment_clean(json_t *value, const struct segment_cards *cards) {
    struct swaps swaps = {.count = 0};
    size_t removed;

    print_ids(value, cards->keys);
    removed = ts_guard_scrub_json(value);

    tokenise(value, cards, &swaps);
    if (swaps.count)
        swap_everywhere(value, &swaps);
    memset(&swaps, 0, sizeof swaps);
    return removed;
}

static void merge_missing(json_t *into, const json_t *from) {
    const char *name;
    json_t *value, *mine;

    json_object_foreach((json_t *)from, name, value) {
        mine = json_object_get(into, name);
        if (!mine)
            json_object_set_new(into, name, json_deep_copy(value));
        else if (json_is_object(mine) && json_is_object(value))
            merge_missing(mine, value);
    }
}

void segment_merge_outer(json_t *item, const json_t *outer) {
    static const char *const names[] = {"context", "integrations"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *from = json_object_get(outer, names[i]);
        json_t *into = json_object_get(item, names[i]);

        if (!json_is_object(from))
            continue;
        if (json_is_object(into))
            merge_missing(into, from);
        else
            json_object_set_new(item, names[i], json_deep_copy(from));
    }
}

/* Ids come as text, as numbers and as null; afterwards as text or not. */
static void settle_id(json_t *item, const char *name) {
    json_t *value = json_object_get(item, name);
    char text[32];

    if (json_is_integer(value)) {
        snprintf(text, sizeof text, "%lld",
                 (long long)json_integer_value(value));
        json_object_set_new(item, name, json_string(text));
    } else if (value &&
               (!json_is_string(value) || json_string_length(value) == 0)) {
        json_object_del(item, name);
    }
}

static bool has_text(const json_t *item, const char *name) {
    return ts_json_text(item, name).len > 0;
}

static enum ts_status check_members(const json_t *item, const char *type,
                                    struct ts_err *err) {
    if (!has_text(item, "userId") && !has_text(item, "anonymousId"))
        return ts_fail(err, TS_INVALID,
                       "the event has neither userId nor anonymousId; send "
                       "one of them");
    if (strcmp(type, "track") == 0 && !has_text(item, "event"))
        return ts_fail(err, TS_INVALID,
                       "a track call needs \"event\", the name of what "
                       "happened");
    if (strcmp(type, "group") == 0 && !has_text(item, "groupId"))
        return ts_fail(err, TS_INVALID, "a group call needs \"groupId\"");
    if (strcmp(type, "alias") == 0 && !has_text(item, "previousId"))
        return ts_fail(err, TS_INVALID, "an alias call needs \"previousId\"");
    if (ts_json_text(item, "messageId").len > SEGMENT_MAX_MESSAGE_ID)
        return ts_fail(err, TS_INVALID, "messageId is longer than %d bytes",
                       SEGMENT_MAX_MESSAGE_ID);
    return TS_OK;
}

/* Browsers and phones have their owner's clock; servers have a kept one. */
static bool from_device(const json_t *item, enum segment_kind kind) {
    static const char *const devices[] = {
        "analytics.js", "analytics-next", "rudderlabs javascript",
        "kotlin",       "swift",          "android",
        "ios",          "react-native",   "flutter"};
    const json_t *context = json_object_get(item, "context");
    const char *library = json_string_value(
        json_object_get(json_object_get(context, "library"), "name"));
    const char *channel = json_string_value(json_object_get(item, "channel"));

    if (kind != SEGMENT_AUTO)
        return kind == SEGMENT_DEVICE;
    if (channel && strcmp(channel, "server") == 0)
        return false;
    if (channel && (!strcmp(channel, "web") || !strcmp(channel, "browser") ||
                    !strcmp(channel, "mobile")))
        return true;
    for (size_t i = 0; library && i < sizeof devices / sizeof *devices; i++)
        if (strcasestr(library, devices[i]))
            return true;
    return false;
}

static bool read_time(const json_t *item, const char *name,
                      struct ts_wall *out) {
    struct ts_slice text = ts_json_text(item, name);

    return text.len && ts_wall_parse(out, text) == TS_OK;
}

static struct ts_wall place(const json_t *item,
                            const struct segment_frame *frame) {
    struct ts_wall original, sent = frame->sent;
    bool has_sent = read_time(item, "sentAt", &sent) || frame->has_sent;
    struct ts_wall at;

    if (!read_time(item, "originalTimestamp", &original) &&
        !read_time(item, "timestamp", &original))
        return frame->received;
    at = original;
    if (has_sent && from_device(item, frame->kind))
        at.unix_ms =
            frame->received.unix_ms - (sent.unix_ms - original.unix_ms);
    return at.unix_ms > frame->received.unix_ms ? frame->received : at;
}

/* Members that differ between the tries of one event. */
static void drop_delivery(json_t *item) {
    static const char *const names[] = {"sentAt", "receivedAt", "writeKey",
                                        "_metadata"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        json_object_del(item, names[i]);
}

/* Without id and time, equal events of one day count as tries of one. */
static void make_message_id(json_t *item, struct ts_slice body,
                            struct ts_wall received) {
    uint8_t hash[TS_HASH_BYTES];
    char hex[TS_HASH_TEXT], id[80], day[32] = "";

    if (!has_text(item, "timestamp") && !has_text(item, "originalTimestamp"))
        snprintf(day, sizeof day, "%lld",
                 (long long)(received.unix_ms / DAY_MS));
    ts_hash(hash, (struct ts_slice[]){body, ts_slice_text(day)}, 2);
    ts_hex(hex, ts_slice_of(hash, sizeof hash));
    snprintf(id, sizeof id, "made-%.40s", hex);
    json_object_set_new(item, "messageId", json_string(id));
}

static enum ts_status write_body(struct segment_event *out, json_t *item,
                                 struct ts_err *err) {
    ts_buf_clear(&out->body);
    if (ts_json_canonical(&out->body, item) != TS_OK)
        return ts_fail(err, TS_INVALID,
                       "the event is larger than %d bytes; send less in one",
                       SEGMENT_MAX_EVENT);
    return TS_OK;
}

static enum ts_status fill(struct segment_event *out, const json_t *item,
                           const char *type,
                           const struct segment_frame *frame) {
    struct archive_event *archive = &out->archive;
    struct ts_slice id = ts_json_text(item, "anonymousId");
    struct ts_slice message = ts_json_text(item, "messageId");

    if (!id.len)
        id = ts_json_text(item, "userId");
    archive->shard = ts_shard(id);
    if (ts_buf_printf(&out->source, "/online/%s", frame->source) != TS_OK ||
        ts_buf_printf(&out->key, "%s/%.*s", frame->source, (int)message.len,
                      (const char *)message.data) != TS_OK)
        return TS_FULL;
    archive->key = ts_buf_slice(&out->key);
    archive->source = ts_buf_slice(&out->source);
    archive->body = ts_buf_slice(&out->body);
    archive->type = ts_slice_text(type);
    archive->channel = ts_slice_text(frame->channel);
    archive->received = frame->received;
    return TS_OK;
}

static const char *call_name(const json_t *item, const char *type) {
    static const char *const calls[] = {"track",  "identify", "page",
                                        "screen", "group",    "alias"};
    const char *own = json_string_value(json_object_get(item, "type"));

    if (!type)
        type = own;
    for (size_t i = 0; type && i < sizeof calls / sizeof *calls; i++)
        if (strcmp(calls[i], type) == 0)
            return calls[i];
    return NULL;
}

static enum ts_status settle(json_t *item, const char *call,
                             struct ts_err *err) {
    static const char *const ids[] = {"userId", "anonymousId", "previousId",
                                      "groupId", "messageId"};

    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        settle_id(item, ids[i]);
    json_object_set_new(item, "type", json_string(call));
    return check_members(item, call, err);
}

enum ts_status segment_read(struct segment_event *out, json_t *item,
                            const char *type, const struct segment_frame *frame,
                            struct ts_err *err) {
    struct segment_event event = {0};
    const char *call;

    if (!json_is_object(item))
        return ts_fail(err, TS_INVALID, "an event must be a JSON object");
    call = call_name(item, type);
    if (!call)
        return ts_fail(err, TS_INVALID,
                       "\"type\" must be track, identify, page, screen, group "
                       "or alias");
    if (settle(item, call, err) != TS_OK)
        return err ? err->status : TS_INVALID;
    event.archive.time = place(item, frame);
    drop_delivery(item);
    ts_buf_init(&event.body, SEGMENT_MAX_EVENT);
    if (write_body(&event, item, err) != TS_OK)
        goto refuse;
    if (!has_text(item, "messageId")) {
        make_message_id(item, ts_buf_slice(&event.body), frame->received);
        if (write_body(&event, item, err) != TS_OK)
            goto refuse;
    }
    if (fill(&event, item, call, frame) != TS_OK)
        goto refuse;
    *out = event;
    return TS_OK;
refuse:
    segment_event_fini(&event);
    return TS_INVALID;
}

void segment_event_fini(struct segment_event *event) {
    ts_buf_fini(&event->key);
    ts_buf_fini(&event->source);
    ts_buf_fini(&event->body);
}
