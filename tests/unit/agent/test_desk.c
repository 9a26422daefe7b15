#include "support.h"

#include "agent/desk.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CARD  "c1.uKCh5aceyQPe6L0sApIqVp3xHi_1NeBIBowqzyz7lqY"
#define LOG_1 "00000000000000a1"
#define LOG_2 "00000000000000a2"

static const struct ts_wall now = {1795255200000};

struct fixture {
    char folder[FOLDER_TEXT];
    char path[128];
    struct desk *desk;
};

static void open_desk(struct fixture *f) {
    struct ts_err err;

    if (desk_open(&f->desk, f->path, &err) != TS_OK)
        fail_msg("%s", err.text);
}

static int set_up(void **state) {
    struct fixture *f = ts_alloc(sizeof *f);

    folder_make(f->folder);
    (void)snprintf(f->path, sizeof f->path, "%s/desk.db", f->folder);
    open_desk(f);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;

    desk_close(f->desk);
    folder_remove(f->folder);
    free(f);
    return 0;
}

/* `json`: the payload of a desk message, in single quotes. */
static struct desk_result apply(struct fixture *f, const char *json) {
    char *text = ts_strdup(json);
    struct message_desk message = {0};
    struct desk_result result = {0};
    struct ts_err err = {0};
    json_t *parsed = NULL;

    for (char *p = text; *p; p++)
        if (*p == '\'')
            *p = '"';
    if (ts_json_parse(&parsed, ts_slice_text(text), &err) != TS_OK ||
        message_desk_decode(&message, parsed, &err) != TS_OK ||
        desk_apply(f->desk, &message, &result, &err) != TS_OK)
        fail_msg("%s: %s", text, err.text);
    json_decref(parsed);
    free(text);
    return result;
}

static void expect(struct fixture *f, const char *card, const char *name) {
    json_t *found = desk_find(f->desk, card, now);

    if (name)
        assert_string_equal(json_string_value(json_object_get(found, "name")),
                            name);
    else
        assert_null(found);
    json_decref(found);
}

static void expect_request(struct fixture *f, const char *log, uint64_t after) {
    struct message_pull pull;

    desk_request(f->desk, &pull);
    assert_string_equal(pull.log, log);
    assert_true(pull.after == after);
}

#define RECORD(position, key, name)                                            \
    "{'position':" #position ",'kind':'profile','key':'" key                   \
    "','value':{'name':'" name "'}}"
#define RANGE(log, from, to, more, records)                                    \
    "{'log':'" log "','from':" #from ",'to':" #to ",'more':" #more             \
    ",'records':[" records "]}"

static void test_first_load(void **state) {
    struct fixture *f = *state;

    expect_request(f, "", 0);
    assert_true(apply(f, RANGE(LOG_1, 0, 2, true, RECORD(1, "a", "Ada"))).pull);
    /* A shadow copy until it is whole. */
    expect(f, "a", NULL);
    expect_request(f, LOG_1, 2);
    assert_false(
        apply(f, RANGE(LOG_1, 2, 3, false, RECORD(3, "b", "Bo"))).pull);
    expect(f, "a", "Ada");
    expect(f, "b", "Bo");
    expect_request(f, LOG_1, 3);
    desk_close(f->desk);
    open_desk(f);
    expect(f, "b", "Bo");
    expect_request(f, LOG_1, 3);
}

static void test_only_the_own_position_moves(void **state) {
    struct fixture *f = *state;

    (void)apply(f, RANGE(LOG_1, 0, 5, false, RECORD(5, "a", "Ada")));
    (void)apply(f, RANGE(LOG_1, 4, 9, false, RECORD(9, "a", "No")));
    (void)apply(f, RANGE(LOG_1, 6, 9, false, RECORD(9, "a", "No")));
    expect(f, "a", "Ada");
    expect_request(f, LOG_1, 5);
    (void)apply(f, RANGE(LOG_1, 5, 9, false, RECORD(9, "a", "Eve")));
    expect(f, "a", "Eve");
}

