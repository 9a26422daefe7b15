#include "tools/event_samples.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMPANY = 1000,       /* seeds */
    ASSORTMENT_BITS = 13, /* 8,191 articles */
    NAME_TEXT = 24
};

struct event_sampler {
    uint64_t random;
    uint64_t company;
    struct event_origin origin;
    char own_journal[TS_JOURNAL_TEXT];
    uint64_t own_sequence;
    const char *journal;
    uint64_t sequence;
    char reader[NAME_TEXT];
    struct event event; /* drawn last; its data is ours */
    char visit[TS_UUID_TEXT];
    char gtin[15]; /* scanned last */
    bool kiosk, open, started, card_due;
    unsigned left; /* scans of this basket, or scenes of this kiosk visit */
    unsigned receipt;
    int64_t total;
};

/* SplitMix64: the same numbers everywhere for one seed. */
static uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static uint64_t draw(struct event_sampler *s) {
    return mix(s->random += 0x9e3779b97f4a7c15ULL);
}

static unsigned below(struct event_sampler *s, unsigned limit) {
    return (unsigned)(draw(s) % limit);
}

static bool once_in(struct event_sampler *s, unsigned count) {
    return below(s, count) == 0;
}

/* Geometric: how often in a row a chance of one in `mean` fails. */
static unsigned runs(struct event_sampler *s, unsigned mean) {
    unsigned count = 0;

    while (count < mean * 10 && !once_in(s, mean + 1))
        count++;
    return count;
}

static void draw_hex(struct event_sampler *s, char *out, size_t digits) {
    for (size_t i = 0; i < digits; i++)
        out[i] = "0123456789abcdef"[below(s, 16)];
    out[digits] = 0;
}

#define ONE_OF(sampler, words)                                                 \
    (words)[below(sampler, sizeof(words) / sizeof *(words))]

static void draw_token(struct event_sampler *s, char kind, char out[48]) {
    uint8_t bytes[32];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)draw(s);
    out[0] = kind;
    out[1] = '1';
    out[2] = '.';
    ts_base64url(out + 3, ts_slice_of(bytes, sizeof bytes));
}

static void close_gtin(char gtin[15]) {
    unsigned sum = 0;

    for (unsigned i = 0; i < 13; i++)
        sum += (unsigned)(gtin[i] - '0') * (i % 2 ? 1 : 3);
    gtin[13] = (char)('0' + (10 - sum % 10) % 10);
    gtin[14] = 0;
}

/* Log-uniform: the article of rank r sells in proportion to 1/r. */
static uint64_t draw_article(struct event_sampler *s) {
    unsigned bits = below(s, ASSORTMENT_BITS);

    return (1ULL << bits) + draw(s) % (1ULL << bits);
}

/* The company's article: its maker has a prefix of 7 digits that begins with
 * that of a GS1 organisation, and numbers its goods. */
static void draw_gtin(struct event_sampler *s) {
    static const unsigned organisations[] = {800, 801, 802, 803, 303, 360,
                                             400, 405, 541, 871, 762, 500};
    uint64_t article = mix(s->company * 1000003 + draw_article(s));
    uint64_t maker = mix(s->company * 1000003 + article % 150);

    (void)snprintf(s->gtin, sizeof s->gtin, "0%03u%04u%05u0",
                   organisations[maker % 12], (unsigned)(maker / 12 % 10000),
                   (unsigned)(article / 150 % 3000 * 7 % 100000));
    close_gtin(s->gtin);
}

static void set(struct event_sampler *s, const char *type, json_t *take_data) {
    s->event.type = type;
    s->event.data = take_data;
}

static void terminal_starts(struct event_sampler *s) {
    char previous[TS_JOURNAL_TEXT];
    char last[TS_COUNTER_TEXT];

    draw_hex(s, previous, 16);
    ts_counter_text(last, draw(s) % 9000 + 1);
    s->started = true;
    set(s, "terminal.started",
        json_pack("{s:s, s:s, s:s}", "version", TS_VERSION, "previous",
                  previous, "previous_last", last));
}

/* UUID version 7 from the sampler's own time and numbers. */
static void draw_visit(struct event_sampler *s) {
    uint8_t bytes[16];
    char hex[33];

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] =
            (uint8_t)(i < 6 ? (uint64_t)s->event.time.unix_ms >> (40 - 8 * i)
                            : draw(s));
    bytes[6] = (uint8_t)(0x70 | (bytes[6] & 0x0f));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3f));
    ts_hex(hex, ts_slice_of(bytes, sizeof bytes));
    (void)snprintf(s->visit, sizeof s->visit, "%.8s-%.4s-%.4s-%.4s-%.12s", hex,
                   hex + 8, hex + 12, hex + 16, hex + 20);
}

/* Baskets of 1 to many, 11 on average; every other customer has a card. */
static void open_visit(struct event_sampler *s) {
    draw_visit(s);
    s->open = true;
    s->left = s->kiosk ? 1 + below(s, 3) : 1 + runs(s, 10);
    s->card_due = s->kiosk || once_in(s, 2);
    s->total = 0;
    set(s, "visit.opened",
        json_pack("{s:s}", "kind", s->kiosk ? "kiosk" : "checkout"));
}

