#include "drivers/code/gs1_parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define N (GS1_N | GS1_X | GS1_Y | GS1_Z)
#define U (GS1_X | GS1_Y | GS1_Z)
#define L (GS1_X | GS1_Z)
#define B (GS1_X | GS1_Y)
const uint8_t gs1_sets[256] = {
    ['!'] = GS1_X,  ['"'] = GS1_X, ['#'] = GS1_Y, ['%'] = GS1_X, ['&'] = GS1_X,
    ['\''] = GS1_X, ['('] = GS1_X, [')'] = GS1_X, ['*'] = GS1_X, ['+'] = GS1_X,
    [','] = GS1_X,  ['-'] = U,     ['.'] = GS1_X, ['/'] = B,     ['0'] = N,
    ['1'] = N,      ['2'] = N,     ['3'] = N,     ['4'] = N,     ['5'] = N,
    ['6'] = N,      ['7'] = N,     ['8'] = N,     ['9'] = N,     [':'] = GS1_X,
    [';'] = GS1_X,  ['<'] = GS1_X, ['='] = GS1_X, ['>'] = GS1_X, ['?'] = GS1_X,
    ['A'] = U,      ['B'] = U,     ['C'] = U,     ['D'] = U,     ['E'] = U,
    ['F'] = U,      ['G'] = U,     ['H'] = U,     ['I'] = U,     ['J'] = U,
    ['K'] = U,      ['L'] = U,     ['M'] = U,     ['N'] = U,     ['O'] = U,
    ['P'] = U,      ['Q'] = U,     ['R'] = U,     ['S'] = U,     ['T'] = U,
    ['U'] = U,      ['V'] = U,     ['W'] = U,     ['X'] = U,     ['Y'] = U,
    ['Z'] = U,      ['_'] = L,     ['a'] = L,     ['b'] = L,     ['c'] = L,
    ['d'] = L,      ['e'] = L,     ['f'] = L,     ['g'] = L,     ['h'] = L,
    ['i'] = L,      ['j'] = L,     ['k'] = L,     ['l'] = L,     ['m'] = L,
    ['n'] = L,      ['o'] = L,     ['p'] = L,     ['q'] = L,     ['r'] = L,
    ['s'] = L,      ['t'] = L,     ['u'] = L,     ['v'] = L,     ['w'] = L,
    ['x'] = L,      ['y'] = L,     ['z'] = L,
};
#undef N
#undef U
#undef L
#undef B

static const char too_short[] = "the value is too short";
static const char too_long[] = "the value is too long";
static const char bad_char[] = "a character that this AI does not take";

/* Rows of AIs as a set. */
struct seen {
    uint64_t words[4];
};

bool gs1_fault(struct gs1 *out, const char *digits, const char *why) {
    if (digits)
        (void)snprintf(out->fault, sizeof out->fault, "(%s): %s", digits, why);
    else
        (void)snprintf(out->fault, sizeof out->fault, "%s", why);
    return false;
}

void gs1_begin(struct gs1 *out) {
    out->count = 0;
    out->used = 0;
    out->compressed = false;
    out->host = (struct ts_slice){NULL, 0};
    out->fault[0] = 0;
}

bool gs1_take(struct gs1 *out, uint8_t row, const uint8_t *digits,
              struct ts_slice value) {
    if (out->count == GS1_ELEMENTS_MAX)
        return gs1_fault(out, NULL, "more than 128 elements");
    struct gs1_element *element = &out->elements[out->count++];
    size_t size = gs1_ai_at(row)->size;
    assert(size < sizeof element->ai);
    memcpy(element->ai, digits, size);
    element->ai[size] = 0;
    element->row = row;
    element->value = value;
    return true;
}

/* How many characters from `at` are of `set`. */
static size_t run(const uint8_t *at, size_t len, uint8_t set) {
    size_t count = 0;

    while (count < len && (gs1_sets[at[count]] & set))
        count++;
    return count;
}

/* RFC 4648: up to two `=` fill the last four characters up. */
static size_t without_padding(struct ts_slice text) {
    size_t len = text.len;

    for (int i = 0; i < 2 && text.len % 4 == 0 && len; i++)
        len -= text.data[len - 1] == '=';
    return len;
}

