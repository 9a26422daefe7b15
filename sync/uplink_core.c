#include "sync/uplink_core.h"

#include "sync/round_trip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_JOURNALS = 16,
    BUSY_MS = 1000,
    LINE_RETRY_MS = 200, /* the line is full: it also tells when it is not */
    SOURCE_RETRY_MS = 1000,
    MUTE_MAX = 2 /* time-outs of batches with a dictionary, in a row */
};

/* One journal. */
struct track {
    struct uplink_span span;
    uint64_t next;         /* to send next */
    uint64_t highest;      /* the highest that may ever have been sent */
    uint64_t rewound_at;   /* `through` of the gap already rewound for */
    uint64_t single_until; /* refused together: one by one up to here */
    int64_t held_until_ms;
    unsigned held_ms;
    bool rewound;
    bool ended;  /* of an earlier run: it does not grow */
    bool beyond; /* the hub has more of it than we hold; told once */
    bool resume_due;
    bool owed; /* a resume has no answer yet */
    int64_t resumed_at_ms;
};

struct uplink_core {
    struct uplink_core_options options;
    struct uplink_source source;
    struct uplink_core_port port;
    struct track *tracks;
    size_t count, cap;
    struct uplink_span *spans;
    bool loaded, stale, up, probing, dictionary, dictionary_known;
    struct flights flights;
    unsigned window, mute;
    unsigned timeout_ms, busy_ms;
    int64_t wait_ms; /* timeout_ms, jittered */
    struct round_trip trip;
    int64_t answered_at_ms, held_until_ms;
    int64_t retry_at_ms; /* the line was full or the source failed; or 0 */
    int64_t ask_at_ms;   /* at rest: see ask_at_rest */
    size_t ask_turn;
    bool asked;
    bool greet_due;
    int64_t greet_at_ms;
    struct pace pace;
    struct pace_word held; /* rows wait for it unless it says PACE_GO */
    struct uplink_core_status status;
};

static int64_t jittered(struct uplink_core *core, unsigned ms) {
    unsigned part = ms / 2 + 1;

    return (int64_t)(ms - ms / 4) +
           (int64_t)(core->port.random(core->port.ctx) % part);
}

static unsigned doubled(unsigned ms) {
    return ms >= UPLINK_BACKOFF_MS / 2 ? (unsigned)UPLINK_BACKOFF_MS : ms * 2;
}

static void alarm_raise(struct uplink_core *core, const char *text) {
    core->status.alarms++;
    (void)ts_fail(&core->status.alarm, TS_DENIED, "%s", text);
}

static struct track *find(struct uplink_core *core, const char *journal) {
    for (size_t i = 0; i < core->count; i++)
        if (!strcmp(core->tracks[i].span.journal, journal))
            return &core->tracks[i];
    return NULL;
}

static void reserve(struct uplink_core *core, size_t cap) {
    core->tracks = ts_realloc(core->tracks, cap * sizeof *core->tracks);
    core->spans = ts_realloc(core->spans, cap * sizeof *core->spans);
    core->cap = cap;
}

static enum ts_status read_spans(struct uplink_core *core, size_t *count) {
    for (;;) {
        enum ts_status status =
            core->source.spans(core->source.ctx, core->spans, core->cap, count,
                               &core->status.error);
        if (status != TS_OK || *count < core->cap ||
            core->cap >= UPLINK_JOURNALS_MAX)
            return status;
        reserve(core, core->cap * 2);
    }
}

/* What is known of a journal survives; the source's order rules. */
static struct track merged(struct uplink_core *core,
                           const struct uplink_span *span) {
    struct track *old = find(core, span->journal);
    struct track track = {.span = *span, .highest = span->through};

    if (old) {
        track = *old;
        track.span = *span;
        track.ended = old->ended && span->newest == old->span.newest;
    } else if (!core->loaded) {
        /* Any row found at the start may have been sent before. */
        track.highest = span->newest;
        track.ended = true;
    }
    if (span->oldest && track.highest < span->oldest - 1)
        track.highest = span->oldest - 1;
    if (track.highest < span->through)
        track.highest = span->through;
    if (track.next <= span->through)
        track.next = span->through + 1;
    return track;
}

