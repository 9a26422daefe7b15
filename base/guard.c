#include "base/guard_scheme.h"

#include <mbedtls/platform_util.h>

#include <string.h>

/* One way to read the text. Each text is read plain, and once more with
 * %41-style escapes resolved or with masked digits where it has such. */
struct view {
    struct ts_slice text;
    enum ts_pan_place place;
    bool stripe;
    bool escapes;
    bool masks;
    const struct ts_guard_rules *rules;
};

enum { UUID_LEN = 36, JOURNAL_LEN = 16 };

enum kind { OTHER, LETTER, DIGIT, MASK, GAP, ODD_GAP };

struct sign {
    enum kind kind;
    uint8_t byte; /* the digit's value, or the character */
    size_t len;   /* bytes taken; 0 at the end */
};

/* A number being read: groups of digits with gaps between them. */
struct number {
    struct ts_pan pan;
    size_t group[TS_PAN_MAX];
    size_t groups;
    struct sign gap; /* the first */
    bool mixed;      /* the gaps are not all alike */
    bool odd_gap;    /* more than a single space or dash */
    bool dash;
};

static int hex_value(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

static bool is_letter(uint8_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum kind kind_of(const struct view *view, uint8_t c) {
    if (is_digit(c))
        return DIGIT;
    if (view->masks && (c == '*' || c == 'x' || c == 'X'))
        return MASK;
    if (is_letter(c))
        return LETTER;
    if (c == ' ' || c == '-' || c == '+' || c == '\t')
        return GAP;
    /* Line ends and GS1's separators stand between fields of 2D codes. */
    return c && strchr("._/,:\r\n\x1c\x1d\x1e\x1f", c) ? ODD_GAP : OTHER;
}

/* Spaces, dashes and digits that Unicode has beside the ASCII ones. */
static struct sign wide_sign(const uint8_t *p, size_t left) {
    struct sign other = {OTHER, p[0], 1};

    if (left >= 2 && p[0] == 0xc2 && (p[1] == 0xa0 || p[1] == 0xad))
        return (struct sign){GAP, ' ', 2};
    if (left < 3)
        return other;
    if (p[0] == 0xe2 && p[1] == 0x80 && (p[2] <= 0x95 || p[2] == 0xaf))
        return (struct sign){GAP, ' ', 3};
    if ((p[0] == 0xe2 && p[1] == 0x88 && p[2] == 0x92) ||
        (p[0] == 0xe3 && p[1] == 0x80 && p[2] == 0x80))
        return (struct sign){GAP, ' ', 3};
    if (p[0] == 0xef && p[1] == 0xbc && p[2] >= 0x90 && p[2] <= 0x99)
        return (struct sign){DIGIT, (uint8_t)(p[2] - 0x90), 3};
    return other;
}

static struct sign sign_at(const struct view *view, size_t at) {
    const uint8_t *p = view->text.data + at;
    size_t left = view->text.len - at;
    struct sign sign = {OTHER, 0, 0};

    if (!left)
        return sign;
    if (p[0] >= 0x80)
        return wide_sign(p, left);
    sign.byte = p[0];
    sign.len = 1;
    if (view->escapes && p[0] == '%' && left >= 3 && hex_value(p[1]) >= 0 &&
        hex_value(p[2]) >= 0) {
        sign.byte = (uint8_t)(hex_value(p[1]) << 4 | hex_value(p[2]));
        sign.len = 3;
    }
    sign.kind = kind_of(view, sign.byte);
    if (sign.kind == DIGIT)
        sign.byte = (uint8_t)(sign.byte - '0');
    if (sign.kind == MASK)
        sign.byte = TS_PAN_MASKED;
    return sign;
}

static bool counts(struct sign sign) {
    return sign.kind == DIGIT || sign.kind == MASK;
}

static bool alnum_at(const struct view *view, size_t at) {
    return at < view->text.len &&
           (is_digit(view->text.data[at]) || is_letter(view->text.data[at]));
}

/* 8-4-4-4-12 hex digits that stand alone: such an identifier is no card, and
 * its dashes join nothing. */
static bool uuid_at(const struct view *view, size_t at) {
    const uint8_t *p = view->text.data + at;

    if (view->stripe || view->text.len - at < UUID_LEN || p[8] != '-' ||
        (at && alnum_at(view, at - 1)) || alnum_at(view, at + UUID_LEN))
        return false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? p[i] != '-' : hex_value(p[i]) < 0)
            return false;
    }
    return true;
}

