#include "tools/fault_words.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 255, ARGS_MAX = 5, MS_MAX = 3600 * 1000 };

struct said {
    int count;
    const char *args[ARGS_MAX];
};

struct word {
    const char *name;
    const char *form;
    bool (*take)(struct faults *faults, const struct said *said);
};

struct faults faults_none(void) {
    return (struct faults){.cut_after = {FAULT_NEVER, FAULT_NEVER}};
}

static bool number_take(double *out, const char *text, double max) {
    char *end;
    double number = strtod(text, &end);

    if (*text < '0' || *text > '9' || *end || !(number <= max))
        return false;
    *out = number;
    return true;
}

static bool count_take(uint32_t *out, const struct said *said, double max) {
    double number;

    if (said->count != 2 || !number_take(&number, said->args[1], max))
        return false;
    *out = (uint32_t)number;
    return true;
}

static bool take_open(struct faults *faults, const struct said *said) {
    *faults = faults_none();
    faults->open = true;
    return said->count == 1;
}

static bool take_cut_after(struct faults *faults, const struct said *said) {
    bool up = strcmp(said->args[1], "down") != 0;
    bool down = strcmp(said->args[1], "up") != 0;
    int at = up && down ? 1 : 2;
    double bytes;

    faults->cut_once =
        said->count == at + 3 && !strcmp(said->args[at + 2], "once");
    if (said->count != at + 2 + faults->cut_once ||
        strcmp(said->args[at], "after") != 0 ||
        !number_take(&bytes, said->args[at + 1], 1e15))
        return false;
    if (up)
        faults->cut_after[FAULT_UP] = (uint64_t)bytes;
    if (down)
        faults->cut_after[FAULT_DOWN] = (uint64_t)bytes;
    faults->count_anew = true;
    return true;
}

static bool take_cut(struct faults *faults, const struct said *said) {
    if (said->count > 1)
        return take_cut_after(faults, said);
    faults->mode = FAULT_CUT;
    return true;
}

static bool take_refuse(struct faults *faults, const struct said *said) {
    faults->mode = FAULT_REFUSE;
    return said->count == 1;
}

static bool take_half_open(struct faults *faults, const struct said *said) {
    faults->mode = FAULT_HALF_OPEN;
    return said->count == 1;
}

static bool take_portal(struct faults *faults, const struct said *said) {
    faults->mode = FAULT_PORTAL;
    return said->count == 1;
}

static bool take_garbage(struct faults *faults, const struct said *said) {
    faults->garbage = true;
    return said->count == 1;
}

static bool take_reset(struct faults *faults, const struct said *said) {
    faults->reset = true;
    return said->count == 1;
}

static bool take_stall(struct faults *faults, const struct said *said) {
    return count_take(&faults->stall_ms, said, MS_MAX);
}

static bool take_delay(struct faults *faults, const struct said *said) {
    return count_take(&faults->delay_ms, said, MS_MAX);
}

static bool take_rate(struct faults *faults, const struct said *said) {
    return count_take(&faults->rate, said, UINT32_MAX);
}

static bool take_loss(struct faults *faults, const struct said *said) {
    double percent;

    if (said->count != 2 || !number_take(&percent, said->args[1], 99))
        return false;
    faults->loss = percent / 100;
    return true;
}

static const struct word words_known[] = {
    {"open", "open", take_open},
    {"cut", "cut [up|down] [after BYTES [once]]", take_cut},
    {"refuse", "refuse", take_refuse},
    {"reset", "reset", take_reset},
    {"half-open", "half-open", take_half_open},
    {"stall", "stall MS, at most 3600000", take_stall},
    {"delay", "delay MS, at most 3600000", take_delay},
    {"rate", "rate BYTES, a second; 0: without limit", take_rate},
    {"loss", "loss PERCENT, 0 to 99", take_loss},
    {"portal", "portal", take_portal},
    {"garbage", "garbage", take_garbage},
};
enum { WORDS = sizeof words_known / sizeof *words_known };

static enum ts_status fail_unknown(const char *name, struct ts_err *err) {
    struct ts_buf names = {.max = WORDS_MAX};
    enum ts_status status = TS_OK;

    for (size_t i = 0; i < WORDS && status == TS_OK; i++)
        status =
            ts_buf_printf(&names, "%s%s", i ? ", " : "", words_known[i].name);
    status = ts_fail(err, TS_INVALID, "no fault \"%.40s\"; there are %s", name,
                     ts_buf_text(&names));
    ts_buf_fini(&names);
    return status;
}

static enum ts_status take_one(struct faults *faults, char *text,
                               struct ts_err *err) {
    struct said said = {0};
    char *rest = NULL;

    for (char *arg = strtok_r(text, " \t\r", &rest); arg;
         arg = strtok_r(NULL, " \t\r", &rest)) {
        if (said.count == ARGS_MAX)
            return ts_fail(err, TS_INVALID, "too many words; use commas");
        said.args[said.count++] = arg;
    }
    if (!said.count)
        return ts_fail(err, TS_INVALID, "no words; \"open\" ends all faults");
    for (size_t i = 0; i < WORDS; i++) {
        const struct word *word = &words_known[i];
        if (strcmp(word->name, said.args[0]) != 0)
            continue;
        if (word->take(faults, &said))
            return TS_OK;
        return ts_fail(err, TS_INVALID, "\"%s\" is said as \"%s\"", word->name,
                       word->form);
    }
    return fail_unknown(said.args[0], err);
}

enum ts_status faults_parse(struct faults *faults, struct ts_slice words,
                            struct ts_err *err) {
    struct faults next = *faults;
    char text[WORDS_MAX + 1];
    char *rest = text;
    enum ts_status status = TS_OK;

    if (words.len > WORDS_MAX)
        return ts_fail(err, TS_INVALID, "over %d characters", WORDS_MAX);
    if (words.len)
        memcpy(text, words.data, words.len);
    text[words.len] = '\0';
    next.open = next.reset = next.count_anew = false;
    next.stall_ms = 0;
    while (rest && status == TS_OK)
        status = take_one(&next, strsep(&rest, ","), err);
    if (status == TS_OK)
        *faults = next;
    return status;
}