static const char *part_check(const struct gs1_part *part,
                              struct ts_slice text) {
    if (part->set == GS1_Z)
        text.len = without_padding(text);
    if (run(text.data, text.len, part->set) < text.len)
        return bad_char;
    for (size_t i = 0; i < sizeof part->rules && part->rules[i]; i++) {
        const char *why = gs1_rule_check(part->rules[i], text);
        if (why)
            return why;
    }
    return NULL;
}

const char *gs1_value_check(const struct gs1_ai *ai, struct ts_slice value) {
    if (value.len < ai->low)
        return too_short;
    if (value.len > ai->high)
        return too_long;
    for (const struct gs1_part *part = ai->parts; part->set; part++) {
        if (value.len == 0 && part->optional)
            break;
        if (value.len < part->low)
            return too_short;
        size_t len = value.len < part->high ? value.len : part->high;
        const char *why = part_check(part, ts_slice_of(value.data, len));
        if (why)
            return why;
        value = ts_slice_of(value.data + len, value.len - len);
    }
    return NULL;
}

/* Finds the end of the value and checks it; `text` begins with it. */
static const char *value_read(const struct gs1_ai *ai, struct ts_slice text,
                              size_t *len) {
    bool fixed = ai->flags & GS1_PREDEFINED;
    bool plain = ai->flags & GS1_PLAIN;
    size_t limit = fixed && text.len > ai->high ? ai->high : text.len;
    uint8_t set = plain ? ai->parts->set : GS1_X | GS1_Y | GS1_Z;

    *len = run(text.data, limit, set);
    if (*len < limit && (fixed || text.data[*len] != GS1_SEPARATOR))
        return fixed && text.data[*len] == GS1_SEPARATOR ? too_short : bad_char;
    if (!plain)
        return gs1_value_check(ai, ts_slice_of(text.data, *len));
    if (*len < ai->low)
        return too_short;
    return *len > ai->high ? too_long : NULL;
}

static bool unknown_ai(struct gs1 *out, size_t at) {
    (void)snprintf(out->fault, sizeof out->fault,
                   "no known Application Identifier at character %zu", at + 1);
    return false;
}

bool gs1_read_elements(struct gs1 *out, struct ts_slice text) {
    size_t at = 0;

    gs1_begin(out);
    if (text.len == 0)
        return gs1_fault(out, NULL, "no element string");
    while (at < text.len) {
        const uint8_t *digits = text.data + at;
        size_t len = 0;
        uint8_t row = gs1_ai_find(ts_slice_of(digits, text.len - at));
        if (!row)
            return unknown_ai(out, at);
        const struct gs1_ai *ai = gs1_ai_at(row);
        at += ai->size;
        struct ts_slice rest = ts_slice_of(text.data + at, text.len - at);
        const char *why = value_read(ai, rest, &len);
        if (!gs1_take(out, row, digits, ts_slice_of(rest.data, len)))
            return false;
        if (why)
            return gs1_fault(out, out->elements[out->count - 1].ai, why);
        at += len;
        if (at < text.len && text.data[at] == GS1_SEPARATOR)
            at++;
    }
    return gs1_check_repeats(out, true);
}

enum gs1_result gs1_parse(struct gs1 *out, struct ts_slice text) {
    if (gs1_read_elements(out, text) && gs1_check_companions(out))
        return GS1_OK;
    out->count = 0;
    return GS1_INVALID;
}

static bool seen_has(const struct seen *seen, uint8_t row) {
    return seen->words[row / 64] >> (row % 64) & 1;
}

static void seen_add(struct seen *seen, uint8_t row) {
    seen->words[row / 64] |= UINT64_C(1) << (row % 64);
}

static bool repeat_check(struct gs1 *out, size_t index, bool repeats) {
    const struct gs1_element *later = &out->elements[index];

    for (size_t i = 0; i < index; i++) {
        const struct gs1_element *first = &out->elements[i];
        if (first->row != later->row)
            continue;
        if (strcmp(first->ai, later->ai) != 0) {
            if (gs1_ai_at(first->row)->flags & GS1_SOLE)
                return gs1_fault(out, later->ai, "another of its family");
        } else if (!repeats) {
            return gs1_fault(out, later->ai, "comes twice");
        } else if (!ts_slice_equal(first->value, later->value)) {
            return gs1_fault(out, later->ai, "comes twice, and differs");
        }
    }
    return true;
}

