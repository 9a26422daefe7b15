#include "base/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct ts_slice ts_slice_of(const void *data, size_t len) {
    return (struct ts_slice){data, len};
}

struct ts_slice ts_slice_text(const char *text) {
    return (struct ts_slice){(const uint8_t *)text, text ? strlen(text) : 0};
}

bool ts_slice_equal(struct ts_slice a, struct ts_slice b) {
    return a.len == b.len && (a.len == 0 || !memcmp(a.data, b.data, a.len));
}

void *ts_realloc(void *old, size_t size) {
    void *p = realloc(old, size ? size : 1);

    if (!p) {
        (void)fprintf(stderr, "out of memory for %zu bytes\n", size);
        abort();
    }
    return p;
}

void *ts_alloc(size_t size) {
    void *p = ts_realloc(NULL, size);

    memset(p, 0, size);
    return p;
}

char *ts_strdup(const char *text) {
    size_t size = strlen(text) + 1;

    return memcpy(ts_alloc(size), text, size);
}

void ts_buf_init(struct ts_buf *buf, size_t max_bytes) {
    *buf = (struct ts_buf){.max = max_bytes};
}

void ts_buf_fini(struct ts_buf *buf) {
    free(buf->data);
    *buf = (struct ts_buf){.max = buf->max};
}

void ts_buf_clear(struct ts_buf *buf) { buf->len = 0; }

/* One byte more than asked for, so that ts_buf_text finds room. */
enum ts_status ts_buf_grow(struct ts_buf *buf, size_t extra) {
    size_t need = buf->len + extra;

    if (need < buf->len || (buf->max && need > buf->max))
        return TS_FULL;
    if (need + 1 > buf->cap) {
        size_t cap = buf->cap ? buf->cap * 2 : 128;
        while (cap < need + 1)
            cap *= 2;
        buf->data = ts_realloc(buf->data, cap);
        buf->cap = cap;
    }
    return TS_OK;
}

enum ts_status ts_buf_add(struct ts_buf *buf, struct ts_slice bytes) {
    if (ts_buf_grow(buf, bytes.len) != TS_OK)
        return TS_FULL;
    if (bytes.len)
        memcpy(buf->data + buf->len, bytes.data, bytes.len);
    buf->len += bytes.len;
    return TS_OK;
}

enum ts_status ts_buf_add_text(struct ts_buf *buf, const char *text) {
    return ts_buf_add(buf, ts_slice_text(text));
}

enum ts_status ts_buf_printf(struct ts_buf *buf, const char *format, ...) {
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0 || ts_buf_grow(buf, (size_t)len) != TS_OK)
        return TS_FULL;
    va_start(args, format);
    (void)vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, format,
                    args);
    va_end(args);
    buf->len += (size_t)len;
    return TS_OK;
}

void ts_buf_drop(struct ts_buf *buf, size_t count) {
    if (count >= buf->len) {
        buf->len = 0;
        return;
    }
    if (count)
        memmove(buf->data, buf->data + count, buf->len - count);
    buf->len -= count;
}

struct ts_slice ts_buf_slice(const struct ts_buf *buf) {
    return ts_slice_of(buf->data, buf->len);
}

const char *ts_buf_text(struct ts_buf *buf) {
    if (!buf->data)
        return "";
    buf->data[buf->len] = 0;
    return (const char *)buf->data;
}

void ts_hex(char *out, struct ts_slice bytes) {
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < bytes.len; i++) {
        *out++ = digits[bytes.data[i] >> 4];
        *out++ = digits[bytes.data[i] & 15];
    }
    *out = 0;
}

static int hex_value(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum ts_status ts_unhex(uint8_t *out, size_t cap, size_t *len,
                        struct ts_slice text) {
    if (text.len % 2 || text.len / 2 > cap)
        return TS_INVALID;
    for (size_t i = 0; i < text.len; i += 2) {
        int high = hex_value(text.data[i]);
        int low = hex_value(text.data[i + 1]);
        if (high < 0 || low < 0)
            return TS_INVALID;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *len = text.len / 2;
    return TS_OK;
}

static char *base64_digits(char *out, struct ts_slice bytes,
                           const char *digits) {
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | bytes.data[i];
        held += 8;
        while (held >= 6) {
            held -= 6;
            *out++ = digits[bits >> held & 63];
        }
    }
    if (held)
        *out++ = digits[bits << (6 - held) & 63];
    *out = 0;
    return out;
}

#define BASE64_DIGITS                                                          \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

void ts_base64url(char *out, struct ts_slice bytes) {
    (void)base64_digits(out, bytes, BASE64_DIGITS "-_");
}

void ts_base64(char *out, struct ts_slice bytes) {
    out = base64_digits(out, bytes, BASE64_DIGITS "+/");
    for (size_t rest = bytes.len % 3; rest && rest < 3; rest++)
        *out++ = '=';
    *out = 0;
}

static int base64_value(uint8_t c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

enum ts_status ts_unbase64(uint8_t *out, size_t cap, size_t *len,
                           struct ts_slice text) {
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;

    for (unsigned pad = 0; pad < 2 && text.len; pad++)
        if (text.data[text.len - 1] == '=')
            text.len--;
    if (text.len % 4 == 1)
        return TS_INVALID;
    for (size_t i = 0; i < text.len; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0)
            return TS_INVALID;
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            if (n == cap)
                return TS_INVALID;
            out[n++] = (uint8_t)(bits >> held);
        }
    }
    *len = n;
    return TS_OK;
}

