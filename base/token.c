#include "base/token.h"

#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_FILE_MAX = 64 * 1024, NUMBER_MAX = 64 };

struct key {
    unsigned number;
    uint8_t bytes[TS_KEY_BYTES];
};

struct ts_keys {
    size_t count;
    struct key key[TS_KEYS_MAX]; /* highest number first */
};

static bool insert_key(struct ts_keys *keys, const struct key *key) {
    size_t at = 0;

    while (at < keys->count && keys->key[at].number > key->number)
        at++;
    if (at < keys->count && keys->key[at].number == key->number)
        return false;
    memmove(keys->key + at + 1, keys->key + at,
            (keys->count - at) * sizeof *key);
    keys->key[at] = *key;
    keys->count++;
    return true;
}

static struct ts_slice trim(struct ts_slice s) {
    while (s.len && (*s.data == ' ' || *s.data == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len && strchr(" \t\r", s.data[s.len - 1]))
        s.len--;
    return s;
}

/* "<number> <64 hex digits>"; `line` is trimmed and not empty. */
static bool parse_key(struct key *key, struct ts_slice line) {
    size_t at = 0;
    size_t len = 0;

    key->number = 0;
    while (at < line.len && at < 3 && line.data[at] >= '0' &&
           line.data[at] <= '9')
        key->number = key->number * 10 + (unsigned)(line.data[at++] - '0');
    if (key->number < 1 || at == line.len ||
        (line.data[at] != ' ' && line.data[at] != '\t'))
        return false;
    line = trim(ts_slice_of(line.data + at, line.len - at));
    return ts_unhex(key->bytes, sizeof key->bytes, &len, line) == TS_OK &&
           len == TS_KEY_BYTES;
}

static struct ts_slice take_line(struct ts_slice *text) {
    const uint8_t *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
    struct ts_slice line =
        ts_slice_of(text->data, end ? (size_t)(end - text->data) : text->len);
    size_t used = line.len + (end ? 1 : 0);
    const uint8_t *hash;

    text->data += used;
    text->len -= used;
    hash = line.len ? memchr(line.data, '#', line.len) : NULL;
    if (hash)
        line.len = (size_t)(hash - line.data);
    return trim(line);
}

static enum ts_status parse_keys(struct ts_keys *keys, struct ts_slice text,
                                 const char *path, struct ts_err *err) {
    enum ts_status status = TS_OK;
    struct key key;

    for (unsigned row = 1; text.len && status == TS_OK; row++) {
        struct ts_slice line = take_line(&text);
        if (!line.len)
            continue;
        if (keys->count == TS_KEYS_MAX)
            status = ts_fail(err, TS_INVALID,
                             "%s:%u: more than %d keys; remove the oldest",
                             path, row, TS_KEYS_MAX);
        else if (!parse_key(&key, line))
            status = ts_fail(err, TS_INVALID,
                             "%s:%u: not a key; a line is a number from 1 to "
                             "999, a space and 64 hex digits",
                             path, row);
        else if (!insert_key(keys, &key))
            status = ts_fail(err, TS_INVALID,
                             "%s:%u: key number %u stands twice; give the new "
                             "key the next number",
                             path, row, key.number);
    }
    mbedtls_platform_zeroize(&key, sizeof key);
    if (status == TS_OK && !keys->count)
        status = ts_fail(err, TS_INVALID,
                         "%s: no key in the file; write one line: 1, a space "
                         "and 64 hex digits",
                         path);
    return status;
}

enum ts_status ts_keys_load(struct ts_keys **out, const char *path,
                            struct ts_err *err) {
    struct ts_keys *keys = NULL;
    struct ts_buf text;
    enum ts_status status = ts_file_private(path, 077, err);

    if (status != TS_OK)
        return status;
    ts_buf_init(&text, 0);
    status = ts_file_read(&text, path, KEY_FILE_MAX, err);
    if (status == TS_OK) {
        keys = ts_alloc(sizeof *keys);
        status = parse_keys(keys, ts_buf_slice(&text), path, err);
    }
    if (text.data)
        mbedtls_platform_zeroize(text.data, text.cap);
    ts_buf_fini(&text);
    if (status != TS_OK) {
        ts_keys_free(keys);
        return status;
    }
    *out = keys;
    return TS_OK;
}

struct ts_keys *ts_keys_new(unsigned number, const uint8_t key[TS_KEY_BYTES]) {
    struct ts_keys *keys = ts_alloc(sizeof *keys);

