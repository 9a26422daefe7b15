/* Any text as an element string: what is named lies within the text and has
 * characters that its AI takes; joined again it reads the same. */
#include "drivers/code/gs1_parts.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds)
        abort();
}

static void check_element(const struct gs1_element *element,
                          struct ts_slice text) {
    const struct gs1_ai *ai = gs1_ai_at(element->row);
    struct ts_slice value = element->value;

    must(gs1_ai_exact(ts_slice_text(element->ai)) == element->row);
    must(value.data >= text.data &&
         value.data + value.len <= text.data + text.len);
    must(value.len >= ai->low && value.len <= ai->high);
    must(!gs1_value_check(ai, value));
    for (size_t i = 0; i < value.len; i++)
        must(gs1_sets[value.data[i]] != 0);
}

/* With a separator behind each; the text holds one or more for each of them. */
static struct ts_slice join(uint8_t *out, const struct gs1 *gs1) {
    size_t used = 0;

    for (size_t i = 0; i < gs1->count; i++) {
        const struct gs1_element *element = &gs1->elements[i];
        size_t size = strlen(element->ai);
        memcpy(out + used, element->ai, size);
        memcpy(out + used + size, element->value.data, element->value.len);
        used += size + element->value.len;
        out[used++] = GS1_SEPARATOR;
    }
    return ts_slice_of(out, used);
}

static void check_again(const struct gs1 *first) {
    static uint8_t joined[SCAN_MAX_TEXT + GS1_ELEMENTS_MAX];
    static struct gs1 second;

    must(gs1_parse(&second, join(joined, first)) == GS1_OK);
    must(second.count == first->count);
    for (size_t i = 0; i < first->count; i++) {
        must(strcmp(second.elements[i].ai, first->elements[i].ai) == 0);
        must(
            ts_slice_equal(second.elements[i].value, first->elements[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct gs1 gs1;
    struct ts_slice text = ts_slice_of(data, size);

    if (size > SCAN_MAX_TEXT)
        return 0;
    enum gs1_result result = gs1_parse(&gs1, text);
    must(result != GS1_ABSENT);
    must((result == GS1_OK) == (gs1.fault[0] == 0));
    must((result == GS1_OK) == (gs1.count > 0));
    for (size_t i = 0; i < gs1.count; i++)
        check_element(&gs1.elements[i], text);
    if (result == GS1_OK)
        check_again(&gs1);
    return 0;
}