static void close_visit(struct event_sampler *s) {
    char receipt[24];

    (void)snprintf(receipt, sizeof receipt, "%04u-%05u",
                   (unsigned)(s->company % 9000), ++s->receipt);
    if (s->kiosk)
        set(s, "visit.closed",
            json_pack("{s:s, s:s}", "outcome", "done", "kind", "kiosk"));
    else if (once_in(s, 50))
        set(s, "visit.closed",
            json_pack("{s:s, s:s}", "outcome", "cancelled", "kind",
                      "checkout"));
    else
        set(s, "visit.closed",
            json_pack("{s:s, s:s, s:I, s:s, s:s}", "outcome", "paid", "receipt",
                      receipt, "total_minor", (json_int_t)s->total, "currency",
                      "EUR", "kind", "checkout"));
    s->open = false;
}

static json_t *scanned(const struct event_sampler *s, const char *symbology) {
    return json_pack("{s:s, s:s}", "reader", s->reader, "symbology", symbology);
}

static void put(json_t *data, const char *name, json_t *take_value) {
    (void)json_object_set_new(data, name, take_value);
}

/* A shop's own label: article, price, both in one code of prefix 2. */
static void priced_item(struct event_sampler *s) {
    int price = 80 + (int)below(s, 1200);
    json_t *data = scanned(s, "EAN-13");

    (void)snprintf(s->gtin, sizeof s->gtin, "02%05u0000000",
                   (unsigned)(mix(s->company + draw_article(s) % 300) % 90000));
    close_gtin(s->gtin);
    put(data, "quantity", json_integer(1));
    put(data, "gtin", json_string(s->gtin));
    put(data, "price_minor", json_integer(price));
    put(data, "currency", json_string("EUR"));
    s->total += price;
    set(s, "item.scanned", data);
}

static void item(struct event_sampler *s) {
    json_t *data;

    s->left--;
    if (once_in(s, 12)) {
        priced_item(s);
        return;
    }
    /* One in six is the same once more. */
    if (!s->gtin[0] || !once_in(s, 6))
        draw_gtin(s);
    data = scanned(s, "EAN-13");
    put(data, "quantity", json_integer(1));
    put(data, "gtin", json_string(s->gtin));
    s->total += 49 + below(s, 900);
    set(s, "item.scanned", data);
}

static void present_card(struct event_sampler *s) {
    static const char *const ways[] = {"EAN-13", "EAN-13", "Code 128",
                                       "QR Code"};
    char token[48];
    char masked[24];
    json_t *data = json_pack("{s:s}", "reader", s->reader);

    s->card_due = false;
    draw_token(s, 'c', token);
    (void)snprintf(masked, sizeof masked,
                   "\xc2\xb7\xc2\xb7\xc2\xb7\xc2\xb7 %04u", below(s, 10000));
    put(data, "card", json_string(token));
    put(data, "masked", json_string(masked));
    put(data, "symbology", json_string(ONE_OF(s, ways)));
    set(s, "card.presented", data);
}

static void unknown_code(struct event_sampler *s) {
    char print[48];
    json_t *data = scanned(s, once_in(s, 2) ? "Code 128" : "QR Code");

    draw_token(s, 'u', print);
    put(data, "length", json_integer(4 + below(s, 40)));
    put(data, "print", json_string(print));
    set(s, "code.unknown", data);
}

static void void_item(struct event_sampler *s) {
    char sequence[TS_COUNTER_TEXT];

    ts_counter_text(sequence, s->sequence - 1);
    set(s, "item.voided",
        json_pack("{s:s, s:s}", "journal", s->journal, "sequence", sequence));
}

static void unusual(struct event_sampler *s) {
    static const char *const faults[] = {"bad_checksum", "bad_check_digit",
                                         "bad_frame", "truncated"};
    char coupon[16];

    switch (below(s, 8)) {
    case 0:
        set(s, "scan.rejected",
            json_pack("{s:s, s:s, s:i}", "reader", s->reader, "error",
                      ONE_OF(s, faults), "count", (int)below(s, 3) + 1));
        break;
    case 1:
    case 2:
        unknown_code(s);
        break;
    case 3:
        set(s, "payment_card.refused", json_pack("{s:s}", "reader", s->reader));
        break;
    case 4:
        set(s, once_in(s, 2) ? "reader.attached" : "reader.detached",
            json_pack("{s:s}", "reader", s->reader));
        break;
    case 5:
        (void)snprintf(coupon, sizeof coupon, "99%010u0", below(s, 400) * 7919);
        set(s, "coupon.presented",
            json_pack("{s:s, s:s, s:s}", "reader", s->reader, "symbology",
                      "EAN-13", "coupon", coupon));
        break;
    default:
        void_item(s);
    }
}