static void load(struct uplink_core *core) {
    size_t count = 0;
    struct track *fresh;

    if (read_spans(core, &count) != TS_OK)
        return;
    assert(count <= core->cap);
    fresh = ts_alloc(core->cap * sizeof *fresh);
    for (size_t i = 0; i < count; i++)
        fresh[i] = merged(core, &core->spans[i]);
    free(core->tracks);
    core->tracks = fresh;
    core->count = count;
    core->stale = false;
    core->loaded = true;
}

struct uplink_core *uplink_core_new(const struct uplink_core_options *options,
                                    const struct uplink_source *source,
                                    const struct uplink_core_port *port) {
    struct uplink_core *core = ts_alloc(sizeof *core);

    core->options = *options;
    core->source = *source;
    core->port = *port;
    pace_init(&core->pace, &options->pace);
    core->window = 1;
    core->stale = true;
    core->dictionary_known = true;
    reserve(core, FIRST_JOURNALS);
    load(core);
    return core;
}

void uplink_core_free(struct uplink_core *core) {
    if (!core)
        return;
    free(core->tracks);
    free(core->spans);
    free(core);
}

/* Forgets what is in flight of `track` (all when NULL), to be sent again. */
static void rewind_track(struct uplink_core *core, struct track *track) {
    flights_forget(&core->flights, track ? track->span.journal : NULL);
    for (size_t i = 0; i < core->count; i++) {
        struct track *t = &core->tracks[i];
        if (!track || t == track)
            t->next = t->span.through + 1;
    }
}

static void set_timeout(struct uplink_core *core, unsigned ms) {
    core->timeout_ms = ms;
    core->wait_ms = jittered(core, ms);
}

/* A hub whose queue is deeper than the setting is waited for. */
static int64_t expected_ms(const struct uplink_core *core) {
    int64_t ms = round_trip_limit_ms(&core->trip);

    return ms > core->options.ack_timeout_ms ? ms
                                             : core->options.ack_timeout_ms;
}

/* The ack to rows that were sent twice measures nothing: what the time-outs
 * have doubled goes down by a quarter only, and so outgrows any queue. */
static void on_answered(struct uplink_core *core, const struct flight *exact,
                        struct ts_mono now) {
    int64_t ms = core->timeout_ms - core->timeout_ms / 4;

    if (exact->fresh)
        round_trip_add(&core->trip, now.ms - exact->sent_at_ms);
    if (exact->fresh || ms < expected_ms(core))
        ms = expected_ms(core);
    set_timeout(core, ms > UPLINK_BACKOFF_MS ? (unsigned)UPLINK_BACKOFF_MS
                                             : (unsigned)ms);
}

void uplink_core_up(struct uplink_core *core, struct ts_mono now) {
    core->up = true;
    core->asked = false;
    core->ask_at_ms = now.ms + jittered(core, UPLINK_ASK_MS);
    core->greet_due = false;
    core->window = 1;
    core->probing = false;
    core->retry_at_ms = 0;
    core->dictionary = core->dictionary_known;
    core->mute = 0;
    core->status.answered = false;
    core->busy_ms = 0;
    core->held_until_ms = 0;
    core->answered_at_ms = now.ms;
    core->trip = (struct round_trip){0};
    set_timeout(core, core->options.ack_timeout_ms);
    load(core);
    rewind_track(core, NULL);
    for (size_t i = 0; i < core->count; i++) {
        struct track *track = &core->tracks[i];
        track->rewound = track->owed = false;
        track->resume_due = true;
        track->held_until_ms = 0;
        track->held_ms = 0;
    }
    uplink_core_pump(core, now);
}

void uplink_core_hub_back(struct uplink_core *core, struct ts_mono now) {
    if (!core->up)
        return;
    if (!core->greet_due)
        core->greet_at_ms =
            now.ms + pace_spread(core->options.spread_ms,
                                 core->port.random(core->port.ctx));
    core->greet_due = true;
    uplink_core_pump(core, now);
}

void uplink_core_down(struct uplink_core *core) {
    core->up = core->greet_due = false;
    core->held.reason = PACE_GO;
    core->status.answered = false;
    rewind_track(core, NULL);
}

void uplink_core_set_dictionary(struct uplink_core *core, bool known) {
    core->dictionary_known = known;
    core->dictionary = known;
    core->mute = 0;
}

