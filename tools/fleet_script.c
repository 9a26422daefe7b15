#include "tools/fleet_script.h"

#include "tools/fault_words.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 512, NUMBER_MAX = 1000000 };

static const char allowed[] =
    "a step is: at TIME line FAULTS | kill | power off | power on | unplug | "
    "plug | clock +TIME | backlog N | rate N | stop | break COMMAND | mend "
    "COMMAND | exec COMMAND, then all, lanes N, lanes N%, stores N or stores "
    "N%; last of all: until drained TIME";

bool fleet_time_parse(int64_t *out, const char *text) {
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1},     {"s", 1e3},     {"m", 60e3},
                 {"h", 3600e3}, {"d", 86400e3}, {"y", 365 * 86400e3}};
    char *end;
    double number = strtod(text, &end);

    if (*text < '0' || *text > '9' || !(number <= 1e9))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (!strcmp(end, units[i].name)) {
            *out = (int64_t)(number * units[i].ms);
            return true;
        }
    return false;
}

/* Cuts the next word off *text; "" at the end. */
static char *next_word(char **text) {
    char *word = *text + strspn(*text, " \t");
    size_t len = strcspn(word, " \t");

    *text = word + len;
    if (word[len]) {
        word[len] = '\0';
        (*text)++;
        *text += strspn(*text, " \t");
    }
    return word;
}

static bool amount_take(struct fleet_pick *pick, const char *text) {
    char *end;
    double number = strtod(text, &end);

    pick->percent = !strcmp(end, "%");
    if (*text < '0' || *text > '9' || (*end && !pick->percent) ||
        !(number <= (pick->percent ? 100 : NUMBER_MAX)))
        return false;
    pick->amount = number;
    return true;
}

/* The end of a step: "", "all", "lanes 10%", "stores 3". */
static bool pick_take(struct fleet_pick *pick, char *rest) {
    const char *word = next_word(&rest);

    *pick = (struct fleet_pick){false, true, 100};
    if (!*word || !strcmp(word, "all"))
        return !*rest;
    pick->stores = !strcmp(word, "stores");
    if (!pick->stores && strcmp(word, "lanes") != 0)
        return false;
    word = next_word(&rest);
    return amount_take(pick, word) && !*rest;
}

static bool take_pick(struct fleet_step *step, char *rest) {
    return pick_take(&step->pick, rest);
}

static bool take_number(struct fleet_step *step, char *rest) {
    const char *word = next_word(&rest);
    char *end;

    step->number = strtod(word, &end);
    return *word >= '0' && *word <= '9' && !*end &&
           step->number <= NUMBER_MAX && pick_take(&step->pick, rest);
}

static bool take_clock(struct fleet_step *step, char *rest) {
    const char *word = next_word(&rest);
    int64_t ms = 0;

    if ((*word != '+' && *word != '-') || !fleet_time_parse(&ms, word + 1))
        return false;
    step->number = (double)(*word == '-' ? -ms : ms);
    return pick_take(&step->pick, rest);
}

static bool take_command(struct fleet_step *step, char *rest) {
    step->pick = (struct fleet_pick){false, true, 100};
    step->words = ts_strdup(rest);
    return *rest != '\0';
}

static bool take_nothing(struct fleet_step *step, char *rest) {
    (void)step;
    return !*rest;
}

static char *last_of(char *text, const char *word) {
    char *found = NULL;

    for (char *at = text; (at = strstr(at, word)) != NULL; at++)
        if (at > text && at[-1] == ' ')
            found = at;
    return found;
}

/* The faults are checked here, so that a mistake is told at the start. */
static bool take_line(struct fleet_step *step, char *rest) {
    struct faults faults = faults_none();
    char *tail = last_of(rest, "stores ");
    char none[] = "";

    if (!tail)
        tail = last_of(rest, "all");
    if (!pick_take(&step->pick, tail ? tail : none))
        return false;
    if (tail)
        tail[-1] = '\0';
    step->words = ts_strdup(rest);
    return *rest && faults_parse(&faults, ts_slice_text(rest), NULL) == TS_OK;
}

static bool take_power(struct fleet_step *step, char *rest) {
    const char *word = next_word(&rest);

    step->act = strcmp(word, "on") ? FLEET_POWER_OFF : FLEET_POWER_ON;
    if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0)
        return false;
    return pick_take(&step->pick, rest);
}

