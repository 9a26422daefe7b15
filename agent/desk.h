/* The desk: this terminal's replica of what the hub lets its store know.
 * Profiles are looked up by card token with the line cut. A replica: a damaged
 * file is thrown away and loaded again. */
#ifndef TS_AGENT_DESK_H
#define TS_AGENT_DESK_H

#include "sync/message.h"

struct desk;

enum ts_status desk_open(struct desk **out, const char *path,
                         struct ts_err *err) TS_MUST_USE;
void desk_close(struct desk *desk);

struct desk_result {
    bool changed;
    bool pull;       /* ask again, see desk_request */
    uint64_t erased; /* position of the last erase record applied, or 0 */
};
/* Applies an answer to `pull` or to `want` by the protocol's rules, in one
 * transaction. */
enum ts_status desk_apply(struct desk *desk, const struct message_desk *message,
                          struct desk_result *result,
                          struct ts_err *err) TS_MUST_USE;
/* The card tokens that the message's erase records name, a new reference. */
json_t *desk_erased_cards(const struct message_desk *message);
/* True when the bell tells of something that is not here yet. */
bool desk_bell(const struct desk *desk, const struct message_bell *bell);
/* What to ask the hub for next; `want` stays NULL. */
void desk_request(const struct desk *desk, struct message_pull *out);

/* The profile behind a card token, a new reference, or NULL. */
json_t *desk_find(struct desk *desk, const char *card, struct ts_wall now);

/* The offers that wait for a card: records of kind offer whose key is the
 * token, a slash and the offer's id. A new array of {offer, title?}, in the
 * order of the ids, at most DESK_OFFERS_MAX. */
enum { DESK_OFFERS_MAX = 8 };
json_t *desk_offers(struct desk *desk, const char *card, struct ts_wall now);

/* Gives back what it keeps of its file in memory. */
void desk_rest(struct desk *desk);

struct desk_stats {
    char log[TS_JOURNAL_TEXT];
    uint64_t position, rows;
};
void desk_get_stats(struct desk *desk, struct desk_stats *out);

#endif
