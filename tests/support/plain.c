#include "tests/support/plain.h"

#include "base/guard.h"
#include "sync/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds, const char *what, struct ts_slice text) {
    if (holds)
        return;
    (void)fprintf(stderr, "%s differs: %.*s\n", what, (int)text.len,
                  (const char *)text.data);
    abort();
}

static bool same_bytes(const struct ts_plain *plain, const json_t *tree) {
    struct ts_buf one = {0}, other = {0};
    bool same = ts_plain_canonical(&one, plain, 0) == TS_OK &&
                ts_json_canonical(&other, tree) == TS_OK &&
                ts_slice_equal(ts_buf_slice(&one), ts_buf_slice(&other));

    ts_buf_fini(&one);
    ts_buf_fini(&other);
    return same;
}

/* Of the member alone, as a tree. */
static bool tree_refuses(const json_t *tree, struct ts_slice name) {
    char *text = ts_alloc(name.len + 1);
    json_t *alone = json_object();
    bool refused;

    if (name.len)
        memcpy(text, name.data, name.len);
    (void)json_object_set_new(alone, text,
                              json_deep_copy(json_object_get(tree, text)));
    refused = json_object_size(alone) != 1 || ts_guard_scrub_json(alone);
    json_decref(alone);
    free(text);
    return refused;
}

static bool same_guard(const struct ts_plain *plain, const json_t *tree) {
    const struct ts_plain_node *nodes = plain->nodes;

    for (size_t i = 1; i < nodes[0].next; i = nodes[i].next)
        if (ts_guard_refuses_plain(plain, i) !=
            tree_refuses(tree, nodes[i].name))
            return false;
    return true;
}

static bool same_view(const struct event_view *a, const struct event_view *b) {
    return !strcmp(a->store, b->store) && !strcmp(a->terminal, b->terminal) &&
           !strcmp(a->journal, b->journal) && a->sequence == b->sequence &&
           ts_slice_equal(a->source, b->source) &&
           ts_slice_equal(a->type, b->type) &&
           a->time.unix_ms == b->time.unix_ms && !strcmp(a->boot, b->boot) &&
           a->uptime.ms == b->uptime.ms && a->clock == b->clock &&
           ts_slice_equal(a->visit, b->visit);
}

static bool same_event(const struct ts_plain *plain, const json_t *tree) {
    struct event_view one, other;
    struct ts_err why = {.text = ""}, other_why = {.text = ""};
    enum ts_status status = event_parse_plain(&one, plain, 0, &why);

    if (status != event_parse(&other, tree, &other_why))
        return false;
    return status == TS_OK ? same_view(&one, &other)
                           : !strcmp(why.text, other_why.text);
}

bool plain_agrees(struct ts_slice text) {
    struct ts_plain plain = {0};
    bool is_plain = ts_plain_read(&plain, text);
    json_t *tree = NULL;

    if (is_plain) {
        must(ts_json_parse(&tree, text, NULL) == TS_OK, "validity", text);
        must(same_bytes(&plain, tree), "canonical form", text);
        must(same_event(&plain, tree), "event", text);
        if (json_is_object(tree))
            must(same_guard(&plain, tree), "guard", text);
    }
    json_decref(tree);
    ts_plain_fini(&plain);
    return is_plain;
}
