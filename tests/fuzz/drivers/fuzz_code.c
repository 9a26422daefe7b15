/* Any text under any identifier: a payment card leaves nothing behind, and
 * what is named lies within the text. */
#include "drivers/code.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct ts_slice part, struct ts_slice text) {
    if (part.len == 0)
        return;
    if (part.data < text.data || part.data + part.len > text.data + text.len)
        abort();
}

static void check(const struct code *code, const struct scan *scan) {
    bool bare = !code->gtin[0] && !code->number.len && !code->item.len &&
                !code->programme;

    inside(code->number, scan->text);
    inside(code->item, scan->text);
    if (code->kind == CODE_PAYMENT_CARD && !bare)
        abort();
    if (code->kind == CODE_REJECTED && (!bare || code->error == SCAN_OK))
        abort();
    if (code->kind == CODE_CARD && (!code->programme || !code->number.len))
        abort();
    if (code->kind == CODE_ITEM && !code->gtin[0] == !code->item.len)
        abort();
    if (code->gtin[0] && !code_mod10_valid(ts_slice_text(code->gtin)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct code_rule list[] = {
        {.prefix = "25", .programme = "main", .length = 13, .mod10 = true},
        {.prefix = "L", .programme = "club", .skip = 2, .take = 4},
        {.prefix = "4", .programme = "trap", .length = 16},
        {.prefix = "E", .item = true, .skip = 1},
        {.prefix = "", .programme = "eight", .length = 8},
    };
    const struct code_rules rules = {.rules = list, .count = 5};
    struct scan scan = {.code_id = 0};
    struct code code;

    if (size < 4 || size > SCAN_MAX_TEXT)
        return 0;
    if (data[0] & 1)
        memcpy(scan.aim, (char[]){']', (char)data[1], (char)data[2]}, 3);
    else if (data[0] & 2)
        scan.code_id = (char)data[1];
    scan.continuation = data[0] & 4;
    scan.text = ts_slice_of(data + 3, size - 3);
    code_classify(&code, &scan, &rules);
    check(&code, &scan);
    code_classify(&code, &scan, NULL);
    check(&code, &scan);
    return 0;
}
