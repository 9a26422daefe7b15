/* What agent/lane*.c share. */
#ifndef TS_AGENT_LANE_PRIVATE_H
#define TS_AGENT_LANE_PRIVATE_H

#include "agent/lane.h"

enum {
    LANE_READERS_MAX = 16,
    LANE_LISTENERS_MAX = 8,
    LANE_READER_TEXT = 49,
    LANE_NOTICE_TEXT = 200
};

enum lane_notice {
    NOTICE_NONE,
    NOTICE_RECORDED,
    NOTICE_MEMBER,
    NOTICE_UNKNOWN,
    NOTICE_REJECTED,
    NOTICE_PAYMENT_CARD,
    NOTICE_FULL,
    NOTICE_FAILED,
    NOTICE_CHECKIN,
    NOTICE_CLOSED
};

struct lane_reader {
    char name[LANE_READER_TEXT];
    enum reader_state state;
    bool known; /* a state was told */
    char text[LANE_NOTICE_TEXT];
};

struct lane {
    struct lane_options options;
    struct visit visit;
    struct event *timeout;
    struct lane_reader readers[LANE_READERS_MAX];
    size_t reader_count;
    bool line_up;
    char line_text[LANE_NOTICE_TEXT];
    enum lane_notice notice;
    uint64_t notice_serial;
    struct ts_wall notice_at;
    char notice_text[LANE_NOTICE_TEXT];
    struct {
        lane_change *call;
        void *arg;
    } changes[LANE_LISTENERS_MAX];
    struct {
        lane_recorded *call;
        void *arg;
    } recorded[LANE_LISTENERS_MAX];
    size_t change_count, recorded_count;
};

/* What to record; `data` is taken, `opens` starts a visit in front of it. */
struct lane_record {
    enum journal_class class;
    const char *type;
    json_t *data;
    recorder_done *done;
    void *arg;
};
/* Appends within the open visit, if any, and folds. */
enum ts_status lane_record(struct lane *lane, const struct lane_record *record,
                           struct ts_err *err) TS_MUST_USE;
/* The class of what ends it: a card that comes next must not wait for room. */
enum ts_status lane_end_visit(struct lane *lane, enum journal_class class,
                              json_t *take_data,
                              struct ts_err *err) TS_MUST_USE;
void lane_notify(struct lane *lane);
void lane_set_notice(struct lane *lane, enum lane_notice notice,
                     const char *text);
void lane_arm_timeout(struct lane *lane);
/* A new reference to the member's profile, or NULL. */
json_t *lane_member(const struct lane *lane);

#endif
