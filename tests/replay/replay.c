/* Plays every capture whole, byte by byte, at every split and with reads run
 * together, and compares what comes out with what the capture expects. */
#include "drivers/driver.h"
#include "tools/capture.h"
#include "tools/decoder.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CAPTURES TESSERA_SOURCE_DIR "/tests/replay/captures"

enum { EVENTS_MAX = 64, CAPTURES_MIN = 10, NEVER = -1 };

/* How the bytes are cut into reads. */
struct cut {
    bool single;   /* one byte a read */
    bool joined;   /* steps without a pause between them come in one read */
    long step;     /* this send step ... */
    size_t offset; /* ... is cut here */
};

struct replay {
    const char *name;
    const struct capture *capture;
    struct decoder *decoder;
    struct ts_mono now;
    json_t *events[EVENTS_MAX];
    size_t count;
    size_t expected;
    struct ts_buf host;      /* what the driver sent */
    struct ts_buf host_want; /* what the capture says it sends */
    struct ts_buf joined;
};

/* The rules of the shop that all captures play in: one programme, "main", is on
 * codes, in GS1 numbers, on stripes and on tags. */
static const struct code_rule rules[] = {
    {.prefix = "25", .programme = "main", .length = 13, .mod10 = true},
    {.prefix = "LOY-", .programme = "club", .skip = 4, .take = 8},
    {.prefix = "98LOY-", .programme = "club", .skip = 6, .take = 4},
    {.prefix = "EGG", .item = true},
    {.prefix = "95201234",
     .programme = "main",
     .carrier = CODE_CARRIER_GSRN,
     .skip = 8,
     .take = 9},
    {.prefix = "977200",
     .programme = "main",
     .carrier = CODE_CARRIER_STRIPE,
     .length = 16,
     .skip = 6,
     .take = 9},
    {.prefix = "E280", .programme = "tags", .carrier = CODE_CARRIER_UID},
};
/* Item and price, item and weight, and what the country has. */
static const struct code_measure measures[] = {
    {"21IIIIVPPPPPC"},
    {"22IIIIIVPPPPC"},
    {"28IIIIIWWWWWC"},
    {"2IIIIIIPPPPPC"},
};
static const char *const hosts[] = {"loyalty.example.com"};
static const struct code_rules shop = {
    .rules = rules,
    .count = sizeof rules / sizeof rules[0],
    .measures = measures,
    .measure_count = sizeof measures / sizeof measures[0],
    .link_hosts = hosts,
    .link_host_count = sizeof hosts / sizeof hosts[0],
};

static void on_event(void *ctx, const json_t *event) {
    struct replay *replay = ctx;

    if (replay->count == EVENTS_MAX)
        fail_msg("%s: over %d events", replay->name, EVENTS_MAX);
    replay->events[replay->count++] = json_deep_copy(event);
}

static void on_send(void *ctx, struct ts_slice bytes) {
    struct replay *replay = ctx;
    assert_int_equal(ts_buf_add(&replay->host, bytes), TS_OK);
}

static const char *option_of(const struct capture *capture, const char *name) {
    size_t len = strlen(name);

    for (size_t i = 0; i < capture->count; i++) {
        struct capture_step *step = &capture->steps[i];
        const char *text = ts_buf_text(&step->bytes);
        if (step->what == CAPTURE_OPTION && strncmp(text, name, len) == 0 &&
            text[len] == ' ')
            return text + len + 1;
    }
    return NULL;
}

static struct decoder *decoder_of(struct replay *replay) {
    const char *driver = option_of(replay->capture, "driver");
    const char *profile = option_of(replay->capture, "profile");
    struct decoder_options options = {.rules = &shop, .repeat_ms = 300};
    struct decoder_events events = {
        .ctx = replay, .event = on_event, .send = on_send};

    options.driver = driver_find(driver ? driver : "line");
    assert_non_null(options.driver);
    options.profile = profile ? driver_profile_find(options.driver, profile)
                              : options.driver->profiles;
    assert_non_null(options.profile);
    return decoder_new(&options, &events);
}

static bool json_includes(const json_t *all, const json_t *part) {
    const char *member;
    json_t *value;

    json_object_foreach((json_t *)part, member, value) {
        if (!json_equal(json_object_get(all, member), value))
            return false;
    }
    return true;
}

static void expect(struct replay *replay, const struct capture_step *step) {
    struct ts_err err;
    json_t *want;
    size_t index = replay->expected++;

    if (ts_json_parse(&want, ts_buf_slice(&step->bytes), &err) != TS_OK)
        fail_msg("%s:%u: %s", replay->name, step->line, err.text);
    if (index >= replay->count)
        fail_msg("%s:%u: nothing came", replay->name, step->line);
    if (!json_includes(replay->events[index], want)) {
        char *got = json_dumps(replay->events[index], JSON_COMPACT);
        fail_msg("%s:%u: came %s", replay->name, step->line, got);
    }
    json_decref(want);
}

static void feed(struct replay *replay, struct ts_slice bytes) {
    decoder_pass(replay->decoder, replay->now);
    decoder_feed(replay->decoder, bytes, replay->now);
}

