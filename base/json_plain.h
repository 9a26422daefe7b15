/* JSON read without a tree on the heap: one flat list of nodes over the text.
 * For what comes by the thousand and is only looked at; ts_json_parse reads
 * all JSON, this what is plain: no fractions or exponents, integers of at most
 * 18 digits, no U+0000, at most 64 members in an object, 32 levels. What is
 * plain has the same meaning and the same canonical bytes as by ts_json_parse.
 */
#ifndef TS_BASE_JSON_PLAIN_H
#define TS_BASE_JSON_PLAIN_H

#include "base/bytes.h"

enum ts_plain_kind {
    TS_PLAIN_OBJECT,
    TS_PLAIN_ARRAY,
    TS_PLAIN_STRING,
    TS_PLAIN_INTEGER,
    TS_PLAIN_WORD, /* true, false */
    TS_PLAIN_NULL
};

enum { TS_PLAIN_MEMBERS = 64, TS_PLAIN_NODES = 1 << 16 };

struct ts_plain_node {
    struct ts_slice name; /* in an object */
    struct ts_slice text; /* a string's content; all else as written */
    uint32_t next;        /* the index behind it and what it holds */
    enum ts_plain_kind kind;
};

/* Slices borrow from the text that was read and from this. A value's first
 * child is the node after it, the next one is that child's `next`. */
struct ts_plain {
    struct ts_plain_node *nodes;
    size_t count, cap;
    uint8_t *decoded; /* strings that were written with escapes */
    size_t decoded_len;
};

/* Zero-initialised is legal; reading again reuses the memory. False: it is not
 * plain, or no JSON; the content is undefined then. */
bool ts_plain_read(struct ts_plain *out, struct ts_slice text) TS_MUST_USE;
void ts_plain_fini(struct ts_plain *plain);

/* As ts_json_canonical. */
enum ts_status ts_plain_canonical(struct ts_buf *out,
                                  const struct ts_plain *plain,
                                  size_t node) TS_MUST_USE;

#endif