/* `oldest` may lie above the span's own: behind a hole in the journal. */
static bool send_resume(struct uplink_core *core, struct track *track,
                        uint64_t oldest, struct ts_mono now) {
    struct message_resume resume = {.oldest = oldest,
                                    .newest = track->span.newest};
    enum ts_status status;

    memcpy(resume.journal, track->span.journal, sizeof resume.journal);
    status = core->port.resume(core->port.ctx, &resume, &core->status.error);
    if (status != TS_OK) {
        core->retry_at_ms = now.ms + LINE_RETRY_MS;
        return false;
    }
    track->resume_due = false;
    track->owed = true;
    track->resumed_at_ms = now.ms;
    if (oldest && track->highest < oldest - 1)
        track->highest = oldest - 1;
    return true;
}

static bool resumes_sent(struct uplink_core *core, struct ts_mono now) {
    for (size_t i = 0; i < core->count; i++) {
        struct track *track = &core->tracks[i];
        bool late = track->owed && core->status.answered &&
                    now.ms - track->resumed_at_ms >= core->timeout_ms * 2LL;
        if (!track->resume_due && !late)
            continue;
        if (!send_resume(core, track, track->span.oldest, now))
            return false;
    }
    return true;
}

static const struct flight *first_flight(const struct uplink_core *core,
                                         const struct track *track) {
    return flights_first(&core->flights, track->span.journal);
}

static struct track *choose(struct uplink_core *core, struct ts_mono now) {
    for (size_t i = 0; i < core->count; i++) {
        struct track *track = &core->tracks[i];
        if (track->next > track->span.newest || track->held_until_ms > now.ms)
            continue;
        if (track->next <= track->single_until && first_flight(core, track))
            continue;
        return track;
    }
    return NULL;
}

static void hold_track(struct uplink_core *core, struct track *track,
                       struct ts_mono now) {
    track->held_ms =
        track->held_ms ? doubled(track->held_ms) : core->options.ack_timeout_ms;
    track->held_until_ms = now.ms + jittered(core, track->held_ms);
}

static void take_off(struct uplink_core *core, struct track *track,
                     const struct uplink_core_sent *sent, bool dictionary,
                     struct ts_mono now) {
    struct flight *flight = flights_add(&core->flights);

    memcpy(flight->journal, track->span.journal, sizeof flight->journal);
    flight->first = sent->first;
    flight->last = sent->last;
    flight->sent_at_ms = now.ms;
    flight->fresh = sent->first > track->highest;
    flight->dictionary = dictionary;
    track->next = sent->last + 1;
    core->status.batches_sent++;
    core->status.batches_resent += !flight->fresh;
    if (track->highest < sent->last)
        track->highest = sent->last;
}

static bool pass_hole(struct uplink_core *core, struct track *track,
                      uint64_t first, struct ts_mono now) {
    hold_track(core, track, now);
    if (!first)
        core->stale = true;
    return !first || send_resume(core, track, first, now);
}

static bool send_one(struct uplink_core *core, struct track *track,
                     struct ts_mono now) {
    struct uplink_core_send send = {.journal = track->span.journal,
                                    .from = track->next,
                                    .single =
                                        track->next <= track->single_until,
                                    .dictionary = core->dictionary,
                                    .max_bytes = core->held.max_bytes};
    struct uplink_core_sent sent = {0};
    enum ts_status status =
        core->port.send(core->port.ctx, &send, &sent, &core->status.error);

    if (status == TS_OK) {
        assert(sent.first == send.from && sent.last >= sent.first);
        take_off(core, track, &sent, send.dictionary, now);
        pace_spend(&core->pace, now, sent.bytes);
        return true;
    }
    if (status == TS_CORRUPT)
        return pass_hole(core, track, sent.first, now);
    if (status == TS_FULL || status == TS_CLOSED)
        core->retry_at_ms = now.ms + LINE_RETRY_MS;
    else
        core->held_until_ms = now.ms + SOURCE_RETRY_MS;
    return false;
}

static bool any_owed(const struct uplink_core *core, int64_t *since_ms) {
    for (size_t i = 0; i < core->count; i++)
        if (core->tracks[i].owed) {
            *since_ms = core->tracks[i].resumed_at_ms;
            return true;
        }
    return false;
}

/* When the answer that we wait for is overdue; false: none is awaited. */
static bool overdue_at(const struct uplink_core *core, int64_t *at_ms) {
    int64_t since;

    if (core->flights.count)
        since = core->flights.list[0].sent_at_ms;
    else if (!any_owed(core, &since))
        return false;
    if (since < core->answered_at_ms)
        since = core->answered_at_ms;
    *at_ms = since + core->wait_ms;
    return true;
}

