#include "drivers/pn532_parts.h"

#include "base/guard.h"

#include <stdio.h>
#include <string.h>

enum { DIGITS_SHOWN_MAX = 3 }; /* in a row, of memory that nobody asked for */

/* Memory that nobody asked for is shown to people who look at the wire, with
 * digits that may be a payment card's struck out. */
static void show_data(struct ts_slice answer, const struct driver_sink *sink) {
    uint8_t data[PN532_DATA_MAX];
    enum scan_error error =
        answer.len ? pn532_status_error(answer.data[0]) : SCAN_BAD_LENGTH;

    if (error) {
        sink->reject(sink->ctx, error, "");
        return;
    }
    memcpy(data, answer.data + 1, answer.len - 1);
    ts_guard_mask(data, answer.len - 1, DIGITS_SHOWN_MAX + 1);
    sink->notice(sink->ctx,
                 &(struct notice){.kind = NOTICE_ANSWER,
                                  .name = "nfc_data",
                                  .code = answer.data[0],
                                  .text = "",
                                  .data = ts_slice_of(data, answer.len - 1),
                                  .hint = ""});
    explicit_bzero(data, sizeof data);
}

static void show_target(struct ts_slice answer,
                        const struct driver_sink *sink) {
    struct pn532_target target;
    enum scan_error error = pn532_target_read(&target, answer);
    bool private = pn532_target_private(&target);

    if (error) {
        sink->reject(sink->ctx, error, "");
        return;
    }
    if (target.uid_len == 0) {
        pn532_say(sink, NOTICE_ABSENT, "nfc_none", "");
        return;
    }
    bool shown = !private || pn532_target_random(&target);
    sink->notice(
        sink->ctx,
        &(struct notice){
            .kind = private ? NOTICE_WITHHELD : NOTICE_ANSWER,
            .name = "nfc",
            .code = target.sak,
            .text = pn532_target_name(&target),
            .data = ts_slice_of(target.uid, shown ? target.uid_len : 0),
            .hint = ""});
    explicit_bzero(&target, sizeof target);
}

void pn532_show(uint8_t code, struct ts_slice answer,
                const struct driver_sink *sink) {
    const char *name = pn532_answer_name(code);
    char unnamed[8];

    if (code == PN532_LIST_TARGET + 1) {
        show_target(answer, sink);
    } else if (code == PN532_DATA_EXCHANGE + 1) {
        show_data(answer, sink);
    } else {
        (void)snprintf(unnamed, sizeof unnamed, "%02X", code);
        pn532_say(sink, NOTICE_ANSWER, "pn_rsp", name ? name : unnamed);
    }
}