bool gs1_check_repeats(struct gs1 *out, bool repeats) {
    struct seen seen = {{0}};

    for (size_t i = 0; i < out->count; i++) {
        uint8_t row = out->elements[i].row;
        if (seen_has(&seen, row) && !repeat_check(out, i, repeats))
            return false;
        seen_add(&seen, row);
    }
    return true;
}

static bool ref_met(const struct gs1_ref *ref, const struct seen *seen) {
    for (uint8_t row = ref->from; row <= ref->to; row++) {
        if (seen_has(seen, row))
            return true;
    }
    return false;
}

/* One of the alternatives, each of which may be several together. */
static bool needs_met(const struct gs1_ref *ref, const struct seen *seen) {
    bool together = true;

    for (; ref->from; ref++) {
        together = together && ref_met(ref, seen);
        if (ref->and)
            continue;
        if (together)
            return true;
        together = true;
    }
    return false;
}

/* "01", "310n", "31nn" */
static void ref_text(char text[5], const struct gs1_ref *ref, bool family) {
    const struct gs1_ai *ai = gs1_ai_at(ref->from);

    memcpy(text, ai->digits, 5);
    if (family)
        text[3] = 'n';
    if (ref->to != ref->from)
        text[2] = 'n';
}

static bool needs_fault(struct gs1 *out, const char *digits,
                        const struct gs1_ref *ref) {
    char list[GS1_FAULT_TEXT] = "needs beside it ";
    size_t used = strlen(list);

    for (; ref->from && used + 16 < sizeof list; ref++) {
        char text[5];
        bool family = gs1_ai_at(ref->from)->flags & GS1_SOLE;
        ref_text(text, ref, family);
        const char *joint = ref->and ? " with " : ref[1].from ? " or " : "";
        int len =
            snprintf(list + used, sizeof list - used, "%s%s", text, joint);
        used += (size_t)len;
    }
    return gs1_fault(out, digits, list);
}

static bool bars_check(struct gs1 *out, const struct gs1_element *element,
                       const struct gs1_ref *ref, const struct seen *seen) {
    for (; ref->from; ref++) {
        if (!ref_met(ref, seen))
            continue;
        char text[5];
        char why[40];
        ref_text(text, ref, gs1_ai_at(ref->from)->flags & GS1_SOLE);
        (void)snprintf(why, sizeof why, "must not stand beside %s", text);
        return gs1_fault(out, element->ai, why);
    }
    return true;
}

/* A signature is of one thing: a key that may have a serial number has it. */
static bool check_serials(struct gs1 *out) {
    for (size_t i = 0; i < out->count; i++) {
        const struct gs1_element *element = &out->elements[i];
        const struct gs1_ai *ai = gs1_ai_at(element->row);
        if (ai->paths && ai->low < ai->high && element->value.len == ai->low &&
            ai->parts->set == GS1_N)
            return gs1_fault(out, element->ai,
                             "needs its serial number beside 8030");
    }
    return true;
}

bool gs1_check_companions(struct gs1 *out) {
    struct seen seen = {{0}};

    for (size_t i = 0; i < out->count; i++)
        seen_add(&seen, out->elements[i].row);
    for (size_t i = 0; i < out->count; i++) {
        const struct gs1_element *element = &out->elements[i];
        const struct gs1_ai *ai = gs1_ai_at(element->row);
        if (ai->needs && !needs_met(ai->needs, &seen))
            return needs_fault(out, element->ai, ai->needs);
        if (ai->bars && !bars_check(out, element, ai->bars, &seen))
            return false;
        if (ai->flags & GS1_SIGNATURE && !check_serials(out))
            return false;
    }
    return true;
}

struct ts_slice gs1_value(const struct gs1 *gs1, const char *ai) {
    for (size_t i = 0; i < gs1->count; i++) {
        if (strcmp(gs1->elements[i].ai, ai) == 0)
            return gs1->elements[i].value;
    }
    return (struct ts_slice){NULL, 0};
}

const struct gs1_element *gs1_family(const struct gs1 *gs1, const char *ai) {
    size_t len = strlen(ai);

    for (size_t i = 0; i < gs1->count; i++) {
        if (strncmp(gs1->elements[i].ai, ai, len) == 0)
            return &gs1->elements[i];
    }
    return NULL;
}