/* A hub that cannot unpack a batch cannot say of which journal it is: it names
 * another one, or, as long as it knows none of this terminal, says nothing. The
 * next session, and a hub that tells its dictionaries, allow it again. */
static void drop_dictionary(struct uplink_core *core) {
    if (core->dictionary)
        rewind_track(core, NULL);
    core->dictionary = false;
}

static void give_up_waiting(struct uplink_core *core, struct ts_mono now) {
    bool batches = core->flights.count > 0;

    if (batches && core->flights.list[0].dictionary && ++core->mute >= MUTE_MAX)
        drop_dictionary(core);
    core->status.timeouts++;
    core->window = core->window > 1 ? core->window / 2 : 1;
    core->probing = true;
    set_timeout(core, doubled(core->timeout_ms));
    core->answered_at_ms = now.ms;
    rewind_track(core, NULL);
    for (size_t i = 0; i < core->count; i++)
        core->tracks[i].rewound = false;
    for (size_t i = 0; !batches && i < core->count; i++)
        if (core->tracks[i].owed) {
            core->tracks[i].resume_due = true;
            return;
        }
}

/* Holds that have passed, so that the deadline lies ahead. */
static void let_go(struct uplink_core *core, struct ts_mono now) {
    core->retry_at_ms = 0;
    core->held.reason = PACE_GO;
    if (core->held_until_ms <= now.ms)
        core->held_until_ms = 0;
    for (size_t i = 0; i < core->count; i++)
        if (core->tracks[i].held_until_ms <= now.ms)
            core->tracks[i].held_until_ms = 0;
}

static uint64_t unsent(const struct uplink_core *core) {
    uint64_t rows = 0;

    for (size_t i = 0; i < core->count; i++) {
        const struct uplink_span *span = &core->tracks[i].span;
        if (span->newest > span->through)
            rows += span->newest - span->through;
    }
    return rows;
}

/* An ack from before a hub was put back to a copy may come late and pass for
 * the answer to a `resume` that was lost: all would seem well until the next
 * row. The last journal tells, because its acks are the newest; the others are
 * asked in turn, since one that is late may be theirs alone. */
static void ask_at_rest(struct uplink_core *core, struct ts_mono now) {
    int64_t since;

    if (now.ms < core->ask_at_ms)
        return;
    core->ask_at_ms = now.ms + jittered(core, UPLINK_ASK_MS);
    if (!core->count || core->flights.count || unsent(core) ||
        any_owed(core, &since))
        return;
    core->tracks[core->count - 1].resume_due = true;
    if (core->ask_turn >= core->count)
        core->ask_turn = 0;
    core->tracks[core->ask_turn++].resume_due = true;
    core->asked = true;
}

static bool may_leave(struct uplink_core *core, struct ts_mono now) {
    core->held = pace_ask(&core->pace, now, unsent(core) <= UPLINK_FRESH_ROWS);
    return core->held.reason == PACE_GO;
}

static void send_rows(struct uplink_core *core, struct ts_mono now) {
    while (core->flights.count < (core->probing ? 1 : core->window) &&
           now.ms >= core->held_until_ms) {
        struct track *track = choose(core, now);
        if (!track || !may_leave(core, now) || !send_one(core, track, now))
            return;
    }
}

void uplink_core_pump(struct uplink_core *core, struct ts_mono now) {
    int64_t overdue;

    if (!core->up)
        return;
    if (core->greet_due && now.ms >= core->greet_at_ms) {
        core->port.greet(core->port.ctx);
        uplink_core_up(core, now);
        return;
    }
    let_go(core, now);
    if (core->stale)
        load(core);
    if (core->stale)
        core->retry_at_ms = now.ms + SOURCE_RETRY_MS;
    if (overdue_at(core, &overdue) && now.ms >= overdue)
        give_up_waiting(core, now);
    ask_at_rest(core, now);
    if (resumes_sent(core, now))
        send_rows(core, now);
}

void uplink_core_notify(struct uplink_core *core, struct ts_mono now) {
    core->stale = true;
    uplink_core_pump(core, now);
}

