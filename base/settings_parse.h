/* What base/settings.c and its libconfuse adapter share; nobody else. */
#ifndef TS_BASE_SETTINGS_PARSE_H
#define TS_BASE_SETTINGS_PARSE_H

#include "base/settings.h"

/* One setting of one section, in the order of the table. */
struct ts_setting_value {
    int line; /* 0: stands on its default */
    int64_t number;
    char **texts; /* one for TS_SETTING_TEXT, any number for a list */
    size_t text_count;
    struct ts_settings **sections;
    size_t section_count;
};

struct ts_settings {
    const struct ts_setting *table;
    struct ts_setting_value *values;
    char *title;
    char *where;
};

/* Parses `text` against `table`; problems are appended. NULL when the file
 * could not be read to its end. */
struct ts_settings *ts_settings_parse(const char *path, struct ts_buf *text,
                                      const struct ts_setting *table,
                                      struct ts_buf *problems);

/* Checks one value as it stands in a file against its row; the reason is
 * appended to `why` when it is refused. */
bool ts_setting_accept(const struct ts_setting *row, const char *text,
                       int64_t *number, struct ts_buf *why);

/* Appends to text that people read; what finds no room is left out. */
void ts_settings_say(struct ts_buf *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct ts_settings *ts_settings_new(const struct ts_setting *table);
/* Fills what was not given with its default. */
void ts_setting_default(struct ts_setting_value *value,
                        const struct ts_setting *row);
void ts_setting_add_text(struct ts_setting_value *value, const char *text,
                         size_t len);
void ts_setting_add_section(struct ts_setting_value *value,
                            struct ts_settings *section);

#endif
