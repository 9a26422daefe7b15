/* jansson is the vocabulary for JSON; here is what every use shares: limits
 * on outside input, one canonical form, typed members. */
#ifndef TS_BASE_JSON_H
#define TS_BASE_JSON_H

#include "base/bytes.h"

#include <jansson.h>

/* Any JSON value, UTF-8, no duplicate member, nesting at most 64. A new
 * reference in *out. */
enum ts_status ts_json_parse(json_t **out, struct ts_slice text,
                             struct ts_err *err) TS_MUST_USE;

/* Compact with members sorted: the form that is hashed. Appended to `out`. */
enum ts_status ts_json_canonical(struct ts_buf *out,
                                 const json_t *value) TS_MUST_USE;
/* Compact, members in the order they were set. */
enum ts_status ts_json_compact(struct ts_buf *out,
                               const json_t *value) TS_MUST_USE;

/* The member's text, borrowed, or an empty slice with data NULL. */
struct ts_slice ts_json_text(const json_t *object, const char *member);
/* False when absent, not an integer, or outside 0 to 2^53 - 1. */
bool ts_json_count(const json_t *object, const char *member, uint64_t *out);

#endif