static void tell_time(struct uplink_core *core, const struct message_ack *ack,
                      const struct flight *flight, struct ts_mono now) {
    int64_t round_ms = now.ms - flight->sent_at_ms;
    struct ts_mono middle = {flight->sent_at_ms + round_ms / 2};

    core->port.hub_time(core->port.ctx, ack->hubtime, middle,
                        (round_ms + 1) / 2);
}

static void grow_window(struct uplink_core *core, unsigned allowed) {
    unsigned limit = core->options.max_window;

    if (allowed && allowed < limit)
        limit = allowed;
    if (limit > UPLINK_WINDOW_MAX)
        limit = UPLINK_WINDOW_MAX;
    core->window++;
    if (core->window > limit)
        core->window = limit;
}

/* False: the source could not note it; the next ack or session repeats it. */
static bool release(struct uplink_core *core, struct track *track,
                    uint64_t through, struct ts_mono now) {
    if (core->source.release(core->source.ctx, track->span.journal, through,
                             &core->status.error) != TS_OK) {
        core->held_until_ms = now.ms + SOURCE_RETRY_MS;
        rewind_track(core, track);
        return false;
    }
    if (through > track->span.through)
        core->status.events_acked += through - track->span.through;
    track->span.through = through;
    return true;
}

static void advance(struct uplink_core *core, struct track *track,
                    uint64_t through, struct ts_mono now) {
    if (!release(core, track, through, now))
        return;
    track->rewound = false;
    track->held_until_ms = 0;
    track->held_ms = 0;
    core->busy_ms = 0;
    if (track->next <= through)
        track->next = through + 1;
}

/* Asked at rest: what of the other journals? */
static void ask_all(struct uplink_core *core, const struct track *but) {
    for (size_t i = 0; core->asked && i < core->count; i++)
        core->tracks[i].resume_due |= &core->tracks[i] != but;
    core->asked = false;
}

/* The hub was restored from an older copy. */
static void fall_back(struct uplink_core *core, struct track *track,
                      uint64_t through, struct ts_mono now) {
    if (!release(core, track, through, now))
        return;
    ask_all(core, track);
    rewind_track(core, track);
    track->rewound = true;
    track->rewound_at = through;
    if (through + 1 < track->span.oldest) {
        track->next = track->span.oldest;
        track->resume_due = true;
    }
}

static void go_back(struct uplink_core *core, struct track *track,
                    uint64_t through) {
    if ((track->rewound && track->rewound_at == through) ||
        !flights_beyond(&core->flights, track->span.journal, through))
        return;
    rewind_track(core, track);
    track->rewound = true;
    track->rewound_at = through;
}

static void back_off(struct uplink_core *core, struct ts_mono now) {
    core->busy_ms = core->busy_ms ? doubled(core->busy_ms) : (unsigned)BUSY_MS;
    core->held_until_ms = now.ms + jittered(core, core->busy_ms);
    core->window = 1;
    rewind_track(core, NULL);
}

/* Which batch was refused is not said: all from the first one on go singly.
 * A single that does not count as taken is offered again, ever slower. */
static void send_singly(struct uplink_core *core, struct track *track,
                        struct ts_mono now) {
    const struct flight *flight = first_flight(core, track);

    if (!flight)
        return;
    if (flight->first == flight->last)
        hold_track(core, track, now);
    else if (track->single_until < track->next - 1)
        track->single_until = track->next - 1;
    rewind_track(core, track);
    track->rewound = true;
    track->rewound_at = track->span.through;
}

static void refuse(struct uplink_core *core, struct track *track,
                   enum batch_refusal refusal, struct ts_mono now) {
    if (refusal == BATCH_REFUSED_BUSY)
        back_off(core, now);
    else
        send_singly(core, track, now);
}

static void obey(struct uplink_core *core, struct track *track,
                 const struct message_ack *ack, struct ts_mono now) {
    struct flight exact = {0};
    bool was_owed = track->owed;
    bool landed =
        flights_land(&core->flights, track->span.journal, ack->through, &exact);

    track->owed = false;
    if (exact.fresh && ack->refused == BATCH_TAKEN)
        tell_time(core, ack, &exact, now);
    on_answered(core, &exact, now);
    if (landed) {
        core->mute = 0;
        grow_window(core, ack->window);
    }
    if (ack->through > track->span.through)
        advance(core, track, ack->through, now);
    else if (ack->through < track->span.through)
        fall_back(core, track, ack->through, now);
    else if (ack->refused != BATCH_TAKEN)
        refuse(core, track, ack->refused, now);
    else if (!was_owed)
        go_back(core, track, ack->through);
}

