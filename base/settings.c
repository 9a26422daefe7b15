#include "base/settings_parse.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MAX = 1024 * 1024 };

void ts_settings_say(struct ts_buf *out, const char *format, ...) {
    char text[1024];
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE: args is started */
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (ts_buf_add_text(out, text) != TS_OK)
        return;
}

static size_t table_rows(const struct ts_setting *table) {
    size_t count = 0;

    while (table[count].name)
        count++;
    return count;
}

struct ts_settings *ts_settings_new(const struct ts_setting *table) {
    struct ts_settings *settings = ts_alloc(sizeof *settings);

    settings->table = table;
    settings->values = ts_alloc(table_rows(table) * sizeof *settings->values);
    return settings;
}

static void value_fini(struct ts_setting_value *value) {
    for (size_t i = 0; i < value->text_count; i++)
        free(value->texts[i]);
    for (size_t i = 0; i < value->section_count; i++)
        ts_settings_free(value->sections[i]);
    free(value->texts);
    free(value->sections);
}

void ts_settings_free(struct ts_settings *settings) {
    if (!settings)
        return;
    for (size_t i = 0; settings->table[i].name; i++)
        value_fini(&settings->values[i]);
    free(settings->values);
    free(settings->title);
    free(settings->where);
    free(settings);
}

void ts_setting_add_text(struct ts_setting_value *value, const char *text,
                         size_t len) {
    char *copy = ts_alloc(len + 1);

    memcpy(copy, text, len);
    value->texts =
        ts_realloc(value->texts, (value->text_count + 1) * sizeof(char *));
    value->texts[value->text_count++] = copy;
}

void ts_setting_add_section(struct ts_setting_value *value,
                            struct ts_settings *section) {
    size_t count = value->section_count + 1;

    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    value->sections = ts_realloc(value->sections, count * sizeof section);
    value->sections[value->section_count++] = section;
}

static bool accept_int(const struct ts_setting *row, const char *text,
                       int64_t *number, struct ts_buf *why) {
    char *end;

    errno = 0;
    *number = strtoll(text, &end, 10);
    if (end == text || *end || errno) {
        ts_settings_say(why, "\"%s\" must be a whole number, not \"%s\"",
                        row->name, text);
    } else if ((row->min || row->max) &&
               (*number < row->min || *number > row->max)) {
        ts_settings_say(why, "\"%s\" is %lld; give %lld to %lld", row->name,
                        (long long)*number, (long long)row->min,
                        (long long)row->max);
    } else {
        return true;
    }
    return false;
}

static bool accept_bool(const struct ts_setting *row, const char *text,
                        int64_t *number, struct ts_buf *why) {
    static const char *const words[] = {"false", "true", "no", "yes",
                                        "off",   "on",   "0",  "1"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(text, words[i])) {
            *number = i % 2;
            return true;
        }
    ts_settings_say(why, "\"%s\" must be true or false, not \"%s\"", row->name,
                    text);
    return false;
}

static bool one_of(const char *words, const char *text) {
    size_t len = strlen(text);

    while (*words) {
        size_t word = strcspn(words, "|");
        if (word == len && !memcmp(words, text, len))
            return true;
        words += word + (words[word] == '|');
    }
    return false;
}

static bool accept_text(const struct ts_setting *row, const char *text,
                        struct ts_buf *why) {
    if (row->one_of && !one_of(row->one_of, text)) {
        ts_settings_say(why, "\"%s\" is \"%s\"; give one of: ", row->name,
                        text);
        for (const char *c = row->one_of; *c; c++)
            ts_settings_say(why, *c == '|' ? ", %.0s" : "%.1s", c);
        return false;
    }
    if (!row->fallback && !*text) {
        ts_settings_say(why, "\"%s\" is empty; give a value", row->name);
        return false;
    }
    return true;
}

bool ts_setting_accept(const struct ts_setting *row, const char *text,
                       int64_t *number, struct ts_buf *why) {
    if (row->kind == TS_SETTING_INT)
        return accept_int(row, text, number, why);
    if (row->kind == TS_SETTING_BOOL)
        return accept_bool(row, text, number, why);
    return accept_text(row, text, why);
}

/* One word of a default, without its blanks and quotes. */
static void add_word(struct ts_setting_value *value, const char *text,
                     size_t len) {
    while (len && isspace((unsigned char)*text)) {
        text++;
        len--;
    }
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    if (len >= 2 && (*text == '"' || *text == '\'') && text[len - 1] == *text) {
        text++;
        len -= 2;
    }
    ts_setting_add_text(value, text, len);
}

