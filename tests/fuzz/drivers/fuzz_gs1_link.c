/* Any text as a link, and, behind a `B`, any bits as the packed part of one:
 * no value has a byte that its AI does not take, the host is the text's, and
 * the elements are a good element string too. */
#include "drivers/code/gs1_parts.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds)
        abort();
}

static bool inside(struct ts_slice part, const void *data, size_t len) {
    const uint8_t *begin = data;

    return part.data >= begin && part.data + part.len <= begin + len;
}

static void check_element(const struct gs1 *gs1,
                          const struct gs1_element *element,
                          struct ts_slice uri) {
    struct ts_slice value = element->value;

    must(gs1_ai_exact(ts_slice_text(element->ai)) == element->row);
    must(inside(value, uri.data, uri.len) ||
         inside(value, gs1->values, gs1->used));
    must(!gs1_value_check(gs1_ai_at(element->row), value));
    for (size_t i = 0; i < value.len; i++)
        must(gs1_sets[value.data[i]] != 0);
}

static void check_as_elements(const struct gs1 *link) {
    static uint8_t text[SCAN_MAX_TEXT * 2];
    static struct gs1 gs1;
    size_t used = 0;

    for (size_t i = 0; i < link->count; i++) {
        const struct gs1_element *element = &link->elements[i];
        size_t size = strlen(element->ai);
        memcpy(text + used, element->ai, size);
        memcpy(text + used + size, element->value.data, element->value.len);
        used += size + element->value.len;
        text[used++] = GS1_SEPARATOR;
    }
    must(gs1_parse(&gs1, ts_slice_of(text, used)) == GS1_OK);
    must(gs1.count == link->count);
    for (size_t i = 0; i < gs1.count; i++)
        must(ts_slice_equal(gs1.elements[i].value, link->elements[i].value));
}

static void check(struct ts_slice uri) {
    static struct gs1 gs1;
    enum gs1_result result = gs1_parse_link(&gs1, uri);

    must((result == GS1_INVALID) == (gs1.fault[0] != 0));
    must((result == GS1_OK) == (gs1.count > 0));
    if (result != GS1_OK)
        return;
    must(inside(gs1.host, uri.data, uri.len) && gs1.host.len > 0);
    must(!memchr(gs1.host.data, '@', gs1.host.len));
    must(gs1_ai_at(gs1.elements[0].row)->paths != NULL);
    for (size_t i = 0; i < gs1.count; i++)
        check_element(&gs1, &gs1.elements[i], uri);
    check_as_elements(&gs1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char head[] = "https://a/";
    char uri[SCAN_MAX_TEXT];

    if (size == 0 || size > SCAN_MAX_TEXT)
        return 0;
    check(ts_slice_of(data, size));
    if (data[0] != 'B' || size > SCAN_MAX_TEXT / 2)
        return 0;
    memcpy(uri, head, sizeof head);
    ts_base64url(uri + sizeof head - 1, ts_slice_of(data + 1, size - 1));
    check(ts_slice_text(uri));
    return 0;
}
