/* The guard over JSON values; apart from guard.c, which needs no heap. */
#include "base/guard_scheme.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <mbedtls/platform_util.h>

static const char removed[] = "[payment card removed]";

static bool refused_text(const char *text, size_t len) {
    return ts_guard_refuses(ts_slice_of(text, len), TS_CARRIER_TEXT, NULL);
}

/* "id", "order_id", "orderId": shop systems put plain 12 to 18 digits here. */
static bool names_id(struct ts_slice name) {
    const uint8_t *end;

    if (name.len < 2)
        return false;
    end = name.data + name.len;
    if (!memcmp(end - 2, "Id", 2) || !memcmp(end - 2, "ID", 2))
        return true;
    return !memcmp(end - 2, "id", 2) &&
           (name.len == 2 || end[-3] == '_' || end[-3] == '-');
}

/* A text of digits alone under such a name: only lengths in use count. */
static bool refused_id(const char *text, size_t len) {
    struct ts_pan pan = {.len = len};
    bool refused;

    if (len < TS_PAN_MIN || len > TS_PAN_MAX)
        return refused_text(text, len);
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return refused_text(text, len);
        pan.digit[i] = (uint8_t)(text[i] - '0');
    }
    refused = ts_pan_is_card(&pan, TS_PAN_NAMED_ID, NULL);
    mbedtls_platform_zeroize(&pan, sizeof pan);
    return refused;
}

/* The digits of a number as they would be typed. */
static size_t number_text(char *out, size_t size, const json_t *value) {
    double real = json_real_value(value);

    if (json_is_integer(value)) {
        long long number = json_integer_value(value);
        unsigned long long digits = number < 0 ? 0 - (unsigned long long)number
                                               : (unsigned long long)number;
        return (size_t)snprintf(out, size, "%llu", digits);
    }
    if (!(fabs(real) < 1e19))
        return 0;
    return (size_t)snprintf(out, size, "%.0f", trunc(fabs(real)));
}

/* `name`: of the member that it stands in. */
static bool refused_named(struct ts_slice name, const char *text, size_t len) {
    return names_id(name) ? refused_id(text, len) : refused_text(text, len);
}

static bool refused_value(const char *name, const json_t *value) {
    char digits[32];
    size_t len;
    bool refused;

    if (json_is_string(value))
        return refused_named(ts_slice_text(name), json_string_value(value),
                             json_string_length(value));
    if (!json_is_number(value))
        return false;
    len = number_text(digits, sizeof digits, value);
    refused = refused_named(ts_slice_text(name), digits, len);
    mbedtls_platform_zeroize(digits, sizeof digits);
    return refused;
}

static size_t scrub(const char *name, json_t *value);

static void free_name(char out[48], const json_t *object) {
    (void)snprintf(out, 48, "%s", removed);
    for (unsigned n = 2; json_object_get(object, out); n++)
        (void)snprintf(out, 48, "%s %u", removed, n);
}

/* Members with a refused name get another; the order stays. */
static size_t scrub_names(json_t *object) {
    json_t *renamed = NULL;
    const char *name;
    json_t *value;
    size_t count = 0;

    json_object_foreach(object, name, value) count +=
        refused_text(name, strlen(name));
    if (!count)
        return 0;
    renamed = json_object();
    json_object_foreach(object, name, value) {
        char other[48];
        if (refused_text(name, strlen(name))) {
            free_name(other, renamed);
            (void)json_object_set(renamed, other, value);
        } else {
            (void)json_object_set(renamed, name, value);
        }
    }
    (void)json_object_clear(object);
    (void)json_object_update(object, renamed);
    json_decref(renamed);
    return count;
}

static size_t scrub_object(json_t *object) {
    const char *name;
    json_t *value;
    void *next;
    size_t count = scrub_names(object);

    json_object_foreach_safe(object, next, name, value) {
        if (refused_value(name, value)) {
            (void)json_object_set_new(object, name, json_string(removed));
            count++;
        } else {
            count += scrub(name, value);
        }
    }
    return count;
}

static size_t scrub_array(const char *name, json_t *array) {
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(array); i++) {
        json_t *value = json_array_get(array, i);
        if (refused_value(name, value)) {
            (void)json_array_set_new(array, i, json_string(removed));
            count++;
        } else {
            count += scrub(name, value);
        }
    }
    return count;
}

static size_t scrub(const char *name, json_t *value) {
    if (json_is_object(value))
        return scrub_object(value);
    if (json_is_array(value))
        return scrub_array(name, value);
    return 0;
}

size_t ts_guard_scrub_json(json_t *value) {
    if (!refused_value(NULL, value))
        return scrub(NULL, value);
    /* The caller holds this very value: change it, since it cannot go. */
    if (json_is_string(value))
        (void)json_string_set(value, removed);
    else if (json_is_integer(value))
        (void)json_integer_set(value, 0);
    else
        (void)json_real_set(value, 0);
    return 1;
}

static bool plain_refused(const struct ts_plain *plain, size_t at,
                          struct ts_slice name) {
    const struct ts_plain_node *node = &plain->nodes[at];
    const char *text = (const char *)node->text.data;
    bool minus;

    switch (node->kind) {
    case TS_PLAIN_STRING:
        return refused_named(name, text, node->text.len);
    case TS_PLAIN_INTEGER:
        minus = *text == '-';
        return refused_named(name, text + minus, node->text.len - minus);
    case TS_PLAIN_OBJECT:
        for (size_t i = at + 1; i < node->next; i = plain->nodes[i].next)
            if (ts_guard_refuses_plain(plain, i))
                return true;
        return false;
    case TS_PLAIN_ARRAY:
        for (size_t i = at + 1; i < node->next; i = plain->nodes[i].next)
            if (plain_refused(plain, i, name))
                return true;
        return false;
    default:
        return false;
    }
}

bool ts_guard_refuses_plain(const struct ts_plain *plain, size_t member) {
    struct ts_slice name = plain->nodes[member].name;

    return refused_text((const char *)name.data, name.len) ||
           plain_refused(plain, member, name);
}