static void kiosk_scene(struct event_sampler *s) {
    char token[48];

    s->left--;
    switch (below(s, 4)) {
    case 0:
        set(s, "checkin.made", json_pack("{s:s}", "reader", s->reader));
        break;
    case 1:
        set(s, "feedback.given",
            json_pack("{s:s, s:i}", "question", "visit-today", "score",
                      (int)below(s, 5) + 1));
        break;
    case 2:
        draw_token(s, 'c', token);
        set(s, "consent.changed",
            json_pack("{s:s, s:b, s:s}", "purpose", "offers", "granted",
                      (int)below(s, 2), "card", token));
        break;
    default:
        set(s, once_in(s, 2) ? "offer.shown" : "offer.accepted",
            json_pack("{s:s, s:s}", "offer",
                      once_in(s, 2) ? "spring-coffee" : "five-off", "place",
                      "kiosk"));
    }
}

static void pass_time(struct event_sampler *s, int64_t ms) {
    s->event.time.unix_ms += ms;
    s->event.uptime.ms += ms;
}

/* Scans a second or two apart, paying half a minute, a minute to the next. */
static void pass_some_time(struct event_sampler *s) {
    if (!s->open)
        pass_time(s, 3000 + below(s, 120000));
    else if (!s->left && !s->card_due)
        pass_time(s, 15000 + below(s, 40000));
    else if (once_in(s, 15))
        pass_time(s, 4000 + below(s, 12000));
    else
        pass_time(s, 500 + below(s, 2500));
}

/* "Vorena", "Talmi": no town that the dictionary could know. */
static void draw_town(struct event_sampler *s, char *out, size_t size) {
    static const char *const heads[] = {"vor", "tal", "bre", "mon", "ca",
                                        "lu",  "san", "per", "gra", "ol"};
    static const char *const tails[] = {"ena", "mi",   "lano", "to",  "rino",
                                        "za",  "ford", "by",   "ria", "stad"};

    (void)snprintf(out, size, "%s%s", ONE_OF(s, heads), ONE_OF(s, tails));
}

static void name_all(struct event_sampler *s) {
    static const char *const readers[] = {"scanner", "hand",   "counter",
                                          "till",    "reader", "gun"};
    char town[NAME_TEXT];

    draw_town(s, town, sizeof town);
    (void)snprintf(s->origin.store, sizeof s->origin.store, "%s-%02u", town,
                   below(s, 30) + 1);
    (void)snprintf(s->origin.terminal, sizeof s->origin.terminal, "%.24s-%s-%u",
                   s->origin.store, s->kiosk ? "kiosk" : "lane",
                   below(s, 12) + 1);
    (void)snprintf(s->reader, sizeof s->reader, "%s",
                   readers[s->company % (sizeof readers / sizeof *readers)]);
    draw_hex(s, s->origin.boot, 8);
    draw_hex(s, s->own_journal, 16);
}

struct event_sampler *event_sampler_new(uint64_t seed) {
    struct event_sampler *s = ts_alloc(sizeof *s);

    s->random = seed * 0x2545f4914f6cdd1dULL;
    s->company = seed / COMPANY;
    s->kiosk = once_in(s, 12);
    s->event.clock = once_in(s, 10) ? EVENT_CLOCK_CORRECTED : EVENT_CLOCK_SET;
    name_all(s);
    s->event.time.unix_ms =
        1750000000000LL + (int64_t)(draw(s) % 60000000000ULL);
    s->event.uptime.ms = (int64_t)(draw(s) % 900000000ULL) + 20000;
    s->receipt = below(s, 90000);
    s->own_sequence = once_in(s, 4) ? 0 : draw(s) % 9000;
    s->started = s->own_sequence > 0;
    return s;
}

void event_sampler_free(struct event_sampler *sampler) {
    if (!sampler)
        return;
    json_decref(sampler->event.data);
    free(sampler);
}

const struct event_origin *
event_sampler_origin(const struct event_sampler *sampler) {
    return &sampler->origin;
}

static void happen(struct event_sampler *s) {
    if (!s->started)
        terminal_starts(s);
    else if (!s->open)
        open_visit(s);
    else if (once_in(s, 40))
        unusual(s);
    else if (s->card_due && (s->left == 0 || once_in(s, 8)))
        present_card(s);
    else if (!s->left)
        close_visit(s);
    else if (s->kiosk)
        kiosk_scene(s);
    else
        item(s);
}

const struct event *event_sampler_draw(struct event_sampler *s,
                                       const char *journal, uint64_t sequence) {
    bool was_open = s->open;

    s->journal = journal;
    s->sequence = sequence;
    pass_some_time(s);
    json_decref(s->event.data);
    happen(s);
    s->event.visit = s->open || was_open ? s->visit : NULL;
    return &s->event;
}

void event_sampler_next(struct event_sampler *s, struct ts_buf *out) {
    uint64_t sequence = ++s->own_sequence;
    const struct event *event = event_sampler_draw(s, s->own_journal, sequence);
    enum ts_status status =
        event_encode(out, &s->origin, s->own_journal, sequence, event, NULL);

    assert(status == TS_OK);
    (void)status;
}