/* Part of a word of hex digits that has letters: a hash or an identifier.
 * Short ones are only taken for one when a dash joins them to more, journals
 * (16 digits) when a letter stands inside. */
static bool hex_word(const struct view *view, size_t from, size_t to) {
    const uint8_t *p = view->text.data;
    bool letter = false;
    bool inner = false;
    bool dashed;
    size_t len;

    /* No further than the longest hash: the work stays linear. */
    for (int i = 0; i < 64 && from && alnum_at(view, from - 1); i++)
        from--;
    for (int i = 0; i < 64 && alnum_at(view, to); i++)
        to++;
    for (size_t i = from; i < to; i++) {
        if (hex_value(p[i]) < 0)
            return false;
        letter = letter || !is_digit(p[i]);
        inner = inner || (!is_digit(p[i]) && i > from && i + 1 < to &&
                          is_digit(p[i - 1]) && is_digit(p[i + 1]));
    }
    len = to - from;
    dashed =
        (from && p[from - 1] == '-') || (to < view->text.len && p[to] == '-');
    return letter && (len >= 20 || (dashed && len < TS_PAN_MIN) ||
                      (inner && len == JOURNAL_LEN));
}

/* Adds one group of digits; false when the number gets too long. */
static bool take_group(const struct view *view, size_t *at,
                       struct number *number) {
    size_t len = 0;
    struct sign sign;

    for (sign = sign_at(view, *at); counts(sign); sign = sign_at(view, *at)) {
        if (number->pan.len == TS_PAN_MAX)
            return false;
        number->pan.digit[number->pan.len++] = sign.byte;
        number->pan.masked += sign.kind == MASK;
        *at += sign.len;
        len++;
    }
    number->group[number->groups++] = len;
    return len > 0;
}

static void note_gap(struct number *number, struct sign sign, size_t seen) {
    if (number->groups == 1 && !seen)
        number->gap = sign;
    number->mixed = number->mixed || sign.byte != number->gap.byte;
    number->odd_gap = number->odd_gap || sign.kind == ODD_GAP || seen;
    number->dash = number->dash || sign.byte == '-';
}

/* Steps over up to three gap characters to the next group. */
static bool take_gap(const struct view *view, size_t *at,
                     struct number *number) {
    size_t seen = 0;
    struct sign sign = sign_at(view, *at);

    while ((sign.kind == GAP || sign.kind == ODD_GAP) && seen < 4) {
        note_gap(number, sign, seen);
        *at += sign.len;
        seen++;
        sign = sign_at(view, *at);
    }
    return seen && seen < 4 && counts(sign) && !uuid_at(view, *at);
}

/* `pattern` ends with a 0. */
static bool grouped_as(const struct number *number, const uint8_t *pattern) {
    size_t i = 0;

    while (i < number->groups && pattern[i] && number->group[i] == pattern[i])
        i++;
    return i == number->groups && !pattern[i];
}

/* Groups of `size` digits, the last of 1 to `size`. */
static bool grouped_by(const struct number *number, size_t size) {
    for (size_t i = 0; i + 1 < number->groups; i++)
        if (number->group[i] != size)
            return false;
    return number->group[number->groups - 1] <= size;
}

/* The groups that issuers print, whatever stands between them. */
static bool printed_groups(const struct number *number) {
    static const uint8_t printed[][6] = {
        {4, 6, 5}, {4, 6, 4}, {6, 13}, {4, 4, 5}, {4, 3, 3, 3},
    };

    if (grouped_by(number, 4))
        return number->group[number->groups - 1] > 1 || !number->mixed;
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++)
        if (grouped_as(number, printed[i]))
            return true;
    return false;
}

/* Groups that people make: pairs, threes, fives, sixes, or two of eight. */
static bool alike_groups(const struct number *number) {
    size_t size = number->group[0];

    if (number->groups == 2)
        return size == 8 && number->group[1] == 8;
    return size <= 6 && grouped_by(number, size);
}

/* Shop systems join parts of identifiers with dashes, people break numbers
 * with spaces: with dashes only what a card may look like is taken for one. */
