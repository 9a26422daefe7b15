/* The small payloads of the protocol: acks, resume, state, pull, desk, bell,
 * hub. Each has a JSON Schema in docs/schema/. Decoders ignore unknown
 * members and refuse what is missing or out of range, with a clear text. */
#ifndef TS_SYNC_MESSAGE_H
#define TS_SYNC_MESSAGE_H

#include "base/ids.h"
#include "base/json.h"
#include "sync/batch.h"

enum { MESSAGE_WINDOW_MAX = 64, MESSAGE_KEY_MAX = 200 };

struct message_ack {
    char journal[TS_JOURNAL_TEXT];
    uint64_t through; /* cumulative; 0: nothing yet */
    uint32_t window;  /* batches in flight, 1 to MESSAGE_WINDOW_MAX */
    struct ts_wall hubtime;
    enum batch_refusal refused;
};

struct message_resume {
    char journal[TS_JOURNAL_TEXT];
    uint64_t oldest; /* lowest sequence still held, copies included */
    uint64_t newest;
};

struct message_state {
    bool online;
    char boot[TS_BOOT_TEXT];
    uint64_t session; /* counts the connections of one terminal */
    char version[32];
    char store[TS_NAME_TEXT];
    char journal[TS_JOURNAL_TEXT];
    uint64_t unsent;
    bool has_oldest;
    struct ts_wall oldest_unsent;
};

enum { MESSAGE_WANT_MAX = 64, MESSAGE_LIMIT_MAX = 1000 };
struct message_pull {
    char log[TS_JOURNAL_TEXT]; /* "" before the first load */
    uint64_t after;
    uint32_t limit;
    const json_t *want; /* array of card tokens, or NULL; borrowed */
};

/* `from` and `to` are absent in an answer to `want` (has_range false). */
struct message_desk {
    char log[TS_JOURNAL_TEXT];
    bool has_range;
    uint64_t from, to;
    bool more;
    const json_t *records; /* array, borrowed */
};

enum desk_kind {
    DESK_PROFILE,
    DESK_OFFER,
    DESK_SETTING,
    DESK_ERASE,
    DESK_REDEMPTION
};
struct message_desk_record {
    uint64_t position;
    enum desk_kind kind;
    struct ts_slice key;
    const json_t *value; /* NULL: deletes the key */
    bool has_expires;
    struct ts_wall expires;
};

struct message_bell {
    char log[TS_JOURNAL_TEXT];
    uint64_t through;
};

enum { MESSAGE_DICTS_MAX = 16 };
struct message_hub {
    bool online;
    uint64_t epoch;
    uint32_t dicts[MESSAGE_DICTS_MAX];
    size_t dict_count;
    uint32_t window;
};

void message_ack_encode(struct ts_buf *out, const struct message_ack *ack);
void message_resume_encode(struct ts_buf *out, const struct message_resume *);
void message_state_encode(struct ts_buf *out, const struct message_state *);
void message_pull_encode(struct ts_buf *out, const struct message_pull *);
void message_desk_encode(struct ts_buf *out, const struct message_desk *);
void message_bell_encode(struct ts_buf *out, const struct message_bell *);
void message_hub_encode(struct ts_buf *out, const struct message_hub *);
/* A record as JSON, a new reference. */
json_t *message_desk_record_json(const struct message_desk_record *record);

/* *out borrows from `json`, which the caller has parsed and keeps. */
enum ts_status message_ack_decode(struct message_ack *out, const json_t *json,
                                  struct ts_err *err) TS_MUST_USE;
enum ts_status message_resume_decode(struct message_resume *out,
                                     const json_t *json,
                                     struct ts_err *err) TS_MUST_USE;
enum ts_status message_state_decode(struct message_state *out,
                                    const json_t *json,
                                    struct ts_err *err) TS_MUST_USE;
enum ts_status message_pull_decode(struct message_pull *out, const json_t *json,
                                   struct ts_err *err) TS_MUST_USE;
enum ts_status message_desk_decode(struct message_desk *out, const json_t *json,
                                   struct ts_err *err) TS_MUST_USE;
enum ts_status message_desk_record_decode(struct message_desk_record *out,
                                          const json_t *json,
                                          struct ts_err *err) TS_MUST_USE;
enum ts_status message_bell_decode(struct message_bell *out, const json_t *json,
                                   struct ts_err *err) TS_MUST_USE;
enum ts_status message_hub_decode(struct message_hub *out, const json_t *json,
                                  struct ts_err *err) TS_MUST_USE;

#endif
