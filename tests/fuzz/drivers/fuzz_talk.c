#include "fuzz_talk.h"

#include <stdlib.h>
#include <string.h>

enum {
    FEED,
    FEED_MORE,
    FRAME,
    PASS,
    CONFIRM,
    REFUSE,
    JUMP,
    WIPE,
    TURN_MS = 70,
    EXPIRIES_MAX = 64,
    REOPEN = 31
};

struct play {
    const struct talk *talk;
    const struct driver *driver;
    const struct driver_profile *profile;
    struct driver_sink sink;
    uint8_t *state;
    struct ts_mono now;
    size_t piece;
    bool at_once; /* scans are answered within the call */
    bool wipes;   /* and wiped */
    size_t unanswered;
    size_t sent;
    uint64_t hash;
};

static void mix(struct play *play, const void *data, size_t len) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++)
        play->hash = (play->hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void answer(struct play *play, bool confirm, unsigned tone) {
    size_t sent = play->sent;

    (confirm ? play->driver->confirm : play->driver->refuse)(
        play->state, (enum driver_tone)(tone % TONES), &play->sink);
    bool heard = play->sent > sent;
    if (play->unanswered == 0 && heard)
        abort();
    if (play->unanswered == 1 && play->talk->answers && !heard)
        abort();
    play->unanswered -= play->unanswered > 0;
}

static void on_scan(void *ctx, const struct scan *scan) {
    struct play *play = ctx;
    const uint8_t *end = play->state + play->driver->state_size;

    if (scan->text.len == 0 || scan->text.len >= SCAN_MAX_TEXT ||
        scan->text.data < play->state || scan->text.data + scan->text.len > end)
        abort();
    mix(play, scan->text.data, scan->text.len);
    mix(play, scan->aim, strlen(scan->aim));
    mix(play, &scan->symbology, sizeof scan->symbology);
    mix(play, &scan->retransmission, sizeof scan->retransmission);
    play->unanswered++;
    if (play->at_once)
        answer(play, true, TONE_ONE);
    if (play->wipes)
        play->driver->wipe(play->state);
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    struct play *play = ctx;

    if (error == SCAN_OK || error >= SCAN_ERRORS)
        abort();
    mix(play, &error, sizeof error);
    mix(play, hint, strlen(hint));
}

static void on_notice(void *ctx, const struct notice *notice) {
    struct play *play = ctx;

    if (notice->kind >= NOTICE_KINDS)
        abort();
    mix(play, &notice->kind, sizeof notice->kind);
    mix(play, notice->name, strlen(notice->name));
    mix(play, &notice->code, sizeof notice->code);
    mix(play, notice->text, strlen(notice->text));
    mix(play, notice->hint, strlen(notice->hint));
    if (notice->data.len)
        mix(play, notice->data.data, notice->data.len);
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct play *play = ctx;

    play->talk->check_sent(bytes);
    play->sent += bytes.len;
    mix(play, bytes.data, bytes.len);
}

static void pass(struct play *play, int64_t ms) {
    struct ts_mono due;

    play->now.ms += ms;
    for (int i = 0;
         play->driver->deadline(play->state, &due) && due.ms <= play->now.ms;
         i++) {
        if (i == EXPIRIES_MAX)
            abort();
        play->driver->expire(play->state, play->now, &play->sink);
    }
}

static void feed(struct play *play, struct ts_slice bytes) {
    for (size_t from = 0; from < bytes.len; from += play->piece) {
        size_t left = bytes.len - from;
        size_t len = left < play->piece ? left : play->piece;
        play->driver->feed(play->state, ts_slice_of(bytes.data + from, len),
                           play->now, &play->sink);
    }
}

static void feed_frame(struct play *play, struct ts_slice bytes) {
    uint8_t frame[TALK_FRAME_MAX];
    size_t len = play->talk->wrap(frame, bytes);

    feed(play, ts_slice_of(frame, len));
}

static void reopen(struct play *play) {
    memset(play->state, 0, play->driver->state_size);
    play->unanswered = 0;
    play->driver->open(play->state, play->profile, &play->sink);
}

static struct ts_slice take(struct ts_slice *script, size_t len) {
    struct ts_slice taken =
        ts_slice_of(script->data, len < script->len ? len : script->len);

    script->data += taken.len;
    script->len -= taken.len;
    return taken;
}

static void step(struct play *play, struct ts_slice *script) {
    uint8_t code = *take(script, 1).data;
    unsigned count = code >> 3;
    struct ts_mono due;

    switch (code & 7) {
    case FEED:
        feed(play, take(script, count + 1));
        break;
    case FEED_MORE:
        feed(play, take(script, (count + 1) * (size_t)8));
        break;
    case FRAME:
        feed_frame(play, take(script, count == 31 ? 255 : count));
        break;
    case PASS:
        pass(play, count * (int64_t)TURN_MS);
        break;
    case CONFIRM:
    case REFUSE:
        answer(play, (code & 7) == CONFIRM, count);
        break;
    case JUMP:
        if (play->driver->deadline(play->state, &due) && due.ms > play->now.ms)
            pass(play, due.ms - play->now.ms);
        break;
    default:
        play->driver->wipe(play->state);
        if (count == REOPEN)
            reopen(play);
    }
}

static uint64_t run(const struct talk *talk, struct ts_slice script, bool cut) {
    uint8_t how = *take(&script, 1).data;
    uint8_t piece = *take(&script, 1).data;
    struct play play = {.talk = talk, .driver = driver_find(talk->driver)};
    size_t profiles = 1;

    while (play.driver->profiles[profiles].name)
        profiles++;
    play.profile = &play.driver->profiles[how % profiles];
    play.at_once = how & 0x80;
    play.wipes = how & 0x40;
    play.piece = cut ? (size_t)piece % 16 + 1 : SIZE_MAX / 2;
    play.sink =
        (struct driver_sink){&play, on_scan, on_reject, on_notice, on_send};
    play.state = ts_alloc(play.driver->state_size);
    reopen(&play);
    while (script.len)
        step(&play, &script);
    pass(&play, 60000);
    free(play.state);
    return play.hash;
}

void fuzz_talk(const struct talk *talk, struct ts_slice script) {
    if (script.len >= 2 && run(talk, script, false) != run(talk, script, true))
        abort();
}
