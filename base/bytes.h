/* Bytes with a length, a growing buffer with a ceiling, and text forms. */
#ifndef TS_BASE_BYTES_H
#define TS_BASE_BYTES_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; nothing relies on a NUL behind them. */
struct ts_slice {
    const uint8_t *data;
    size_t len;
};

struct ts_slice ts_slice_of(const void *data, size_t len);
struct ts_slice ts_slice_text(const char *text);
bool ts_slice_equal(struct ts_slice a, struct ts_slice b);

/* Heap bytes that grow up to `max` (0: no ceiling). A failed append leaves
 * the content as it was. Zero-initialised is empty and legal. */
struct ts_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max;
};

void ts_buf_init(struct ts_buf *buf, size_t max_bytes);
void ts_buf_fini(struct ts_buf *buf);
void ts_buf_clear(struct ts_buf *buf);
/* Room for `extra` bytes behind the content; TS_FULL beyond the ceiling. */
enum ts_status ts_buf_grow(struct ts_buf *buf, size_t extra) TS_MUST_USE;
/* TS_FULL beyond the ceiling; out of memory ends the program. */
enum ts_status ts_buf_add(struct ts_buf *buf,
                          struct ts_slice bytes) TS_MUST_USE;
enum ts_status ts_buf_add_text(struct ts_buf *buf,
                               const char *text) TS_MUST_USE;
enum ts_status ts_buf_printf(struct ts_buf *buf, const char *format,
                             ...) TS_MUST_USE
    __attribute__((format(printf, 2, 3)));
/* Removes the first `count` bytes (at most all). */
void ts_buf_drop(struct ts_buf *buf, size_t count);
struct ts_slice ts_buf_slice(const struct ts_buf *buf);
/* The content as NUL-terminated text, owned by the buffer. */
const char *ts_buf_text(struct ts_buf *buf);

/* Heap that never answers NULL: out of memory is logged and ends the program,
 * because nothing here can do its job with less. */
void *ts_alloc(size_t size);
void *ts_realloc(void *old, size_t size);
char *ts_strdup(const char *text);

/* Lower-case hex; `out` holds 2 * len + 1. */
void ts_hex(char *out, struct ts_slice bytes);
/* Either case; TS_INVALID when odd, not hex, or longer than `cap`. */
enum ts_status ts_unhex(uint8_t *out, size_t cap, size_t *len,
                        struct ts_slice text) TS_MUST_USE;
/* RFC 4648 section 5, without padding; `out` holds 4 * (len + 2) / 3 + 1. */
void ts_base64url(char *out, struct ts_slice bytes);
/* RFC 4648 section 4, padded; `out` holds (len + 2) / 3 * 4 + 1. */
void ts_base64(char *out, struct ts_slice bytes);
/* RFC 4648 section 4 or 5, padding optional. */
enum ts_status ts_unbase64(uint8_t *out, size_t cap, size_t *len,
                           struct ts_slice text) TS_MUST_USE;

/* The zlib CRC-32. */
uint32_t ts_crc32(struct ts_slice bytes);

bool ts_utf8_valid(struct ts_slice bytes);

/* Equal in time that depends on the lengths alone. */
bool ts_secret_equal(struct ts_slice a, struct ts_slice b);

/* The whole file; TS_INVALID when missing or unreadable, TS_FULL over `max`.
 * The text names the file and what to do. It may hold secrets: no copy is left
 * outside `out`, which has a byte of room for ts_buf_text. */
enum ts_status ts_file_read(struct ts_buf *out, const char *path,
                            size_t max_bytes, struct ts_err *err) TS_MUST_USE;
/* TS_DENIED when its mode has any of the bits `others` (077, or 07 where the
 * group may read); a missing file is left to who reads it. */
enum ts_status ts_file_private(const char *path, unsigned others,
                               struct ts_err *err) TS_MUST_USE;

#endif