uint32_t ts_crc32(struct ts_slice bytes) {
    return (uint32_t)crc32_z(0, bytes.data, bytes.len);
}

/* Unicode 15, table 3-7: no overlong form, no surrogate, at most U+10FFFF. */
static size_t utf8_length(const uint8_t *p, size_t left) {
    size_t len;
    uint8_t low = 0x80;
    uint8_t high = 0xbf;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        len = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        len = 3;
        low = p[0] == 0xe0 ? 0xa0 : 0x80;
        high = p[0] == 0xed ? 0x9f : 0xbf;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        len = 4;
        low = p[0] == 0xf0 ? 0x90 : 0x80;
        high = p[0] == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (left < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (p[i] < 0x80 || p[i] > 0xbf)
            return 0;
    return len;
}

bool ts_utf8_valid(struct ts_slice bytes) {
    size_t at = 0;

    while (at < bytes.len) {
        size_t len = utf8_length(bytes.data + at, bytes.len - at);
        if (!len)
            return false;
        at += len;
    }
    return true;
}

bool ts_secret_equal(struct ts_slice a, struct ts_slice b) {
    volatile uint8_t difference = (uint8_t)(a.len != b.len);

    for (size_t i = 0; i < a.len && i < b.len; i++)
        difference = (uint8_t)(difference | (a.data[i] ^ b.data[i]));
    return difference == 0;
}

/* Not by realloc, which leaves a copy where the bytes were. */
static void grow_wiped(struct ts_buf *buf, size_t cap) {
    uint8_t *data;

    if (cap <= buf->cap)
        return;
    data = ts_alloc(cap);
    if (buf->data) {
        memcpy(data, buf->data, buf->len);
        explicit_bzero(buf->data, buf->cap);
    }
    free(buf->data);
    buf->data = data;
    buf->cap = cap;
}

/* A file of /proc has no size; any may grow meanwhile. */
static void make_room(struct ts_buf *out, int fd, size_t max_bytes) {
    struct stat info;
    size_t size = 0;

    if (!fstat(fd, &info) && info.st_size > 0)
        size = (size_t)info.st_size;
    grow_wiped(out, out->len + (size < max_bytes ? size : max_bytes) + 2);
}

static enum ts_status read_all(struct ts_buf *out, int fd, size_t max_bytes) {
    ssize_t got;

    if (out->max && max_bytes > out->max)
        max_bytes = out->max;
    make_room(out, fd, max_bytes);
    while ((got = read(fd, out->data + out->len, out->cap - out->len - 1)) >
           0) {
        out->len += (size_t)got;
        if (out->len > max_bytes)
            return TS_FULL;
        if (out->cap - out->len < 2)
            grow_wiped(out, out->cap * 2);
    }
    return got < 0 ? TS_IO : TS_OK;
}

enum ts_status ts_file_read(struct ts_buf *out, const char *path,
                            size_t max_bytes, struct ts_err *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum ts_status status;

    if (fd < 0)
        return ts_fail(err, TS_INVALID,
                       "%s: %s; check the path and that this "
                       "user may read it",
                       path, strerror(errno));
    status = read_all(out, fd, max_bytes);
    if (status == TS_FULL)
        (void)ts_fail(err, TS_FULL, "%s: larger than %zu bytes", path,
                      max_bytes);
    else if (status != TS_OK)
        (void)ts_fail(err, TS_IO, "%s: %s", path, strerror(errno));
    (void)close(fd);
    return status;
}

enum ts_status ts_file_private(const char *path, unsigned others,
                               struct ts_err *err) {
    struct stat info;

    if (stat(path, &info) || !(info.st_mode & others))
        return TS_OK;
    return ts_fail(err, TS_DENIED,
                   "%s: others than its owner may read or change it (mode "
                   "%04o); run: chmod 600 %s",
                   path, (unsigned)(info.st_mode & 07777), path);
}
