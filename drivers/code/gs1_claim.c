/* Whether an address means to be a GS1 Digital Link, good or not: what does
 * not is nobody's fault. */
#include "drivers/code/gs1_parts.h"

#include <string.h>

struct ts_slice gs1_cut(struct ts_slice *text, char stop) {
    const uint8_t *found = memchr(text->data, stop, text->len);
    size_t len = found ? (size_t)(found - text->data) : text->len;
    size_t gone = found ? len + 1 : len;
    struct ts_slice cut = ts_slice_of(text->data, len);

    *text = ts_slice_of(text->data + gone, text->len - gone);
    return cut;
}

/* Names that the standard once took for a key. */
static struct ts_slice without_alias(struct ts_slice name) {
    static const struct {
        char alias[6], ai[5];
    } aliases[] = {
        {"cpid", "8010"}, {"gcn", "255"},   {"gdti", "253"},   {"giai", "8004"},
        {"ginc", "401"},  {"gln", "414"},   {"gmn", "8013"},   {"grai", "8003"},
        {"gsin", "402"},  {"gsrn", "8018"}, {"gsrnp", "8017"}, {"gtin", "01"},
        {"itip", "8006"}, {"party", "417"}, {"payTo", "415"},  {"sscc", "00"},
    };
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (ts_slice_equal(name, ts_slice_text(aliases[i].alias)))
            return ts_slice_text(aliases[i].ai);
    }
    return name;
}

/* A key's name and behind it what may be its number: a company prefix at
 * least. A date in the path of a page is not. */
static bool looks_like_key(struct ts_slice name, struct ts_slice value) {
    enum { PREFIX = 4, NUMBER = 8 };
    const struct gs1_ai *ai = gs1_ai_at(gs1_ai_exact(without_alias(name)));
    size_t digits = 0;

    if (!ai->paths)
        return false;
    while (digits < value.len && (gs1_sets[value.data[digits]] & GS1_N))
        digits++;
    if (ai->parts->set == GS1_N)
        return digits >= NUMBER;
    return digits >= PREFIX && value.len >= NUMBER;
}

bool gs1_claims(struct ts_slice path, struct ts_slice query) {
    struct ts_slice name = gs1_cut(&path, '/');

    while (path.len) {
        struct ts_slice value = gs1_cut(&path, '/');
        if (looks_like_key(name, value))
            return true;
        name = value;
    }
    while (query.len) {
        struct ts_slice value = gs1_cut(&query, '&');
        name = gs1_cut(&value, '=');
        if (looks_like_key(name, value))
            return true;
    }
    return false;
}