/* Of a journal that grows, an ack of more than was sent is about other rows
 * than ours. One that has ended is the same on both sides as far as it goes:
 * its end is missing here, as on a disk restored from an image. */
static bool may_be_true(struct uplink_core *core, struct track *track,
                        struct message_ack *ack) {
    if (ack->through <= track->highest)
        return true;
    if (!track->ended) {
        alarm_raise(core, "the hub acknowledged events that were never sent; "
                          "not obeyed. Check for a second machine with this "
                          "terminal's name, and the hub");
        return false;
    }
    if (!track->beyond)
        alarm_raise(core, "the hub has more of an earlier run than this disk: "
                          "it was restored from an image, or a second machine "
                          "has this terminal's name");
    track->beyond = true;
    ack->through = track->span.newest;
    return true;
}

void uplink_core_on_ack(struct uplink_core *core, struct ts_mono now,
                        const struct message_ack *received) {
    struct message_ack copy = *received;
    struct message_ack *ack = &copy;
    struct track *track;

    if (!core->up)
        return;
    if (core->stale)
        load(core);
    if (ack->refused == BATCH_REFUSED_DICTIONARY) {
        core->status.refused++;
        core->status.answered = true;
        core->answered_at_ms = now.ms;
        drop_dictionary(core);
        uplink_core_pump(core, now);
        return;
    }
    track = find(core, ack->journal);
    if (!track)
        return; /* pruned meanwhile: nothing of it is left to send */
    if (!may_be_true(core, track, ack))
        return;
    core->status.refused += ack->refused != BATCH_TAKEN;
    core->status.answered = true;
    core->probing = false;
    core->answered_at_ms = now.ms;
    obey(core, track, ack, now);
    uplink_core_pump(core, now);
}

static void sooner(int64_t *at_ms, int64_t candidate_ms) {
    if (candidate_ms < *at_ms)
        *at_ms = candidate_ms;
}

bool uplink_core_deadline(const struct uplink_core *core, struct ts_mono *at) {
    int64_t best = INT64_MAX;
    int64_t overdue;

    if (!core->up)
        return false;
    if (overdue_at(core, &overdue))
        best = overdue;
    sooner(&best, core->ask_at_ms);
    if (core->greet_due)
        sooner(&best, core->greet_at_ms);
    if (core->retry_at_ms) {
        sooner(&best, core->retry_at_ms);
        at->ms = best;
        return true;
    }
    if (core->held.reason != PACE_GO)
        sooner(&best, core->held.ask_at_ms);
    for (size_t i = 0; i < core->count; i++) {
        const struct track *track = &core->tracks[i];
        int64_t held = track->held_until_ms > core->held_until_ms
                           ? track->held_until_ms
                           : core->held_until_ms;
        if (track->next <= track->span.newest && held)
            sooner(&best, held);
        if (track->owed && core->status.answered)
            sooner(&best, track->resumed_at_ms + core->timeout_ms * 2LL);
    }
    at->ms = best;
    return best != INT64_MAX;
}

void uplink_core_get_status(const struct uplink_core *core,
                            struct uplink_core_status *out) {
    *out = core->status;
    out->window = core->window;
    out->in_flight = (unsigned)core->flights.count;
    out->unsent = unsent(core);
    out->waits = core->held.reason;
    out->waits_until.ms = core->held.until_ms;
}

void uplink_core_forget_errors(struct uplink_core *core) {
    core->status.error.status = TS_OK;
    core->status.alarm.status = TS_OK;
}

bool uplink_core_oldest(const struct uplink_core *core,
                        char journal[TS_JOURNAL_TEXT], uint64_t *sequence) {
    for (size_t i = 0; i < core->count; i++) {
        const struct uplink_span *span = &core->tracks[i].span;
        if (span->newest > span->through) {
            memcpy(journal, span->journal, TS_JOURNAL_TEXT);
            *sequence = span->through + 1;
            return true;
        }
    }
    return false;
}

void uplink_core_newest(const struct uplink_core *core,
                        char journal[TS_JOURNAL_TEXT]) {
    journal[0] = 0;
    if (core->count)
        memcpy(journal, core->tracks[core->count - 1].span.journal,
               TS_JOURNAL_TEXT);
}
