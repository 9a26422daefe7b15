#include "tools/event_samples.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASSORTMENT = 400 };

struct event_sampler {
    uint64_t random;
    struct event_origin origin;
    char journal[TS_JOURNAL_TEXT];
    char reader[16];
    uint64_t sequence;
    struct ts_wall time;
    struct ts_mono uptime;
    enum event_clock clock;
    bool kiosk;
    char visit[TS_UUID_TEXT];
    unsigned items_left;
    unsigned receipt;
    int64_t total;
    bool open;
};

/* SplitMix64: the same numbers everywhere for one seed. */
static uint64_t draw(struct event_sampler *s) {
    uint64_t z = s->random += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static unsigned below(struct event_sampler *s, unsigned limit) {
    return (unsigned)(draw(s) % limit);
}

static void draw_hex(struct event_sampler *s, char *out, size_t digits) {
    for (size_t i = 0; i < digits; i++)
        out[i] = "0123456789abcdef"[below(s, 16)];
    out[digits] = 0;
}

static const char *one_of(struct event_sampler *s, const char *const *words,
                          unsigned count) {
    return words[below(s, count)];
}

static void draw_token(struct event_sampler *s, char kind, char out[48]) {
    uint8_t bytes[32];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)draw(s);
    out[0] = kind;
    out[1] = '1';
    out[2] = '.';
    ts_base64url(out + 3, ts_slice_of(bytes, sizeof bytes));
}

/* GTIN-14 of a made-up assortment; few articles make most of the trade. */
static void draw_gtin(struct event_sampler *s, char out[15]) {
    static const char *const makers[] = {"0800123", "0871567", "0400999",
                                         "0800777", "0501234", "0761111"};
    unsigned article = below(s, ASSORTMENT) * below(s, ASSORTMENT) / ASSORTMENT;
    unsigned sum = 0;

    (void)snprintf(out, 15, "%s%06u0", makers[article % 6],
                   (article * 7919U + 31U) % 1000000U);
    for (unsigned i = 0; i < 13; i++)
        sum += (unsigned)(out[i] - '0') * (i % 2 ? 1 : 3);
    out[13] = (char)('0' + (10 - sum % 10) % 10);
}

static void emit(struct event_sampler *s, struct ts_buf *out, const char *type,
                 json_t *take_data) {
    struct event event = {
        .type = type,
        .time = s->time,
        .uptime = s->uptime,
        .clock = s->clock,
        .visit = s->visit[0] ? s->visit : NULL,
        .data = take_data,
    };
    enum ts_status status =
        event_encode(out, &s->origin, s->journal, ++s->sequence, &event, NULL);

    assert(status == TS_OK);
    (void)status;
    json_decref(take_data);
}

static void start(struct event_sampler *s, struct ts_buf *out) {
    char previous[TS_JOURNAL_TEXT];
    char last[TS_COUNTER_TEXT];

    draw_hex(s, previous, 16);
    ts_counter_text(last, draw(s) % 90000 + 1);
    emit(s, out, "terminal.started",
         json_pack("{s:s, s:s, s:s}", "version", TS_VERSION, "previous",
                   previous, "previous_last", last));
}

/* UUID version 7 from the sampler's own time and numbers. */
static void draw_visit(struct event_sampler *s) {
    uint8_t bytes[16];
    char hex[33];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i < 6 ? (uint64_t)s->time.unix_ms >> (40 - 8 * i)
                                   : draw(s));
    bytes[6] = (uint8_t)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    ts_hex(hex, ts_slice_of(bytes, sizeof bytes));
    (void)snprintf(s->visit, sizeof s->visit, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
                   hex + 8, hex + 12, hex + 16, hex + 20);
}

static void open_visit(struct event_sampler *s, struct ts_buf *out) {
    draw_visit(s);
    s->open = true;
    s->items_left = s->kiosk ? below(s, 3) : 2 + below(s, 20);
    s->total = 0;
    emit(s, out, "visit.opened",
         json_pack("{s:s}", "kind", s->kiosk ? "kiosk" : "checkout"));
}

static void close_visit(struct event_sampler *s, struct ts_buf *out) {
    char receipt[16];

    (void)snprintf(receipt, sizeof receipt, "%08u", ++s->receipt);
    if (s->kiosk)
        emit(s, out, "visit.closed",
             json_pack("{s:s, s:s}", "outcome", "done", "kind", "kiosk"));
    else
        emit(s, out, "visit.closed",
             json_pack("{s:s, s:s, s:s, s:I, s:s}", "kind", "checkout",
                       "outcome", below(s, 20) ? "paid" : "abandoned",
                       "receipt", receipt, "total_minor", (json_int_t)s->total,
                       "currency", "EUR"));
    s->open = false;
    s->visit[0] = 0;
}

static void void_item(struct event_sampler *s, struct ts_buf *out) {
    char sequence[TS_COUNTER_TEXT];

    ts_counter_text(sequence, s->sequence);
    emit(s, out, "item.voided",
         json_pack("{s:s, s:s}", "journal", s->journal, "sequence", sequence));
}

static void scan_item(struct event_sampler *s, struct ts_buf *out) {
    char gtin[15];
    json_t *data;

    draw_gtin(s, gtin);
    data = json_pack("{s:s, s:s, s:i, s:s}", "reader", s->reader, "symbology",
                     "EAN-13", "quantity", 1, "gtin", gtin);
    if (!below(s, 12))
        (void)json_object_set_new(data, "weight_g",
                                  json_integer(80 + below(s, 2000)));
    else if (!below(s, 12))
        (void)json_object_set_new(data, "price_minor",
                                  json_integer(99 + below(s, 2000)));
    s->total += 49 + below(s, 900);
    s->items_left--;
    emit(s, out, "item.scanned", data);
}

