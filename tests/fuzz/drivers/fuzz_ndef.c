/* Any memory of a tag: what is found lies within it, what is read is UTF-8,
 * memory behind the message changes nothing, and a text that was written is
 * read as it was. */
#include "drivers/ndef.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY_MAX = 2048, PAGE = 4 };

static void check_text(const struct ndef_text *text, enum scan_error error) {
    if (error >= SCAN_ERRORS || text->len > NDEF_TEXT_MAX ||
        strnlen(text->language, sizeof text->language) == sizeof text->language)
        abort();
    if (!error && !ts_utf8_valid(ts_slice_of(text->text, text->len)))
        abort();
    if (!error && (text->kind == NDEF_OTHER) != (text->len == 0))
        abort();
}

static void check_records(struct ts_slice message) {
    struct ndef_record record;
    const uint8_t *end = message.data + message.len;

    while (message.len) {
        size_t before = message.len;
        if (ndef_next(&message, &record))
            return;
        if (message.len >= before || record.type.data + record.type.len > end ||
            record.payload.data + record.payload.len > end)
            abort();
    }
}

/* Page by page, as a driver reads it. */
static enum ndef_find find_by_pages(struct ts_slice memory,
                                    struct ts_slice *message) {
    size_t have = 0, need = 1;

    for (;;) {
        enum ndef_find found =
            ndef_find(ts_slice_of(memory.data, have), message, &need);
        if (found != NDEF_MORE || have == memory.len)
            return found;
        if (need <= have)
            abort();
        have = have + PAGE < memory.len ? have + PAGE : memory.len;
    }
}

static void check_memory(struct ts_slice memory) {
    struct ndef_text text = {.kind = NDEF_OTHER};
    struct ts_slice message = {NULL, 0}, other = {NULL, 0};
    size_t need = 0;
    enum ndef_find found = ndef_find(memory, &message, &need);

    if (find_by_pages(memory, &other) != found)
        abort();
    if (found == NDEF_MORE && need <= memory.len)
        abort();
    if (found != NDEF_FOUND)
        return;
    if (message.data < memory.data ||
        message.data + message.len > memory.data + memory.len ||
        other.data != message.data || other.len != message.len)
        abort();
    check_records(message);
    check_text(&text, ndef_choose(&text, message));
}

/* A record around the bytes comes back as it was, or is refused because they
 * are no UTF-8. */
static void check_written(struct ts_slice bytes) {
    uint8_t memory[MEMORY_MAX];
    struct ndef_text text;
    struct ts_slice message = {NULL, 0};
    size_t payload = bytes.len + 3, len = payload + 7, need = 0;

    if (bytes.len == 0 || len + 4 > sizeof memory)
        return;
    memcpy(memory,
           (uint8_t[]){3, 0xff, (uint8_t)(len >> 8), (uint8_t)len, 0xc1, 1, 0,
                       0, (uint8_t)(payload >> 8), (uint8_t)payload, 'T', 2,
                       'i', 't'},
           14);
    memcpy(memory + 14, bytes.data, bytes.len);
    if (ndef_find(ts_slice_of(memory, len + 4), &message, &need) != NDEF_FOUND)
        abort();
    enum scan_error error = ndef_choose(&text, message);
    if (error != (ts_utf8_valid(bytes) ? SCAN_OK : SCAN_BAD_CHAR))
        abort();
    if (!error && (strcmp(text.language, "it") != 0 ||
                   !ts_slice_equal(ts_slice_of(text.text, text.len), bytes)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > MEMORY_MAX)
        return 0;
    check_memory(ts_slice_of(data, size));
    if (size)
        check_records(ts_slice_of(data, size));
    check_written(ts_slice_of(data, size));
    return 0;
}
