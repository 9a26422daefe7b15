/* A reader that says anything: no crash, the same however the bytes are cut,
 * and nothing sent but lines of the few commands that the driver needs. */
#include "drivers/twn4_parts.h"
#include "fuzz_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes as a line of hex. */
static size_t wrap(uint8_t out[TALK_FRAME_MAX], struct ts_slice bytes) {
    char hex[2 * 255 + 1] = "";

    if (bytes.len)
        ts_hex(hex, bytes);
    return (size_t)snprintf((char *)out, TALK_FRAME_MAX, "%s\r", hex);
}

static void check_sent(struct ts_slice bytes) {
    static const char *const allowed[] = {"0400", "0402", "0403",
                                          "0407", "0500", "0502"};
    const char *at = (const char *)bytes.data;
    const char *end = at + bytes.len;

    if (bytes.len == 0 || end[-1] != '\r')
        abort();
    while (at < end) {
        const char *line_end = memchr(at, '\r', (size_t)(end - at));
        size_t known = 0;
        if ((line_end - at) % 2)
            abort();
        for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
            known += line_end - at > 4 && memcmp(at, allowed[i], 4) == 0;
        for (; at < line_end; at++)
            if (!strchr("0123456789ABCDEF", *at))
                abort();
        if (known != 1)
            abort();
        at = line_end + 1;
    }
}

/* What is read of a line stands in it, in the same order. */
static void check_line(struct ts_slice text) {
    static const struct twn4_form forms[] = {
        {.polls = true}, {.guesses = true}, {.bits = true}, {.polls = false}};
    char id[2 * TWN4_ID_MAX + 1];
    struct twn4_line line;

    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        char folded[TWN4_LINE_MAX + 1] = "";
        twn4_line_read(&line, text, &forms[f]);
        if (line.kind != TWN4_ID)
            continue;
        ts_hex(id, ts_slice_of(line.id, line.len));
        for (size_t i = 0; i < text.len; i++)
            folded[i] = (char)(text.data[i] >= 'A' && text.data[i] <= 'F'
                                   ? text.data[i] | 0x20
                                   : text.data[i]);
        if (line.len < TWN4_ID_MIN || line.bits > 8 * line.len ||
            line.bits + 7 < 8 * line.len || !strstr(folded, id))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct talk talk = {"twn4", wrap, check_sent, false};

    if (size > 0 && size <= TWN4_LINE_MAX)
        check_line(ts_slice_of(data, size));
    fuzz_talk(&talk, ts_slice_of(data, size));
    return 0;
}
