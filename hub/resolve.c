#include "hub/resolve.h"

#include <stdlib.h>
#include <string.h>

#define DAY_MS (24 * INT64_C(3600000))

static const char *const state_names[IDENT_STATES] = {
    "ok", "household", "contested", "quarantined"};

const struct resolve_limits resolve_defaults = {
    .type = {[IDENT_USER] = {1, 0},
             [IDENT_EMAIL] = {1, 0},
             [IDENT_CARD] = {5, 0},
             [IDENT_PHONE] = {3, 0},
             [IDENT_ANONYMOUS] = {5, 7 * DAY_MS}},
    .max_partners = 10};

const char *resolve_state_name(enum ident_state state) {
    return state_names[state];
}

enum ident_state resolve_state_find(struct ts_slice name) {
    for (int i = 0; i < IDENT_STATES; i++)
        if (ts_slice_equal(name, ts_slice_text(state_names[i])))
            return (enum ident_state)i;
    return IDENT_OK;
}

/* A component of the union-find: what it holds, members in a ring. */
struct part {
    size_t parent, next;
    size_t alias;                /* representative after the aliases alone */
    int64_t joined;              /* when this node came to its person */
    unsigned count[IDENT_TYPES]; /* at the root; an alias counts once */
    bool settled;
};

struct run {
    struct resolve_node *nodes;
    size_t count;
    struct resolve_edge *edges;
    size_t edge_count;
    const struct resolve_limits *limits;
    struct part *parts;
};

static size_t find(const struct run *run, size_t node) {
    struct part *parts = run->parts;

    while (parts[node].parent != node) {
        parts[node].parent = parts[parts[node].parent].parent;
        node = parts[node].parent;
    }
    return node;
}

static void unite(struct run *run, size_t a, size_t b) {
    size_t keep = find(run, a), drop = find(run, b), swap;
    struct part *parts = run->parts;

    if (keep == drop)
        return;
    if (keep > drop) {
        swap = keep;
        keep = drop;
        drop = swap;
    }
    parts[drop].parent = keep;
    for (int t = 0; t < IDENT_TYPES; t++)
        parts[keep].count[t] += parts[drop].count[t];
    swap = parts[keep].next;
    parts[keep].next = parts[drop].next;
    parts[drop].next = swap;
}

static bool usable(const struct run *run, const struct resolve_edge *edge) {
    return !run->nodes[edge->a].quarantined && !run->nodes[edge->b].quarantined;
}

static int compare_edges(const void *left, const void *right) {
    const struct resolve_edge *a = left, *b = right;
    int order;

    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    order = strcmp(a->key, b->key);
    if (order)
        return order;
    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    return (a->b > b->b) - (a->b < b->b);
}

static void run_aliases(struct run *run) {
    for (size_t i = 0; i < run->edge_count; i++) {
        struct resolve_edge *edge = &run->edges[i];
        enum ident_type type = run->nodes[edge->a].type;
        if (edge->rule != IDENT_RULE_ALIAS || !usable(run, edge) ||
            type != run->nodes[edge->b].type)
            continue;
        unite(run, edge->a, edge->b);
        run->parts[find(run, edge->a)].count[type] = 1;
        edge->active = true;
    }
    for (size_t i = 0; i < run->count; i++)
        run->parts[i].alias = find(run, i);
}

static bool within(const struct run *run, const unsigned *count,
                   enum ident_type last) {
    for (int t = 0; t <= (int)last; t++)
        if (run->limits->type[t].window_ms == 0 &&
            count[t] > run->limits->type[t].count)
            return false;
    return true;
}

static bool is_strong(const struct run *run, size_t node) {
    return run->nodes[node].type <= IDENT_EMAIL;
}

static void run_strong(struct run *run) {
    for (size_t i = 0; i < run->edge_count; i++) {
        struct resolve_edge *edge = &run->edges[i];
        size_t a = find(run, edge->a), b = find(run, edge->b);
        unsigned count[IDENT_TYPES];
        if (!is_strong(run, edge->a) || !is_strong(run, edge->b) ||
            !usable(run, edge))
            continue;
        for (int t = 0; t < IDENT_TYPES; t++)
            count[t] = run->parts[a].count[t] + run->parts[b].count[t];
        if (a != b && !within(run, count, IDENT_EMAIL))
            continue;
        unite(run, a, b);
        edge->active = true;
    }
}

/* The other end when the edge ties this alias group to something stronger. */
static bool stronger_end(const struct run *run, const struct resolve_edge *edge,
                         size_t group, size_t *other) {
    enum ident_type type = run->nodes[group].type;

    if (!usable(run, edge))
        return false;
    if (run->parts[edge->a].alias == group && run->nodes[edge->b].type < type)
        *other = edge->b;
    else if (run->parts[edge->b].alias == group &&
             run->nodes[edge->a].type < type)
        *other = edge->a;
    else
        return false;
    return true;
}

/* How many persons the group was seen with, and what they hold together. */
struct meeting {
    size_t persons[16];
    size_t count;
    unsigned held[IDENT_TYPES];
    unsigned with_card;
    bool many;
};

