#include "base/json.h"

enum { MAX_DEPTH = 64 };

static bool too_deep(struct ts_slice text) {
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > MAX_DEPTH)
                return true;
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        }
    }
    return false;
}

enum ts_status ts_json_parse(json_t **out, struct ts_slice text,
                             struct ts_err *err) {
    json_error_t error;
    json_t *value;

    if (too_deep(text))
        return ts_fail(err, TS_INVALID, "JSON nests deeper than %d levels",
                       MAX_DEPTH);
    value = json_loadb((const char *)text.data, text.len,
                       JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!value)
        /* jansson's text quotes the input, which may be personal. */
        return ts_fail(err, TS_INVALID, "not valid JSON at line %d column %d",
                       error.line, error.column);
    *out = value;
    return TS_OK;
}

static int dump_bytes(const char *bytes, size_t len, void *ctx) {
    return ts_buf_add(ctx, ts_slice_of(bytes, len)) == TS_OK ? 0 : -1;
}

enum ts_status ts_json_canonical(struct ts_buf *out, const json_t *value) {
    return json_dump_callback(value, dump_bytes, out,
                              JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)
               ? TS_FULL
               : TS_OK;
}

enum ts_status ts_json_compact(struct ts_buf *out, const json_t *value) {
    return json_dump_callback(value, dump_bytes, out,
                              JSON_COMPACT | JSON_ENCODE_ANY)
               ? TS_FULL
               : TS_OK;
}

struct ts_slice ts_json_text(const json_t *object, const char *member) {
    const json_t *value = json_object_get(object, member);

    if (!json_is_string(value))
        return (struct ts_slice){NULL, 0};
    return ts_slice_of(json_string_value(value), json_string_length(value));
}

bool ts_json_count(const json_t *object, const char *member, uint64_t *out) {
    const json_t *value = json_object_get(object, member);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        json_integer_value(value) >= 1LL << 53)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}
