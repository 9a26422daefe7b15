/* One visit as a fold over its events: the same function runs live and at a
 * restart, so that what the page shows is what the journal holds. */
#ifndef TS_AGENT_VISIT_H
#define TS_AGENT_VISIT_H

#include "base/ids.h"
#include "base/token.h"

#include <jansson.h>

enum visit_kind { VISIT_CHECKOUT, VISIT_KIOSK };
enum {
    VISIT_ITEMS_MAX = 1000,
    VISIT_COUPONS_MAX = 50,
    VISIT_CODE_TEXT = 65,
    VISIT_FIELD_TEXT = 91
};

struct visit_item {
    char journal[TS_JOURNAL_TEXT];
    uint64_t sequence;
    char gtin[15];              /* or "" */
    char code[VISIT_CODE_TEXT]; /* text that a shop rule names as an item */
    char symbology[24];
    int64_t quantity;
    bool voided;
    json_t *details; /* of weight_g, price_minor, currency, lot and expiry,
                        those that the code told, or NULL */
};

struct visit {
    bool open;
    enum visit_kind kind;
    char id[TS_UUID_TEXT];
    struct ts_wall opened;
    char card[TS_TOKEN_TEXT]; /* token, or "" */
    char masked[24];
    struct visit_item *items; /* the first VISIT_ITEMS_MAX */
    size_t item_count;
    uint64_t scanned; /* all, also those not listed */
    char coupons[VISIT_COUPONS_MAX][VISIT_FIELD_TEXT]; /* the first of them */
    size_t coupon_count;
};

struct visit_event {
    const char *journal;
    uint64_t sequence;
    struct ts_slice type; /* short form */
    struct ts_slice visit;
    struct ts_wall time;
    const json_t *data;
};

void visit_fini(struct visit *visit);
/* `out` becomes the same visit. */
void visit_copy(struct visit *out, const struct visit *from);
/* Events of other visits change nothing. */
void visit_apply(struct visit *visit, const struct visit_event *event);
struct visit_item *visit_item_find(const struct visit *visit,
                                   const char *journal, uint64_t sequence);
/* Pieces in the basket: quantities of what is not voided. */
int64_t visit_pieces(const struct visit *visit);
const char *visit_kind_name(enum visit_kind kind);
/* The items as the screen shows them, a new reference. */
json_t *visit_items_json(const struct visit *visit);
json_t *visit_coupons_json(const struct visit *visit);

#endif