    keys->count = 1;
    keys->key[0].number = number;
    memcpy(keys->key[0].bytes, key, TS_KEY_BYTES);
    return keys;
}

void ts_keys_free(struct ts_keys *keys) {
    if (!keys)
        return;
    mbedtls_platform_zeroize(keys, sizeof *keys);
    free(keys);
}

size_t ts_keys_count(const struct ts_keys *keys) { return keys->count; }

/* HMAC of head ':' tail, behind `letter`, the key number and a dot. */
static void write_token(char out[TS_TOKEN_TEXT], char letter,
                        const struct key *key, struct ts_slice head,
                        struct ts_slice tail) {
    mbedtls_md_context_t md;
    uint8_t mac[32];
    int len;
    int failed;

    mbedtls_md_init(&md);
    failed =
        mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1);
    failed = failed || mbedtls_md_hmac_starts(&md, key->bytes, TS_KEY_BYTES);
    failed = failed || mbedtls_md_hmac_update(&md, head.data, head.len);
    failed = failed || mbedtls_md_hmac_update(&md, (const uint8_t *)":", 1);
    failed = failed || mbedtls_md_hmac_update(&md, tail.data, tail.len);
    failed = failed || mbedtls_md_hmac_finish(&md, mac);
    mbedtls_md_free(&md);
    if (failed) { /* only when the heap is exhausted */
        (void)fprintf(stderr, "HMAC-SHA-256 is not available\n");
        abort();
    }
    len = snprintf(out, TS_TOKEN_TEXT, "%c%u.", letter, key->number);
    ts_base64url(out + len, ts_slice_of(mac, sizeof mac));
    mbedtls_platform_zeroize(mac, sizeof mac);
}

static bool programme_valid(struct ts_slice programme) {
    if (programme.len < 1 || programme.len > 48)
        return false;
    for (size_t i = 0; i < programme.len; i++) {
        uint8_t c = programme.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

/* The canonical number; 0 when nothing is left, NUMBER_MAX + 1 when too
 * long. */
static size_t canonical(uint8_t out[NUMBER_MAX], struct ts_slice number) {
    size_t len = 0;

    for (size_t i = 0; i < number.len; i++) {
        uint8_t c = number.data[i];
        if (c >= 'a' && c <= 'z')
            c = (uint8_t)(c - 'a' + 'A');
        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9'))
            continue;
        if (len == NUMBER_MAX)
            return NUMBER_MAX + 1;
        out[len++] = c;
    }
    return len;
}

enum ts_status ts_token_card(char out[TS_TOKEN_TEXT],
                             const struct ts_keys *keys, size_t index,
                             struct ts_slice programme,
                             struct ts_slice number) {
    uint8_t text[NUMBER_MAX];
    size_t len = canonical(text, number);
    enum ts_status status = TS_INVALID;

    if (index < keys->count && programme_valid(programme) && len &&
        len <= NUMBER_MAX) {
        write_token(out, 'c', &keys->key[index], programme,
                    ts_slice_of(text, len));
        status = TS_OK;
    }
    mbedtls_platform_zeroize(text, sizeof text);
    return status;
}

void ts_token_print(char out[TS_TOKEN_TEXT], const struct ts_keys *keys,
                    struct ts_slice text) {
    write_token(out, 'u', &keys->key[0], ts_slice_text("unknown"), text);
}

bool ts_token_valid(struct ts_slice token) {
    uint8_t mac[33];
    size_t at = 1;
    size_t len = 0;

    if (token.len < 2 || token.data[0] != 'c' || token.data[1] == '0')
        return false;
    while (at < token.len && token.data[at] >= '0' && token.data[at] <= '9')
        at++;
    if (at < 2 || at > 4 || at == token.len || token.data[at] != '.' ||
        token.len - at - 1 != 43)
        return false;
    for (size_t i = at + 1; i < token.len; i++)
        if (token.data[i] == '+' || token.data[i] == '/' ||
            token.data[i] == '=')
            return false;
    return ts_unbase64(mac, sizeof mac, &len,
                       ts_slice_of(token.data + at + 1, 43)) == TS_OK &&
           len == 32;
}

void ts_card_masked(char out[24], struct ts_slice number) {
    static const char dots[] = "\xc2\xb7\xc2\xb7\xc2\xb7\xc2\xb7";
    uint8_t text[NUMBER_MAX];
    size_t len = canonical(text, number);

    if (len < 8 || len > NUMBER_MAX)
        (void)snprintf(out, 24, "%s", dots);
    else
        (void)snprintf(out, 24, "%s %.4s", dots, (const char *)text + len - 4);
    mbedtls_platform_zeroize(text, sizeof text);
}
