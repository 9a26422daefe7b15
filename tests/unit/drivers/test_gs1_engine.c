/* Every case of GS1's own engine, and the few that are decided otherwise. */
#include "gs1_data.h"

#include "drivers/code/code.h"
#include "drivers/code/ean.h"
#include "drivers/code/gs1_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_MAX = 8192 };

static const char plain_text[] =
    "an address that is no Digital Link is a plain text";
static const char alias[] =
    "a word for a key is deprecated, and behind a flag of the engine";
static const char short_gtin[] =
    "a GTIN has 14 digits; fewer are behind a flag of the engine";

static const struct {
    const char *name, *why;
} different[] = {
    {"scandata.c:980", plain_text},
    {"ai.c:1708", "FNC1 ahead is the AIM identifier's, no part of the text"},
    {"dl.c:1343", "the letters of a scheme may be mixed: RFC 3986, 3.1"},
    {"dl.c:1437", alias},
    {"dl.c:1438", alias},
    {"dl.c:1439", alias},
    {"dl.c:1449", short_gtin},
    {"dl.c:1459", short_gtin},
    {"dl.c:1469", short_gtin},
    {"dl.c:1484", short_gtin},
    {"dl.c:1494", short_gtin},
    {"dl.c:1635", short_gtin},
    {"dl.c:1641", short_gtin},
    {"dl.c:1669", short_gtin},
    {"dl.c:1679", short_gtin},
    {"dl.c:1689", short_gtin},
    {"dl.c:1699", short_gtin},
    {"dl.c:1767", "an AI that does not exist, behind a flag of the engine"},
};

static const char *reason(const char *name) {
    for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
        if (strcmp(different[i].name, name) == 0)
            return different[i].why;
    }
    return NULL;
}

/* What the engine says of an input: false, or true and a text. */
struct answer {
    bool good;
    char text[TEXT_MAX];
};

/* The engine's own tests have no companions checked either. */
static void elements(struct answer *a, struct ts_slice text) {
    static struct gs1 gs1;

    if (gs1_parse(&gs1, text) == GS1_INVALID) {
        bool companion = strstr(gs1.fault, "beside");
        assert_int_equal(gs1_read_elements(&gs1, text), companion);
    }
    a->good = gs1_read_elements(&gs1, text);
    if (a->good)
        data_join(a->text, &gs1);
}

static void on_link(struct answer *a, struct ts_slice text) {
    static struct gs1 gs1;

    a->good = gs1_parse_link(&gs1, text) == GS1_OK;
    if (a->good)
        data_join(a->text, &gs1);
}

/* `^` is FNC1. */
static void on_string(struct answer *a, struct ts_slice text) {
    uint8_t bytes[TEXT_MAX];
    bool leads = text.len && text.data[0] == '^';

    memcpy(bytes, text.data, text.len);
    for (size_t i = 0; i < text.len; i++) {
        if (bytes[i] == '^')
            bytes[i] = GS1_SEPARATOR;
    }
    elements(a, ts_slice_of(bytes + leads, text.len - leads));
    a->text[0] = 0;
}

/* The form for people: "(01)...(10)..."; `\(` is a bracket of the value. */
static bool unbracket(uint8_t *out, size_t *len, struct ts_slice text) {
    bool inside = false;

    *len = 0;
    if (text.len == 0 || text.data[0] != '(')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (byte == '\\' && i + 1 < text.len && !inside) {
            out[(*len)++] = text.data[++i];
        } else if (byte == '(' && !inside) {
            if (i)
                out[(*len)++] = GS1_SEPARATOR;
            inside = true;
        } else if (byte == ')' && inside) {
            inside = false;
        } else if (inside && (byte < '0' || byte > '9')) {
            return false;
        } else {
            out[(*len)++] = byte;
        }
    }
    return !inside;
}

static void on_brackets(struct answer *a, struct ts_slice text) {
    uint8_t bytes[TEXT_MAX];
    size_t len;

    a->good = unbracket(bytes, &len, text);
    if (a->good)
        elements(a, ts_slice_of(bytes, len));
}

static void plain(struct answer *a, struct ts_slice text) {
    a->good = true;
    (void)snprintf(a->text, sizeof a->text, "%.*s", (int)text.len,
                   (const char *)text.data);
}

