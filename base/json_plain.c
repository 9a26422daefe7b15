#include "base/json_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 32, INTEGER_DIGITS = 18 };

struct reader {
    struct ts_plain *out;
    const uint8_t *at, *end;
    size_t room; /* for decoded strings: all that the text can hold */
};

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }

/* What an integer or a word is of, and what must not follow one. */
static bool is_bare(uint8_t c) {
    return is_digit(c) || c == '-' || c == '+' || c == '.' ||
           (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void skip_blank(struct reader *in) {
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n' ||
                                *in->at == '\t' || *in->at == '\r'))
        in->at++;
}

static bool eat(struct reader *in, uint8_t c) {
    skip_blank(in);
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

static bool read_hex(struct reader *in, uint32_t *out) {
    uint8_t bytes[2];
    size_t len;

    if (in->end - in->at < 4 ||
        ts_unhex(bytes, 2, &len, ts_slice_of(in->at, 4)) != TS_OK)
        return false;
    in->at += 4;
    *out = (uint32_t)(bytes[0] << 8 | bytes[1]);
    return true;
}

/* Behind `\u`: both halves of a surrogate pair, never U+0000. */
static bool read_code_point(struct reader *in, uint32_t *out) {
    uint32_t low;

    if (!read_hex(in, out) || !*out || (*out >= 0xdc00 && *out < 0xe000))
        return false;
    if (*out < 0xd800 || *out >= 0xe000)
        return true;
    if (in->end - in->at < 2 || in->at[0] != '\\' || in->at[1] != 'u')
        return false;
    in->at += 2;
    if (!read_hex(in, &low) || low < 0xdc00 || low >= 0xe000)
        return false;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static void add_byte(struct ts_plain *out, uint32_t byte) {
    out->decoded[out->decoded_len++] = (uint8_t)byte;
}

static void add_code_point(struct ts_plain *out, uint32_t code) {
    if (code < 0x80) {
        add_byte(out, code);
        return;
    }
    if (code < 0x800) {
        add_byte(out, 0xc0 | code >> 6);
    } else if (code < 0x10000) {
        add_byte(out, 0xe0 | code >> 12);
        add_byte(out, 0x80 | (code >> 6 & 0x3f));
    } else {
        add_byte(out, 0xf0 | code >> 18);
        add_byte(out, 0x80 | (code >> 12 & 0x3f));
        add_byte(out, 0x80 | (code >> 6 & 0x3f));
    }
    add_byte(out, 0x80 | (code & 0x3f));
}

/* Behind a backslash. */
static bool read_escape(struct reader *in) {
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t code;

    if (in->at == in->end)
        return false;
    if (*in->at == 'u') {
        in->at++;
        if (!read_code_point(in, &code))
            return false;
        add_code_point(in->out, code);
        return true;
    }
    found = memchr(letters, *in->at++, sizeof letters - 1);
    if (found)
        add_byte(in->out, (uint8_t)meant[found - letters]);
    return found;
}

/* From `start` on, where the first escape is. What is decoded is never longer
 * than what was written, so the room is never too small. */
static bool read_escaped(struct reader *in, const uint8_t *start,
                         struct ts_slice *out) {
    struct ts_plain *plain = in->out;
    size_t begin = plain->decoded_len;

    if (!plain->decoded)
        plain->decoded = ts_realloc(NULL, in->room);
    in->at = start;
    while (in->at < in->end && *in->at != '"') {
        uint8_t c = *in->at++;
        if (c < ' ' || (c == '\\' && !read_escape(in)))
            return false;
        if (c != '\\')
            add_byte(plain, c);
    }
    *out = ts_slice_of(plain->decoded + begin, plain->decoded_len - begin);
    return in->at++ < in->end;
}

/* Behind the opening quote. */
static bool read_string(struct reader *in, struct ts_slice *out) {
    const uint8_t *start = in->at;
    uint8_t seen = 0;

    while (in->at < in->end && *in->at != '"' && *in->at != '\\') {
        if (*in->at < ' ')
            return false;
        seen |= *in->at++;
    }
    if (in->at == in->end)
        return false;
    if (*in->at == '\\')
        return read_escaped(in, start, out) && ts_utf8_valid(*out);
    *out = ts_slice_of(start, (size_t)(in->at++ - start));
    return seen < 0x80 || ts_utf8_valid(*out);
}

/* An integer or a word, as it is written. */
static bool read_bare(struct reader *in, struct ts_plain_node *node) {
    static const struct {
        const char *word;
        enum ts_plain_kind kind;
    } words[] = {{"true", TS_PLAIN_WORD},
                 {"false", TS_PLAIN_WORD},
                 {"null", TS_PLAIN_NULL}};
    const uint8_t *start = in->at, *digits;

    while (in->at < in->end && is_bare(*in->at))
        in->at++;
    node->text = ts_slice_of(start, (size_t)(in->at - start));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (ts_slice_equal(node->text, ts_slice_text(words[i].word))) {
            node->kind = words[i].kind;
            return true;
        }
    node->kind = TS_PLAIN_INTEGER;
    digits = start + (start < in->at && *start == '-');
    if (digits == in->at || in->at - digits > INTEGER_DIGITS ||
        (*digits == '0' && in->at - start > 1))
        return false;
    while (digits < in->at && is_digit(*digits))
        digits++;
    return digits == in->at;
}

static size_t add_node(struct ts_plain *plain) {
    if (plain->count == plain->cap) {
        plain->cap = plain->cap ? plain->cap * 2 : 1024;
        plain->nodes =
            ts_realloc(plain->nodes, plain->cap * sizeof *plain->nodes);
    }
    plain->nodes[plain->count] = (struct ts_plain_node){.next = 0};
    return plain->count++;
}

/* `last`: the newest of the members of `object`. */
static bool is_double(const struct ts_plain *plain, size_t object,
                      size_t last) {
    struct ts_slice name = plain->nodes[last].name;

    for (size_t i = object + 1; i < last; i = plain->nodes[i].next)
        if (ts_slice_equal(plain->nodes[i].name, name))
            return true;
    return false;
}

static bool read_value(struct reader *in, size_t at, unsigned level);

static bool read_member(struct reader *in, size_t object, unsigned level) {
    struct ts_plain *plain = in->out;
    size_t at = add_node(plain);
    struct ts_slice name;

    if (!eat(in, '"') || !read_string(in, &name) || !eat(in, ':'))
        return false;
    plain->nodes[at].name = name;
    return !is_double(plain, object, at) && read_value(in, at, level);
}

static bool read_container(struct reader *in, size_t at, unsigned level) {
    struct ts_plain *plain = in->out;
    bool object = *in->at == '{';
    uint8_t close = object ? '}' : ']';
    const uint8_t *start = in->at++;
    unsigned count = 0;

    plain->nodes[at].kind = object ? TS_PLAIN_OBJECT : TS_PLAIN_ARRAY;
    if (!eat(in, close)) {
        do {
            if ((object && ++count > TS_PLAIN_MEMBERS) ||
                plain->count >= TS_PLAIN_NODES)
                return false;
            if (!(object ? read_member(in, at, level)
                         : read_value(in, add_node(plain), level)))
                return false;
        } while (eat(in, ','));
        if (!eat(in, close))
            return false;
    }
    plain->nodes[at].text = ts_slice_of(start, (size_t)(in->at - start));
    plain->nodes[at].next = (uint32_t)plain->count;
    return true;
}

/* Fills the node that was added for it. */
static bool read_value(struct reader *in, size_t at, unsigned level) {
    struct ts_plain_node *node = &in->out->nodes[at];

    skip_blank(in);
    if (in->at == in->end || level == LEVELS)
        return false;
    if (*in->at == '{' || *in->at == '[')
        return read_container(in, at, level + 1);
    node->next = (uint32_t)at + 1;
    if (*in->at != '"')
        return read_bare(in, node);
    in->at++;
    node->kind = TS_PLAIN_STRING;
    return read_string(in, &node->text);
}

bool ts_plain_read(struct ts_plain *out, struct ts_slice text) {
    struct reader in = {out, text.data, text.data + text.len, text.len};

    free(out->decoded);
    out->decoded = NULL;
    out->decoded_len = out->count = 0;
    if (!text.len || !read_value(&in, add_node(out), 0))
        return false;
    skip_blank(&in);
    return in.at == in.end;
}

void ts_plain_fini(struct ts_plain *plain) {
    free(plain->nodes);
    free(plain->decoded);
    *plain = (struct ts_plain){NULL, 0, 0, NULL, 0};
}

static enum ts_status put(struct ts_buf *out, char c) {
    return ts_buf_add(out, ts_slice_of(&c, 1));
}

static enum ts_status write_escape(struct ts_buf *out, uint8_t c) {
    static const char meant[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = memchr(meant, c, sizeof meant - 1);

    return found ? ts_buf_printf(out, "\\%c", letters[found - meant])
                 : ts_buf_printf(out, "\\u%04X", c);
}

static enum ts_status write_string(struct ts_buf *out, struct ts_slice text) {
    enum ts_status status = put(out, '"');
    size_t done = 0;

    for (size_t i = 0; status == TS_OK && i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        status = ts_buf_add(out, ts_slice_of(text.data + done, i - done));
        if (status == TS_OK)
            status = write_escape(out, c);
        done = i + 1;
    }
    if (status == TS_OK)
        status =
            ts_buf_add(out, ts_slice_of(text.data + done, text.len - done));
    return status == TS_OK ? put(out, '"') : status;
}

static int compare(struct ts_slice a, struct ts_slice b) {
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* The members in the order of their names; how many. */
static size_t sort_members(uint32_t order[TS_PLAIN_MEMBERS],
                           const struct ts_plain *plain, size_t object) {
    const struct ts_plain_node *nodes = plain->nodes;
    size_t count = 0;

    for (size_t i = object + 1; i < nodes[object].next; i = nodes[i].next) {
        size_t at = count++;
        for (; at && compare(nodes[i].name, nodes[order[at - 1]].name) < 0;
             at--)
            order[at] = order[at - 1];
        order[at] = (uint32_t)i;
    }
    return count;
}

static enum ts_status
write_object(struct ts_buf *out, const struct ts_plain *plain, size_t object) {
    uint32_t order[TS_PLAIN_MEMBERS];
    size_t count = sort_members(order, plain, object);
    enum ts_status status = put(out, '{');

    for (size_t i = 0; status == TS_OK && i < count; i++) {
        if (i)
            status = put(out, ',');
        if (status == TS_OK)
            status = write_string(out, plain->nodes[order[i]].name);
        if (status == TS_OK)
            status = put(out, ':');
        if (status == TS_OK)
            status = ts_plain_canonical(out, plain, order[i]);
    }
    return status == TS_OK ? put(out, '}') : status;
}

static enum ts_status write_array(struct ts_buf *out,
                                  const struct ts_plain *plain, size_t array) {
    const struct ts_plain_node *nodes = plain->nodes;
    enum ts_status status = put(out, '[');

    for (size_t i = array + 1; status == TS_OK && i < nodes[array].next;
         i = nodes[i].next) {
        if (i > array + 1)
            status = put(out, ',');
        if (status == TS_OK)
            status = ts_plain_canonical(out, plain, i);
    }
    return status == TS_OK ? put(out, ']') : status;
}

enum ts_status ts_plain_canonical(struct ts_buf *out,
                                  const struct ts_plain *plain, size_t node) {
    switch (plain->nodes[node].kind) {
    case TS_PLAIN_OBJECT:
        return write_object(out, plain, node);
    case TS_PLAIN_ARRAY:
        return write_array(out, plain, node);
    case TS_PLAIN_STRING:
        return write_string(out, plain->nodes[node].text);
    default:
        return ts_buf_add(out, plain->nodes[node].text);
    }
}