static bool plausible_groups(const struct number *number) {
    static const uint8_t first_and_last[6] = {6, 6, 4};

    if (number->groups == 1 || printed_groups(number))
        return true;
    if (number->odd_gap)
        return false;
    for (size_t i = 0; i < number->groups; i++)
        if (number->group[i] < 2)
            return false;
    if (!number->dash || number->pan.masked)
        return true;
    return !number->mixed &&
           (grouped_as(number, first_and_last) || alike_groups(number));
}

/* A telephone number in the international form: at most as long as those
 * are, and the '+' is no space of a form. */
static bool is_phone(const struct view *view, const struct number *number,
                     size_t start) {
    enum { PHONE_MAX = 13 };
    const uint8_t *p = view->text.data + start;

    if (view->stripe || number->pan.masked || number->pan.len > PHONE_MAX ||
        (number->groups > 1 && printed_groups(number)))
        return false;
    if (start >= 3 && p[-3] == '%' && p[-2] == '2' && (p[-1] | 0x20) == 'b')
        return true;
    return start && p[-1] == '+' &&
           (start == 1 || (!alnum_at(view, start - 2) &&
                           !strchr("=&+%", view->text.data[start - 2])));
}

static bool masked_at(const struct ts_pan *pan, size_t i) {
    return i < pan->len && pan->digit[i] == TS_PAN_MASKED;
}

/* Hidden digits leave no check digit: enough must be hidden, never a single
 * one between others, and some shown. */
static bool plausible_mask(const struct ts_pan *pan) {
    for (size_t i = 0; i < pan->len; i++)
        if (masked_at(pan, i) && !masked_at(pan, i + 1) &&
            (i == 0 || !masked_at(pan, i - 1)))
            return false;
    return !pan->masked || (pan->masked >= 4 && pan->len - pan->masked >= 2);
}

/* "=YYMM", or the 'D' that chip cards put there; on a stripe the separator
 * alone will do, since what follows may be misread. */
static bool track2_follows(const struct view *view, size_t at) {
    struct sign sign = sign_at(view, at);
    unsigned digit[4];

    if (sign.byte != '=' && sign.byte != 'D' && sign.byte != 'd')
        return false;
    if (sign.kind == DIGIT || !sign.len)
        return false;
    if (view->stripe && sign.byte == '=')
        return true;
    for (int i = 0; i < 4; i++) {
        at += sign.len;
        sign = sign_at(view, at);
        if (!counts(sign))
            return false;
        digit[i] = sign.byte;
    }
    return digit[2] > 9 || digit[3] > 9 ||
           (digit[2] * 10 + digit[3] >= 1 && digit[2] * 10 + digit[3] <= 12);
}

static bool caret_follows(const struct view *view, size_t at) {
    struct sign sign = sign_at(view, at);

    while (sign.kind == GAP) {
        at += sign.len;
        sign = sign_at(view, at);
    }
    return sign.kind == OTHER && sign.byte == '^';
}

static bool format_b_precedes(const struct view *view, size_t start) {
    const uint8_t *p = view->text.data;

    while (start && p[start - 1] == ' ')
        start--;
    return (start && (p[start - 1] == 'B' || p[start - 1] == 'b')) ||
           (view->escapes && start >= 3 && p[start - 3] == '%' &&
            (p[start - 2] == '4' || p[start - 2] == '6') &&
            p[start - 1] == '2');
}

/* Track 3 puts a two-digit format code in front of the number. */
static bool card_behind_format_code(const struct view *view,
                                    const struct ts_pan *pan) {
    struct ts_pan rest = {.len = pan->len - 2, .masked = pan->masked};
    bool found;

    memcpy(rest.digit, pan->digit + 2, rest.len);
    found = ts_pan_is_card(&rest, TS_PAN_TRACK, view->rules);
    mbedtls_platform_zeroize(&rest, sizeof rest);
    return found;
}

/* Nothing ahead of the number but what begins a track: a sentinel and, on
 * track 1, the letter of its format. */
static bool track_begins(const struct view *view, size_t start) {
    const uint8_t *p = view->text.data;

    if (start && is_letter(p[start - 1]))
        start--;
    return start == 0 || p[start - 1] < ' ' || strchr(";+!%?", p[start - 1]);
}

static enum ts_pan_place place_of(const struct view *view, size_t start) {
    return view->stripe && track_begins(view, start) ? TS_PAN_ACCOUNT
                                                     : view->place;
}