/* A retail code, with a composite component behind `|]e0`. */
static void on_retail(struct answer *a, struct ts_slice text, size_t digits) {
    struct answer component = {.good = true};
    struct ts_slice code = ts_slice_of(text.data, digits);
    bool more = text.len > digits;

    if (text.len < digits || !code_mod10_valid(code))
        return;
    if (more) {
        if (text.len < digits + 4 || memcmp(text.data + digits, "|]e0", 4) != 0)
            return;
        elements(&component,
                 ts_slice_of(text.data + digits + 4, text.len - digits - 4));
    }
    a->good = component.good;
    (void)snprintf(a->text, sizeof a->text, "%.*s%s%.4000s", (int)digits,
                   (const char *)code.data, more ? "|" : "", component.text);
}

/* A text that begins with ^ is told from FNC1 by a backslash. */
static void on_plain(struct answer *a, struct ts_slice text) {
    static struct gs1 gs1;
    size_t slashes = 0;

    if (gs1_parse_link(&gs1, text) == GS1_INVALID)
        return;
    plain(a, text);
    while (slashes < text.len && text.data[slashes] == '\\')
        slashes++;
    if (slashes < text.len && text.data[slashes] == '^') {
        memmove(a->text + 1, a->text, text.len + 1);
        a->text[0] = '\\';
    }
}

static void on_scan(struct answer *a, struct ts_slice text) {
    char aim[4] = "";

    if (text.len < 3)
        return;
    memcpy(aim, text.data, 3);
    text = ts_slice_of(text.data + 3, text.len - 3);
    if (strstr("]C1 ]e0 ]d2 ]Q3 ]J1", aim))
        elements(a, text);
    else if (strstr("]d1 ]Q1 ]J0", aim))
        on_plain(a, text);
    else if (strcmp(aim, "]E0") == 0)
        on_retail(a, text, 13);
    else if (strcmp(aim, "]E4") == 0)
        on_retail(a, text, 8);
}

static void each(void *ctx, const struct data_row *row) {
    static const struct {
        const char *kind;
        void (*answer)(struct answer *a, struct ts_slice text);
    } kinds[] = {{"scan", on_scan},
                 {"string", on_string},
                 {"brackets", on_brackets},
                 {"link", on_link}};
    size_t *differing = ctx;
    size_t kind = 0;
    struct answer a = {.good = false};

    while (strcmp(kinds[kind].kind, row->kind) != 0)
        assert_true(++kind < sizeof kinds / sizeof kinds[0]);
    kinds[kind].answer(&a, row->input);
    bool good = strcmp(row->verdict, "good") == 0;
    bool agrees =
        a.good == good &&
        (!good || ts_slice_equal(ts_slice_text(a.text), row->expected));
    if (agrees == (reason(row->name) == NULL)) {
        *differing += !agrees;
        return;
    }
    fail_msg("%s %s: engine says %s %.*s, we say %s %s%s", row->name, row->kind,
             row->verdict, (int)row->expected.len,
             (const char *)row->expected.data, a.good ? "good" : "bad", a.text,
             agrees ? ": it agrees now, take it off the list" : "");
}

static void test_every_case(void **state) {
    size_t differing = 0;

    (void)state;
    assert_int_equal(data_each("gs1_engine.tsv", each, &differing), 278);
    assert_int_equal(differing, sizeof different / sizeof different[0]);
}

static const char *verdict_of(const struct gs1 *gs1, enum gs1_result result) {
    if (result == GS1_INVALID)
        return gs1->fault;
    return result == GS1_OK ? "good" : "absent";
}

static void each_text(void *ctx, const struct data_row *row) {
    static struct gs1 gs1;
    const char *verdict;
    size_t *good = ctx;

    verdict = verdict_of(&gs1, gs1_parse(&gs1, row->input));
    if (strcmp(row->kind, "gs1") == 0) {
        *good += strcmp(verdict, "good") == 0;
        assert_string_equal(verdict, row->verdict);
    }
    verdict = verdict_of(&gs1, gs1_parse_link(&gs1, row->input));
    if (strcmp(row->kind, "plain") == 0)
        assert_string_equal(verdict, row->verdict);
}

static void test_texts_of_real_symbols(void **state) {
    size_t good = 0;

    (void)state;
    assert_true(data_each("symbol_texts.tsv", each_text, &good) > 400);
    assert_int_equal(good, 39);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_case),
        cmocka_unit_test(test_texts_of_real_symbols),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