static void test_lower_never_replaces_higher(void **state) {
    struct fixture *f = *state;

    (void)apply(f, RANGE(LOG_1, 0, 5, false, RECORD(5, "a", "Ada")));
    (void)apply(f,
                "{'log':'" LOG_1
                "','more':false,'records':[" RECORD(4, "a", "Old") "," RECORD(
                    5, "a", "Same") "," RECORD(7, "c", "Cy") "]}");
    expect(f, "a", "Ada");
    /* An answer to `want` is applied and moves nothing. */
    expect(f, "c", "Cy");
    expect_request(f, LOG_1, 5);
    /* A deletion keeps its place: what was before it stays gone. */
    (void)apply(f, RANGE(LOG_1, 5, 8, false,
                         "{'position':8,'kind':'profile','key':'a',"
                         "'value':null}"));
    expect(f, "a", NULL);
    (void)apply(f, "{'log':'" LOG_1
                   "','more':false,'records':[" RECORD(6, "a", "Old") "]}");
    expect(f, "a", NULL);
}

static void test_new_log_swaps_at_once(void **state) {
    struct fixture *f = *state;

    (void)apply(f, RANGE(LOG_1, 0, 5, false,
                         RECORD(4, "a", "Ada") "," RECORD(5, "b", "Bo")));
    assert_true(apply(f, RANGE(LOG_2, 0, 1, true, RECORD(1, "a", "New"))).pull);
    expect(f, "a", "Ada");
    expect(f, "b", "Bo");
    /* Cut in the middle: it goes on from where it was. */
    desk_close(f->desk);
    open_desk(f);
    expect_request(f, LOG_2, 1);
    (void)apply(f, RANGE(LOG_2, 1, 2, false, RECORD(2, "c", "Cy")));
    expect(f, "a", "New");
    expect(f, "b", NULL);
    expect(f, "c", "Cy");
    /* A part of a log that is not being loaded changes nothing. */
    assert_false(
        apply(f, RANGE(LOG_1, 5, 6, false, RECORD(6, "a", "No"))).pull);
    expect(f, "a", "New");
}

static void test_erase(void **state) {
    struct fixture *f = *state;
    struct desk_result result;

    (void)apply(f, RANGE(LOG_1, 0, 5, false,
                         RECORD(3, "a", "Ada") "," RECORD(
                             4, CARD, "Cy") "," RECORD(5, "b", "Bo")));
    result = apply(f, RANGE(LOG_1, 5, 6, false,
                            "{'position':6,'kind':'erase','key':'a',"
                            "'value':{'cards':['" CARD "',7,'no card']}}"));
    assert_true(result.erased == 6);
    expect(f, "a", NULL);
    expect(f, "b", "Bo");
    expect(f, CARD, NULL);
}

/* Whoever joins again after an erasure may be asked for before the log has
 * come that far: the older erasure takes nothing of that. */
static void test_erase_takes_only_what_is_older(void **state) {
    struct fixture *f = *state;

    (void)apply(f, RANGE(LOG_1, 0, 5, false, RECORD(5, "a", "Ada")));
    (void)apply(f, "{'log':'" LOG_1
                   "','more':false,'records':[" RECORD(8, "a", "New") "]}");
    (void)apply(f, RANGE(LOG_1, 5, 8, false,
                         "{'position':6,'kind':'erase','key':'a',"
                         "'value':null}," RECORD(8, "a", "New")));
    expect(f, "a", "New");
}

/* A newer hub may tell what this version has no use for. */
static void test_a_strange_record_stops_nothing(void **state) {
    struct fixture *f = *state;

    (void)apply(
        f, RANGE(LOG_1, 0, 3, false,
                 "{'position':1,'kind':'riddle','key':'r','value':1},"
                 "{'position':2,'kind':'profile','key':'','value':1}," RECORD(
                     3, "a", "Ada")));
    expect(f, "a", "Ada");
    expect_request(f, LOG_1, 3);
}

static void test_expires(void **state) {
    struct fixture *f = *state;
    json_t *found;

    (void)apply(f,
                RANGE(LOG_1, 0, 5, false,
                      "{'position':5,'kind':'profile','key':'a','value':{"
                      "'name':'Ada'},'expires':'2026-11-21T10:00:00.001Z'}"));
    expect(f, "a", "Ada");
    found = desk_find(f->desk, "a", (struct ts_wall){now.unix_ms + 1});
    assert_null(found);
}

#define OFFER(position, key, rest)                                             \
    "{'position':" #position ",'kind':'offer','key':'" key "'," rest "}"