static const struct form {
    const char *name;
    enum fleet_act act;
    bool (*take)(struct fleet_step *step, char *rest);
} forms[] = {
    {"line", FLEET_LINE, take_line},
    {"kill", FLEET_KILL, take_pick},
    {"power", FLEET_POWER_OFF, take_power},
    {"unplug", FLEET_UNPLUG, take_pick},
    {"plug", FLEET_PLUG, take_pick},
    {"clock", FLEET_CLOCK, take_clock},
    {"backlog", FLEET_BACKLOG, take_number},
    {"rate", FLEET_RATE, take_number},
    {"stop", FLEET_STOP, take_nothing},
    {"break", FLEET_BREAK, take_command},
    {"mend", FLEET_MEND, take_command},
    {"exec", FLEET_EXEC, take_command},
};

static bool take_act(struct fleet_step *step, char *text) {
    const char *word;

    step->text = ts_strdup(text);
    word = next_word(&text);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!strcmp(forms[i].name, word)) {
            step->act = forms[i].act;
            return forms[i].take(step, text);
        }
    return false;
}

static bool take_step(struct fleet_step *step, char *text) {
    const char *word = next_word(&text);

    if (!strcmp(word, "at"))
        return fleet_time_parse(&step->at_ms, next_word(&text)) &&
               take_act(step, text);
    step->act = FLEET_UNTIL;
    return !strcmp(word, "until") && !strcmp(next_word(&text), "drained") &&
           fleet_time_parse(&step->at_ms, next_word(&text)) && !*text;
}

static void step_fini(struct fleet_step *step) {
    free(step->words);
    free(step->text);
}

static enum ts_status add_step(struct fleet_script *script,
                               const struct fleet_step *step, bool ended,
                               struct ts_err *err) {
    if (ended)
        return ts_fail(err, TS_INVALID, "nothing follows `until drained`");
    if (step->act == FLEET_UNTIL) {
        script->until_ms = step->at_ms;
        return TS_OK;
    }
    if (script->count && script->steps[script->count - 1].at_ms > step->at_ms)
        return ts_fail(err, TS_INVALID,
                       "its time is before that of the step above it");
    script->steps =
        ts_realloc(script->steps, (script->count + 1) * sizeof *script->steps);
    script->steps[script->count++] = *step;
    script->uses_lines |= step->act == FLEET_LINE;
    return TS_OK;
}

static enum ts_status parse_line(struct fleet_script *script, char *text,
                                 unsigned line, bool *ended,
                                 struct ts_err *err) {
    struct fleet_step step = {.line = line};
    enum ts_status status;
    char *shown;

    text[strcspn(text, "\r")] = '\0';
    text += strspn(text, " \t");
    for (size_t len = strlen(text); len && strchr(" \t", text[len - 1]);)
        text[--len] = '\0';
    if (!*text || *text == '#')
        return TS_OK;
    shown = ts_strdup(text);
    if (take_step(&step, text))
        status = add_step(script, &step, *ended, err);
    else
        status = ts_fail(err, TS_INVALID, "\"%.100s\": %s", shown, allowed);
    *ended |= step.act == FLEET_UNTIL;
    if (status != TS_OK || step.act == FLEET_UNTIL)
        step_fini(&step);
    free(shown);
    return status;
}

enum ts_status fleet_script_parse(struct fleet_script *out,
                                  struct ts_slice text, struct ts_err *err) {
    struct fleet_script script = {.until_ms = FLEET_UNTIL_MS};
    struct ts_err why = {0};
    enum ts_status status = TS_OK;
    bool ended = false;

    for (unsigned line = 1; status == TS_OK && text.len; line++) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        char copy[WORDS_MAX] = "";

        if (len < sizeof copy)
            memcpy(copy, text.data, len);
        status = len < sizeof copy
                     ? parse_line(&script, copy, line, &ended, &why)
                     : ts_fail(&why, TS_INVALID, "is over 511 characters");
        if (status != TS_OK)
            status = ts_fail(err, status, "line %u: %s", line, why.text);
        text = ts_slice_of(text.data + len + !!end, text.len - len - !!end);
    }
    if (status != TS_OK)
        fleet_script_fini(&script);
    else
        *out = script;
    return status;
}

void fleet_script_fini(struct fleet_script *script) {
    for (size_t i = 0; i < script->count; i++)
        step_fini(&script->steps[i]);
    free(script->steps);
    *script = (struct fleet_script){0};
}