/* `number` was read from `start` up to `end`. */
static bool is_card(const struct view *view, const struct number *number,
                    size_t start, size_t end) {
    const struct ts_pan *pan = &number->pan;

    if (caret_follows(view, end) && format_b_precedes(view, start))
        return !ts_pan_is_allowed(pan, view->rules);
    if (track2_follows(view, end)) {
        if (ts_pan_is_card(pan, TS_PAN_TRACK, view->rules))
            return true;
        if (view->stripe && card_behind_format_code(view, pan))
            return true;
    }
    if (!plausible_groups(number) || !plausible_mask(pan) ||
        is_phone(view, number, start))
        return false;
    /* No retail code is on a stripe. */
    if (!view->stripe && number->groups == 1 && ts_pan_ean13(pan))
        return false;
    return ts_pan_is_card(pan, place_of(view, start), view->rules);
}

/* Every number that begins with the group at `start`. */
static bool card_begins(const struct view *view, size_t start) {
    struct number number = {0};
    size_t at = start;
    bool found = false;

    while (!found && take_group(view, &at, &number)) {
        size_t end = at;
        if (!view->stripe && !caret_follows(view, end) &&
            hex_word(view, end - 1, end))
            break;
        found =
            number.pan.len >= TS_PAN_MIN && is_card(view, &number, start, end);
        if (number.groups == TS_PAN_MAX || !take_gap(view, &at, &number))
            break;
    }
    mbedtls_platform_zeroize(&number, sizeof number);
    return found;
}

/* The longest numbers have no room left for the format code of track 3. */
static bool long_card_begins(const struct view *view, size_t start) {
    size_t end = start;

    while (end < view->text.len && is_digit(view->text.data[end]))
        end++;
    return end - start > TS_PAN_MAX && end - start <= TS_PAN_MAX + 2 &&
           card_begins(view, start + 2);
}

static bool view_holds_card(const struct view *view) {
    bool inside = false;
    size_t at = 0;

    while (at < view->text.len) {
        struct sign sign = sign_at(view, at);
        if (!inside && uuid_at(view, at)) {
            at += UUID_LEN;
            continue;
        }
        if (!inside && counts(sign) &&
            (card_begins(view, at) ||
             (view->stripe && long_card_begins(view, at))))
            return true;
        inside = counts(sign);
        at += sign.len;
    }
    return false;
}

/* What every number needs: enough of what any reading takes for a digit. */
static bool digits_enough(struct ts_slice text) {
    size_t count = 0;

    for (size_t i = 0; i < text.len && count < TS_PAN_MIN; i++) {
        uint8_t c = text.data[i];
        count += is_digit(c) || c == '*' || c == 'x' || c == 'X' || c == '%' ||
                 c >= 0x80;
    }
    return count >= TS_PAN_MIN;
}

static bool holds_card(struct view view) {
    const uint8_t *p = view.text.data;
    size_t len = view.text.len;
    bool escapes, masks;

    if (!digits_enough(view.text))
        return false;
    escapes = memchr(p, '%', len);
    masks = memchr(p, '*', len) || memchr(p, 'X', len) || memchr(p, 'x', len);
    for (int way = 0; way < 4; way++) {
        view.escapes = way & 1;
        view.masks = way & 2;
        if ((!view.escapes || escapes) && (!view.masks || masks) &&
            view_holds_card(&view))
            return true;
    }
    return false;
}

bool ts_guard_refuses(struct ts_slice text, enum ts_carrier carrier,
                      const struct ts_guard_rules *rules) {
    struct view view = {.text = text,
                        .place = TS_PAN_FREE,
                        .stripe = carrier == TS_CARRIER_STRIPE,
                        .rules = rules};

    return carrier != TS_CARRIER_RETAIL && holds_card(view);
}

void ts_guard_mask(uint8_t *bytes, size_t len, size_t run) {
    size_t at = 0;

    while (at < len) {
        size_t digits = 0;
        size_t end = at;
        while (end < len &&
               (is_digit(bytes[end]) ||
                (digits && end + 1 < len && is_digit(bytes[end + 1]) &&
                 (bytes[end] == ' ' || bytes[end] == '-')))) {
            digits += is_digit(bytes[end]);
            end++;
        }
        for (size_t i = at; digits >= run && i < end; i++)
            if (is_digit(bytes[i]))
                bytes[i] = '*';
        at = end > at ? end : at + 1;
    }
}