static void present_card(struct event_sampler *s, struct ts_buf *out) {
    static const char *const ways[] = {"EAN-13", "Code 128", "QR Code"};
    char token[48];
    char masked[24];

    draw_token(s, 'c', token);
    (void)snprintf(masked, sizeof masked,
                   "\xc2\xb7\xc2\xb7\xc2\xb7\xc2\xb7 %04u", below(s, 10000));
    emit(s, out, "card.presented",
         json_pack("{s:s, s:s, s:s, s:s}", "reader", s->reader, "card", token,
                   "masked", masked, "symbology", one_of(s, ways, 3)));
}

static void offer(struct event_sampler *s, struct ts_buf *out) {
    static const char *const what[] = {"offer.shown", "offer.shown",
                                       "offer.accepted", "offer.declined",
                                       "offer.redeemed"};
    char id[24];

    (void)snprintf(id, sizeof id, "spring-coffee-%u", below(s, 12));
    emit(s, out, one_of(s, what, 5),
         json_pack("{s:s, s:s}", "offer", id, "place",
                   s->kiosk ? "kiosk" : "checkout"));
}

static void kiosk_scene(struct event_sampler *s, struct ts_buf *out) {
    char token[48];

    switch (below(s, 4)) {
    case 0:
        emit(s, out, "checkin.made", json_pack("{s:s}", "reader", s->reader));
        break;
    case 1:
        emit(s, out, "feedback.given",
             json_pack("{s:s, s:i}", "question", "visit-today", "score",
                       (int)below(s, 5) + 1));
        break;
    case 2:
        draw_token(s, 'c', token);
        emit(s, out, "consent.changed",
             json_pack("{s:s, s:b, s:s}", "purpose", "offers", "granted",
                       (int)below(s, 2), "card", token));
        break;
    default:
        offer(s, out);
    }
}

static void unusual(struct event_sampler *s, struct ts_buf *out) {
    static const char *const faults[] = {"bad_checksum", "bad_check_digit",
                                         "bad_frame", "truncated"};
    char print[48];

    switch (below(s, 6)) {
    case 0:
        emit(s, out, "scan.rejected",
             json_pack("{s:s, s:s, s:i}", "reader", s->reader, "error",
                       one_of(s, faults, 4), "count", (int)below(s, 5) + 1));
        break;
    case 1:
        draw_token(s, 'u', print);
        emit(s, out, "code.unknown",
             json_pack("{s:s, s:s, s:i, s:s}", "reader", s->reader, "symbology",
                       "Code 128", "length", (int)below(s, 30) + 4, "print",
                       print));
        break;
    case 2:
        emit(s, out, "payment_card.refused",
             json_pack("{s:s}", "reader", s->reader));
        break;
    case 3:
        void_item(s, out);
        break;
    case 4:
        emit(s, out, below(s, 2) ? "reader.attached" : "reader.detached",
             json_pack("{s:s}", "reader", s->reader));
        break;
    default:
        offer(s, out);
    }
}

static void pass_time(struct event_sampler *s, unsigned most_ms) {
    unsigned ms = 200 + below(s, most_ms);

    s->time.unix_ms += ms;
    s->uptime.ms += ms;
}

struct event_sampler *event_sampler_new(uint64_t seed) {
    static const char *const towns[] = {"milano", "roma",   "torino", "lyon",
                                        "porto",  "bergen", "graz",   "gent"};
    struct event_sampler *s = ts_alloc(sizeof *s);

    s->random = seed * 0x2545f4914f6cdd1dULL;
    s->kiosk = below(s, 5) == 0;
    s->clock =
        below(s, 10) ? EVENT_CLOCK_SET : (enum event_clock)(below(s, 2) * 2);
    (void)snprintf(s->origin.store, sizeof s->origin.store, "%s-%02u",
                   one_of(s, towns, 8), below(s, 30) + 1);
    (void)snprintf(s->origin.terminal, sizeof s->origin.terminal, "%.24s-%s-%u",
                   s->origin.store, s->kiosk ? "kiosk" : "lane",
                   below(s, 12) + 1);
    (void)snprintf(s->reader, sizeof s->reader, "%s",
                   below(s, 3) ? "scanner" : "hand");
    draw_hex(s, s->origin.boot, 8);
    draw_hex(s, s->journal, 16);
    s->time.unix_ms = 1750000000000LL + (int64_t)(draw(s) % 60000000000ULL);
    s->uptime.ms = (int64_t)(draw(s) % 900000000ULL) + 20000;
    s->receipt = below(s, 90000);
    s->sequence = below(s, 4) ? draw(s) % 80000 : 0;
    return s;
}

void event_sampler_free(struct event_sampler *sampler) { free(sampler); }

void event_sampler_next(struct event_sampler *s, struct ts_buf *out) {
    pass_time(s, s->open ? 4000 : 60000);
    if (s->sequence == 0)
        start(s, out);
    else if (!s->open)
        open_visit(s, out);
    else if (!below(s, 30))
        unusual(s, out);
    else if (!below(s, s->kiosk ? 3 : 12))
        present_card(s, out);
    else if (s->kiosk && below(s, 3))
        kiosk_scene(s, out);
    else if (s->items_left)
        scan_item(s, out);
    else if (!below(s, 3))
        offer(s, out);
    else
        close_visit(s, out);
}
