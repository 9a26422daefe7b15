/* What agent/lane*.c share. */
#ifndef TS_AGENT_LANE_PRIVATE_H
#define TS_AGENT_LANE_PRIVATE_H

#include "agent/lane.h"

enum {
    LANE_READERS_MAX = 16,
    LANE_LISTENERS_MAX = 8,
    LANE_READER_TEXT = 49,
    LANE_NOTICE_TEXT = 200,
    LANE_LOOK_BACK_ROWS = 1000,
    LANE_CHANGES = 6,
    LANE_CHANGE_EVERY_MS = 60000
};

enum lane_notice {
    TOLD_NONE,
    TOLD_RECORDED,
    TOLD_MEMBER,
    TOLD_OFFER,
    TOLD_COUPON,
    TOLD_UNKNOWN,
    TOLD_REJECTED,
    TOLD_PAYMENT_CARD,
    TOLD_WITHHELD,
    TOLD_FULL,
    TOLD_FAILED,
    TOLD_CHECKIN,
    TOLD_CLOSED
};

struct lane_reader {
    char name[LANE_READER_TEXT];
    enum reader_state state;
    char text[LANE_NOTICE_TEXT];
    bool told; /* of the next two, at least once */
    enum reader_state told_state;
    char told_text[LANE_NOTICE_TEXT];
    unsigned spent; /* of LANE_CHANGES */
    struct ts_mono regained_at;
};

/* The last scan of a reader that the journal holds. */
struct lane_memory {
    char reader[LANE_READER_TEXT];
    const char *type;
    json_t *data;
    bool in_this_boot;
    struct ts_mono at; /* of that boot */
};

struct lane {
    struct lane_options options;
    struct visit visit; /* with what is on its way to the disk */
    struct visit shown; /* what is durable */
    struct event *timeout;
    struct lane_reader readers[LANE_READERS_MAX];
    size_t reader_count;
    struct lane_memory memories[LANE_READERS_MAX];
    size_t memory_count;
    bool recall_failed; /* the journal could not be asked */
    bool line_up;
    char line_text[TS_ERR_TEXT];
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

/* What to record; `data` is taken. */
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
/* The class of what ends it: a card that comes next must not wait for room.
 * `done` may be NULL, its arg is the lane. */
enum ts_status lane_end_visit(struct lane *lane, enum journal_class class,
                              json_t *take_data, recorder_done *done,
                              struct ts_err *err) TS_MUST_USE;
enum ts_status lane_need_visit(struct lane *lane, enum journal_class class,
                               struct ts_err *err) TS_MUST_USE;
void lane_notify(struct lane *lane);
void lane_set_notice(struct lane *lane, enum lane_notice notice,
                     const char *text);
void lane_arm_timeout(struct lane *lane);
/* What the desk knows of a card, new references: the member's profile or NULL,
 * and the offers that wait, an array. */
json_t *lane_member(const struct lane *lane, const char *card);
json_t *lane_offers(const struct lane *lane, const char *card);

/* The memory of what each reader said last; `type` is static text. */
void lane_remember(struct lane *lane, const char *reader, const char *type,
                   json_t *data);
bool lane_remembers(const struct lane *lane, const char *reader,
                    const char *type, const json_t *data, unsigned within_ms);
/* As the journal has it, looking back over LANE_LOOK_BACK_ROWS rows. */
void lane_recall(struct lane *lane);
void lane_forget(struct lane *lane);

#endif
