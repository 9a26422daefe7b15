/* The lane: the state machine of one visit, checkout or kiosk. What a scan
 * means now, as events of the protocol. The open visit is a fold over its
 * journal rows and survives a restart. */
#ifndef TS_AGENT_LANE_H
#define TS_AGENT_LANE_H

#include "agent/recorder.h"
#include "agent/visit.h"
#include "drivers/code/code.h"

struct lane;

/* Look a card up in the terminal's replica: a new reference, or NULL. */
typedef json_t *lane_find_member(void *ctx, const char *card);
/* An array of {offer, title?}. */
typedef json_t *lane_find_offers(void *ctx, const char *card);

struct lane_options {
    const char *store;
    const char *terminal;
    enum visit_kind kind;
    const char *language; /* "it" or "en" */
    const char *currency; /* three capitals */
    unsigned timeout_s;   /* a checkout visit without any event is closed */
    unsigned kiosk_s;     /* a kiosk visit closes by itself */
    struct journal *journal;
    struct recorder *recorder;
    struct timekeeper *keeper;
    const struct ts_keys *keys;
    lane_find_member *find_member; /* or NULL */
    lane_find_offers *find_offers; /* or NULL */
    void *desk_ctx;
};

/* Takes the visit up that was open when the last run ended. Copies the
 * options; what they point to outlives the lane. */
enum ts_status lane_new(struct lane **out, struct event_base *loop,
                        const struct lane_options *options,
                        struct ts_err *err) TS_MUST_USE;
void lane_free(struct lane *lane);

/* Called after the commit; what the view shows is durable. */
typedef void lane_change(void *arg);
void lane_on_change(struct lane *lane, lane_change *call, void *arg);
typedef void lane_recorded(void *arg, const char *journal, uint64_t sequence,
                           const char *type);
void lane_on_recorded(struct lane *lane, lane_recorded *call, void *arg);

/* The answer to a scan, in the order of the scans: recorded with what the
 * person should hear, or not taken. */
typedef void lane_answer(void *arg, bool taken, enum scan_outcome outcome);

/* A scan that was read well. `text` is what the reader said, for the print
 * of an unknown code. */
struct lane_scan {
    const char *reader;
    const struct code *code;
    struct ts_slice text;
    lane_answer *answer;
    void *arg;
};
/* All kinds but CODE_REJECTED; a rejected code has no event of its
 * own, see lane_report_rejects. */
void lane_take_scan(struct lane *lane, const struct lane_scan *scan);
/* A scan that the device sends a second time, for want of an answer: when the
 * journal holds it as the last one of this reader, also of an earlier run, it
 * is answered and told as it would have been, and not recorded again. Older
 * than `within_ms`, or of an earlier boot, it is another scan of the same code;
 * 0: however old. False: it is new, and nothing was done. */
bool lane_take_again(struct lane *lane, const struct lane_scan *scan,
                     unsigned within_ms);
/* An answer in its turn, without an event: the same code again, or a code
 * that fails its check. */
void lane_answer_later(struct lane *lane, bool taken, enum scan_outcome outcome,
                       lane_answer *answer, void *arg);
/* `count` rejects since the last report of this error; "withheld": cards that
 * were not read because they may be bank cards. */
void lane_report_rejects(struct lane *lane, const char *reader,
                         const char *error, uint64_t count);
/* What a person sees at each reject; `hint` may be "". */
void lane_show_reject(struct lane *lane, enum scan_error error,
                      const char *hint);
void lane_show_withheld(struct lane *lane);

enum reader_state { READER_DETACHED, READER_ATTACHED, READER_FAULTED };
/* Names are known from the first call on; `text` is for the page. A change of
 * state is an event and a log line, a change of text alone a log line; six at
 * once, then one a minute for each reader. */
void lane_set_reader(struct lane *lane, const char *reader,
                     enum reader_state state, const char *text);
/* Changes that came too thick to be told one by one: tells where it ended. */
void lane_tell_readers(struct lane *lane);
void lane_set_line(struct lane *lane, bool up, const char *text);
void lane_unsent_changed(struct lane *lane);
/* The replica changed: members may be known now. */
void lane_desk_changed(struct lane *lane);
/* The hub taught the time, or the wall clock jumped. */
void lane_clock_corrected(struct lane *lane, struct ts_wall hubtime,
                          struct ts_mono at, int64_t error_ms);
void lane_clock_stepped(struct lane *lane, int64_t by_ms);
/* The terminal applied an erase record. */
void lane_erase_done(struct lane *lane, uint64_t position);

/* From the screen. TS_OK: on its way to the disk, recorder_answer tells when
 * it is there. TS_INVALID: the text says what is wrong; else what keeps the
 * lane from recording it. */
enum ts_status lane_close(struct lane *lane, const char *receipt,
                          int64_t total_minor, const char *currency,
                          struct ts_err *err) TS_MUST_USE;
enum ts_status lane_void(struct lane *lane, const char *journal,
                         uint64_t sequence, struct ts_err *err) TS_MUST_USE;
enum ts_status lane_cancel(struct lane *lane, struct ts_err *err) TS_MUST_USE;
enum ts_status lane_feedback(struct lane *lane, const char *question, int score,
                             const char *text, struct ts_err *err) TS_MUST_USE;
enum ts_status lane_consent(struct lane *lane, const char *purpose,
                            bool granted, struct ts_err *err) TS_MUST_USE;

/* What the screen shows; a new reference. Nothing is shown that a power cut
 * could take back. */
json_t *lane_view(struct lane *lane);
/* The token of the card of the visit that the screen shows, or "". */
const char *lane_card(const struct lane *lane);
/* The readers alone, for the status page; a new reference. */
json_t *lane_readers(const struct lane *lane);

#endif