static void expect_offers(struct fixture *f, const char *card,
                          const char *ids) {
    json_t *offers = desk_offers(f->desk, card, now);
    struct ts_buf text = {0};
    size_t index;
    json_t *offer;

    json_array_foreach(offers, index, offer) {
        assert_int_equal(
            ts_buf_printf(&text, "%s ",
                          json_string_value(json_object_get(offer, "offer"))),
            TS_OK);
    }
    assert_string_equal(ts_buf_text(&text), ids);
    ts_buf_fini(&text);
    json_decref(offers);
}

static void test_offers_of_a_card(void **state) {
    struct fixture *f = *state;
    json_t *offers;

    (void)apply(
        f,
        RANGE(
            LOG_1, 0, 9, false,
            OFFER(1, CARD "/coffee", "'value':{'title':'Un caff\u00e8'}") "," OFFER(2, CARD "/bread", "'value':true") "," OFFER(
                3, CARD "/late",
                "'value':{},"
                "'expires':'2026-11-21T10:00:00."
                "000Z'") "," OFFER(4, CARD "/gone",
                                   "'value':"
                                   "null") "," OFFER(5, CARD "x/other",
                                                     "'value':{}") "," OFFER(6,
                                                                             "e"
                                                                             "v"
                                                                             "e"
                                                                             "r"
                                                                             "y"
                                                                             "b"
                                                                             "o"
                                                                             "d"
                                                                             "y",
                                                                             "'"
                                                                             "v"
                                                                             "a"
                                                                             "l"
                                                                             "u"
                                                                             "e"
                                                                             "'"
                                                                             ":"
                                                                             "{"
                                                                             "}") "," OFFER(7,
                                                                                            CARD,
                                                                                            "'value':{}") "," RECORD(9,
                                                                                                                     CARD,
                                                                                                                     "Ada")));
    expect_offers(f, CARD, "bread coffee ");
    expect_offers(f, "c1.nobody", "");
    offers = desk_offers(f->desk, CARD, now);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(offers, 1), "title")),
        "Un caff\u00e8");
    assert_null(json_object_get(json_array_get(offers, 0), "title"));
    json_decref(offers);
    expect(f, CARD, "Ada");
    /* They go with their card. */
    (void)apply(f, RANGE(LOG_1, 9, 10, false,
                         "{'position':10,'kind':'erase','key':'" CARD
                         "','value':null}"));
    expect_offers(f, CARD, "");
    expect_offers(f, CARD "x", "other ");
}

static void test_offers_have_a_bound(void **state) {
    struct fixture *f = *state;

    for (int i = 0; i < DESK_OFFERS_MAX + 2; i++) {
        char json[300];

        (void)snprintf(json, sizeof json,
                       "{'log':'%s','from':%d,'to':%d,'more':false,'records':["
                       "{'position':%d,'kind':'offer','key':'%s/o%02d',"
                       "'value':{}}]}",
                       LOG_1, i, i + 1, i + 1, CARD, i);
        (void)apply(f, json);
    }
    expect_offers(f, CARD, "o00 o01 o02 o03 o04 o05 o06 o07 ");
}

static void test_bell(void **state) {
    struct fixture *f = *state;
    struct message_bell bell = {LOG_1, 5};

    assert_true(desk_bell(f->desk, &bell));
    (void)apply(f, RANGE(LOG_1, 0, 5, false, RECORD(5, "a", "Ada")));
    assert_false(desk_bell(f->desk, &bell));
    bell.through = 6;
    assert_true(desk_bell(f->desk, &bell));
}

static void test_damaged_file_is_loaded_again(void **state) {
    struct fixture *f = *state;
    int fd;

    (void)apply(f, RANGE(LOG_1, 0, 5, false, RECORD(5, "a", "Ada")));
    desk_close(f->desk);
    f->desk = NULL;
    fd = open(f->path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "no database at all", 18, 0), 18);
    (void)close(fd);
    open_desk(f);
    expect(f, "a", NULL);
    expect_request(f, "", 0);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        CASE(test_first_load),
        CASE(test_only_the_own_position_moves),
        CASE(test_lower_never_replaces_higher),
        CASE(test_new_log_swaps_at_once),
        CASE(test_erase),
        CASE(test_erase_takes_only_what_is_older),
        CASE(test_a_strange_record_stops_nothing),
        CASE(test_expires),
        CASE(test_offers_of_a_card),
        CASE(test_offers_have_a_bound),
        CASE(test_bell),
        CASE(test_damaged_file_is_loaded_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