static void default_list(struct ts_setting_value *value, const char *text) {
    text += strspn(text, "{ ");
    while (*text && *text != '}') {
        size_t len = strcspn(text, ",}");
        add_word(value, text, len);
        text += len + (text[len] == ',');
        text += strspn(text, " ");
    }
}

void ts_setting_default(struct ts_setting_value *value,
                        const struct ts_setting *row) {
    struct ts_buf why = {0};
    bool good;

    if (!row->fallback)
        return;
    if (row->kind == TS_SETTING_LIST) {
        default_list(value, row->fallback);
        return;
    }
    add_word(value, row->fallback, strlen(row->fallback));
    good = ts_setting_accept(row, value->texts[0], &value->number, &why);
    assert(good && "a default that its own row refuses");
    ts_buf_fini(&why);
}

enum ts_status ts_settings_load(struct ts_settings **out, const char *path,
                                const struct ts_setting *table,
                                struct ts_buf *problems) {
    struct ts_settings *settings = NULL;
    struct ts_buf text = {0};
    struct ts_err err;
    struct stat info;
    size_t before = problems->len;

    if (!stat(path, &info) && S_ISDIR(info.st_mode))
        ts_settings_say(problems,
                        "%s: is a directory; name the settings file\n", path);
    else if (ts_file_read(&text, path, FILE_MAX, &err) != TS_OK)
        ts_settings_say(problems, "%s\n", err.text);
    else
        settings = ts_settings_parse(path, &text, table, problems);
    ts_buf_fini(&text);
    if (!settings || problems->len != before) {
        ts_settings_free(settings);
        return TS_INVALID;
    }
    *out = settings;
    return TS_OK;
}

static const struct ts_setting_value *find_value(const struct ts_settings *in,
                                                 const char *name,
                                                 enum ts_setting_kind kind) {
    size_t at = 0;

    while (in->table[at].name && strcmp(in->table[at].name, name) != 0)
        at++;
    assert(in->table[at].name && "setting is not in the table");
    assert(in->table[at].kind == kind && "setting is of another kind");
    return &in->values[at];
}

const struct ts_settings *ts_settings_group(const struct ts_settings *in,
                                            const char *name) {
    return find_value(in, name, TS_SETTING_GROUP)->sections[0];
}

size_t ts_settings_groups(const struct ts_settings *in, const char *name) {
    return find_value(in, name, TS_SETTING_GROUPS)->section_count;
}

const struct ts_settings *ts_settings_group_at(const struct ts_settings *in,
                                               const char *name, size_t index) {
    const struct ts_setting_value *value =
        find_value(in, name, TS_SETTING_GROUPS);

    assert(index < value->section_count);
    return value->sections[index];
}

const char *ts_settings_title(const struct ts_settings *section) {
    return section->title ? section->title : "";
}

int64_t ts_settings_int(const struct ts_settings *in, const char *name) {
    return find_value(in, name, TS_SETTING_INT)->number;
}

bool ts_settings_bool(const struct ts_settings *in, const char *name) {
    return find_value(in, name, TS_SETTING_BOOL)->number != 0;
}

const char *ts_settings_text(const struct ts_settings *in, const char *name) {
    return find_value(in, name, TS_SETTING_TEXT)->texts[0];
}

size_t ts_settings_list(const struct ts_settings *in, const char *name) {
    return find_value(in, name, TS_SETTING_LIST)->text_count;
}

const char *ts_settings_list_at(const struct ts_settings *in, const char *name,
                                size_t index) {
    const struct ts_setting_value *value =
        find_value(in, name, TS_SETTING_LIST);

    assert(index < value->text_count);
    return value->texts[index];
}

const char *ts_settings_where(const struct ts_settings *section) {
    return section->where;
}

static int line_of(const struct ts_settings *section, const char *name) {
    for (size_t i = 0; name && section->table[i].name; i++)
        if (strcmp(section->table[i].name, name) == 0)
            return section->values[i].line;
    return 0;
}

void ts_settings_problem(struct ts_buf *problems,
                         const struct ts_settings *section, const char *name,
                         const char *format, ...) {
    char what[TS_ERR_TEXT * 2];
    int line = line_of(section, name);
    const char *colon = strrchr(section->where, ':');
    va_list args;

    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (line && colon)
        ts_settings_say(problems, "%.*s:%d: %s\n",
                        (int)(colon - section->where), section->where, line,
                        what);
    else
        ts_settings_say(problems, "%s: %s\n", section->where, what);
}
