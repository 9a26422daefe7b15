#include "sync/event.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An event that is read, of a known type, is written again with the same
 * values. */
static void write_again(const struct event_view *view) {
    struct event_origin origin;
    char type[64] = "";
    char visit[TS_UUID_TEXT] = "";
    struct event event = {.type = type,
                          .time = view->time,
                          .uptime = view->uptime,
                          .clock = view->clock,
                          .visit = view->visit.len ? visit : NULL,
                          .data = json_deep_copy(view->data)};
    struct event_view again;
    struct ts_buf out = {0};
    json_t *json = NULL;

    memcpy(origin.store, view->store, sizeof origin.store);
    memcpy(origin.terminal, view->terminal, sizeof origin.terminal);
    memcpy(origin.boot, view->boot, sizeof origin.boot);
    memcpy(type, view->type.data, view->type.len);
    if (view->visit.len)
        memcpy(visit, view->visit.data, view->visit.len);
    /* Escapes can make the text longer than the limit. */
    if (event_encode(&out, &origin, view->journal, view->sequence, &event,
                     NULL) == TS_OK) {
        if (ts_json_parse(&json, ts_buf_slice(&out), NULL) != TS_OK ||
            event_parse(&again, json, NULL) != TS_OK ||
            again.sequence != view->sequence ||
            again.time.unix_ms != view->time.unix_ms ||
            again.uptime.ms != view->uptime.ms || again.clock != view->clock)
            abort();
        json_decref(json);
    }
    json_decref(event.data);
    ts_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *json = NULL;
    struct event_view view;

    if (ts_json_parse(&json, ts_slice_of(data, size), NULL) != TS_OK)
        return 0;
    if (event_parse(&view, json, NULL) == TS_OK && event_type_known(view.type))
        write_again(&view);
    json_decref(json);
    return 0;
}