static void meet(const struct run *run, struct meeting *meeting,
                 size_t person) {
    for (size_t i = 0; i < meeting->count; i++)
        if (meeting->persons[i] == person)
            return;
    if (meeting->count == sizeof meeting->persons / sizeof *meeting->persons) {
        meeting->many = true;
        return;
    }
    meeting->persons[meeting->count++] = person;
    for (int t = 0; t < IDENT_TYPES; t++)
        meeting->held[t] += run->parts[person].count[t];
    meeting->with_card += run->parts[person].count[IDENT_CARD] > 0;
}

static unsigned recent(const struct run *run, size_t person,
                       enum ident_type type, int64_t at) {
    int64_t window = run->limits->type[type].window_ms;
    size_t node = person;
    unsigned n = 0;

    do {
        int64_t apart = run->parts[node].joined - at;
        n += run->nodes[node].type == type &&
             (apart < 0 ? -apart : apart) < window;
        node = run->parts[node].next;
    } while (node != person);
    return n;
}

static bool has_room(const struct run *run, const struct meeting *meeting,
                     enum ident_type type, int64_t at) {
    const struct resolve_limit *limit = &run->limits->type[type];
    unsigned held = meeting->held[type];

    if (limit->window_ms) {
        held = 0;
        for (size_t i = 0; i < meeting->count; i++)
            held += recent(run, meeting->persons[i], type, at);
    }
    return held < limit->count;
}

static enum ident_state judge(const struct run *run,
                              const struct meeting *meeting,
                              enum ident_type type, int64_t at) {
    bool shared = type == IDENT_CARD || type == IDENT_PHONE;

    if (meeting->many || !within(run, meeting->held, IDENT_EMAIL))
        return shared ? IDENT_HOUSEHOLD : IDENT_CONTESTED;
    /* Two loyalty cards on one device are more often two people. */
    if (!shared && meeting->with_card > 1)
        return IDENT_CONTESTED;
    return has_room(run, meeting, type, at) ? IDENT_OK : IDENT_CONTESTED;
}

static void mark_group(struct run *run, size_t group, enum ident_state state,
                       int64_t at) {
    for (size_t i = 0; i < run->count; i++)
        if (run->parts[i].alias == group) {
            run->parts[i].settled = true;
            run->parts[i].joined = at;
            run->nodes[i].state = state;
        }
}

static void settle_group(struct run *run, size_t group, int64_t at) {
    struct meeting meeting = {.count = 0};
    enum ident_state state;
    size_t other;

    for (size_t i = 0; i < run->edge_count; i++)
        if (stronger_end(run, &run->edges[i], group, &other))
            meet(run, &meeting, find(run, other));
    state = judge(run, &meeting, run->nodes[group].type, at);
    mark_group(run, group, state, at);
    if (state != IDENT_OK)
        return;
    for (size_t i = 0; i < run->edge_count; i++)
        if (stronger_end(run, &run->edges[i], group, &other)) {
            unite(run, group, other);
            run->edges[i].active = true;
        }
}

/* Edges are in order of time, so groups settle in the order of their first
 * evidence. */
static void run_layer(struct run *run, enum ident_type type) {
    for (size_t i = 0; i < run->edge_count; i++) {
        const struct resolve_edge *edge = &run->edges[i];
        size_t ends[] = {edge->a, edge->b};
        for (size_t k = 0; k < 2 && usable(run, edge); k++)
            if (run->nodes[ends[k]].type == type &&
                !run->parts[ends[k]].settled)
                settle_group(run, run->parts[ends[k]].alias, edge->time_ms);
    }
}

/* A household card or contested browser that never stood with anybody
 * stronger keeps what hangs on it: later layers look at nodes, not states.
 * But nothing may hang on a contested browser: it is last. */
static void prepare(struct run *run) {
    for (size_t i = 0; i < run->count; i++) {
        run->parts[i] = (struct part){.parent = i, .next = i};
        run->parts[i].count[run->nodes[i].type] = 1;
        run->nodes[i].state =
            run->nodes[i].quarantined ? IDENT_QUARANTINED : IDENT_OK;
    }
    for (size_t i = 0; i < run->edge_count; i++)
        run->edges[i].active = false;
    if (run->edge_count)
        qsort(run->edges, run->edge_count, sizeof *run->edges, compare_edges);
}

static void find_quarantined(struct run *run) {
    for (size_t n = 0; n < run->count; n++) {
        unsigned partners = 0;
        for (size_t i = 0; i < run->edge_count; i++) {
            const struct resolve_edge *edge = &run->edges[i];
            size_t other = edge->a == n ? edge->b : edge->a;
            if ((edge->a == n || edge->b == n) && is_strong(run, other) &&
                edge->rule != IDENT_RULE_ALIAS)
                partners++;
        }
        if (partners > run->limits->max_partners)
            run->nodes[n].quarantined = true;
    }
}

void resolve_run(struct resolve_node *nodes, size_t node_count,
                 struct resolve_edge *edges, size_t edge_count,
                 const struct resolve_limits *limits) {
    struct run run = {nodes, node_count, edges, edge_count, limits, NULL};

    run.parts = ts_alloc((node_count ? node_count : 1) * sizeof *run.parts);
    find_quarantined(&run);
    prepare(&run);
    run_aliases(&run);
    run_strong(&run);
    run_layer(&run, IDENT_CARD);
    run_layer(&run, IDENT_PHONE);
    run_layer(&run, IDENT_ANONYMOUS);
    for (size_t i = 0; i < node_count; i++)
        nodes[i].person = find(&run, i);
    free(run.parts);
}