static void feed_cut(struct replay *replay, const struct cut *cut, long index,
                     struct ts_slice bytes) {
    if (cut->joined) {
        assert_int_equal(ts_buf_add(&replay->joined, bytes), TS_OK);
    } else if (cut->single) {
        for (size_t i = 0; i < bytes.len; i++)
            feed(replay, ts_slice_of(bytes.data + i, 1));
    } else if (cut->step == index && cut->offset < bytes.len) {
        feed(replay, ts_slice_of(bytes.data, cut->offset));
        feed(replay,
             ts_slice_of(bytes.data + cut->offset, bytes.len - cut->offset));
    } else {
        feed(replay, bytes);
    }
}

static void flush_joined(struct replay *replay) {
    if (replay->joined.len)
        feed(replay, ts_buf_slice(&replay->joined));
    ts_buf_clear(&replay->joined);
}

static void send_step(struct replay *replay, const struct cut *cut, long index,
                      const struct capture_step *step) {
    if (!cut->joined && replay->count != replay->expected)
        fail_msg("%s:%u: an event too much before this line", replay->name,
                 step->line);
    feed_cut(replay, cut, index, ts_buf_slice(&step->bytes));
}

static void play_step(struct replay *replay, const struct cut *cut,
                      long index) {
    const struct capture_step *step = &replay->capture->steps[index];

    if (step->what == CAPTURE_WAIT || step->what == CAPTURE_UNPLUG)
        flush_joined(replay);
    switch (step->what) {
    case CAPTURE_SEND:
        send_step(replay, cut, index, step);
        break;
    case CAPTURE_WAIT:
        replay->now.ms += step->wait_ms;
        decoder_pass(replay->decoder, replay->now);
        break;
    case CAPTURE_UNPLUG:
        decoder_unplug(replay->decoder);
        break;
    case CAPTURE_PLUG:
        decoder_plug(replay->decoder);
        break;
    case CAPTURE_EXPECT:
        if (!cut->joined)
            expect(replay, step);
        break;
    case CAPTURE_HOST:
        assert_int_equal(
            ts_buf_add(&replay->host_want, ts_buf_slice(&step->bytes)), TS_OK);
        break;
    default:
        break;
    }
}

static void replay_check(struct replay *replay, const struct cut *cut) {
    flush_joined(replay);
    decoder_finish(replay->decoder);
    for (size_t i = 0; cut->joined && i < replay->capture->count; i++) {
        if (replay->capture->steps[i].what == CAPTURE_EXPECT)
            expect(replay, &replay->capture->steps[i]);
    }
    if (replay->count != replay->expected) {
        char *got = json_dumps(replay->events[replay->expected], JSON_COMPACT);
        fail_msg("%s: not expected at its end: %s", replay->name, got);
    }
    if (!ts_slice_equal(ts_buf_slice(&replay->host),
                        ts_buf_slice(&replay->host_want)))
        fail_msg("%s: the driver sent other bytes than expected", replay->name);
}

static void replay_run(const char *name, const struct capture *capture,
                       const struct cut *cut) {
    struct replay replay = {.name = name, .capture = capture};

    replay.decoder = decoder_of(&replay);
    for (size_t i = 0; i < capture->count; i++)
        play_step(&replay, cut, (long)i);
    replay_check(&replay, cut);
    decoder_free(replay.decoder);
    for (size_t i = 0; i < replay.count; i++)
        json_decref(replay.events[i]);
    ts_buf_fini(&replay.host);
    ts_buf_fini(&replay.host_want);
    ts_buf_fini(&replay.joined);
}

static void replay_splits(const char *name, const struct capture *capture) {
    for (size_t i = 0; i < capture->count; i++) {
        if (capture->steps[i].what != CAPTURE_SEND)
            continue;
        for (size_t at = 1; at < capture->steps[i].bytes.len; at++)
            replay_run(name, capture,
                       &(struct cut){.step = (long)i, .offset = at});
    }
}

static void test_capture(void **state) {
    const char *name = *state;
    struct capture capture;
    struct ts_err err;
    char path[512];

    (void)snprintf(path, sizeof path, CAPTURES "/%s", name);
    if (capture_load(&capture, path, &err) != TS_OK)
        fail_msg("%s", err.text);
    replay_run(name, &capture, &(struct cut){.step = NEVER});
    replay_run(name, &capture, &(struct cut){.step = NEVER, .single = true});
    replay_run(name, &capture, &(struct cut){.step = NEVER, .joined = true});
    replay_splits(name, &capture);
    capture_fini(&capture);
}

static int is_capture(const struct dirent *entry) {
    size_t len = strlen(entry->d_name);
    return len > 4 && strcmp(entry->d_name + len - 4, ".cap") == 0;
}

int main(void) {
    struct dirent **names;
    int count = scandir(CAPTURES, &names, is_capture, alphasort);

    if (count < CAPTURES_MIN) {
        (void)fprintf(stderr, "%s holds %d captures, not %d and more\n",
                      CAPTURES, count, CAPTURES_MIN);
        return 1;
    }
    struct CMUnitTest *tests = ts_alloc((size_t)count * sizeof *tests);
    for (int i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = names[i]->d_name,
                                       .test_func = test_capture,
                                       .initial_state = names[i]->d_name};
    int failed =
        _cmocka_run_group_tests("replay", tests, (size_t)count, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    free(tests);
    return failed;
}
