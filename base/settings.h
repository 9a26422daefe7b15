/* Settings: one file, sections, types, ranges, line numbers in every error.
 * libconfuse behind it. A module states what it accepts as a table; what is
 * not in the table is refused by name. */
#ifndef TS_BASE_SETTINGS_H
#define TS_BASE_SETTINGS_H

#include "base/bytes.h"

enum ts_setting_kind {
    TS_SETTING_INT,
    TS_SETTING_BOOL,
    TS_SETTING_TEXT,
    TS_SETTING_LIST,  /* of texts */
    TS_SETTING_GROUP, /* one section, always there with its defaults */
    TS_SETTING_GROUPS /* titled sections, none to many: reader "a" { } */
};

/* A row of a table; the last row has name NULL. */
struct ts_setting {
    const char *name;
    enum ts_setting_kind kind;
    const char *fallback; /* default as it would stand in the file; NULL: the
                             setting must be given (texts: empty refused) */
    int64_t min, max;     /* TS_SETTING_INT; both 0: any */
    const char *one_of;   /* TS_SETTING_TEXT: "a|b|c", or NULL */
    const struct ts_setting *members; /* groups */
    const char *help; /* one line for check-config and the manual */
};

/* A loaded file; sections are borrowed from it. */
struct ts_settings;

/* Every problem of the file is in `problems`, one a line, "file:line: what;
 * what to do"; TS_INVALID when there is any. */
enum ts_status ts_settings_load(struct ts_settings **out, const char *path,
                                const struct ts_setting *table,
                                struct ts_buf *problems) TS_MUST_USE;
void ts_settings_free(struct ts_settings *settings);

/* Sections answer the same calls as the file itself. Asking for a name that
 * the table does not have is our own mistake (assert). */
const struct ts_settings *ts_settings_group(const struct ts_settings *in,
                                            const char *name);
size_t ts_settings_groups(const struct ts_settings *in, const char *name);
const struct ts_settings *ts_settings_group_at(const struct ts_settings *in,
                                               const char *name, size_t index);
const char *ts_settings_title(const struct ts_settings *section);
int64_t ts_settings_int(const struct ts_settings *in, const char *name);
bool ts_settings_bool(const struct ts_settings *in, const char *name);
const char *ts_settings_text(const struct ts_settings *in, const char *name);
size_t ts_settings_list(const struct ts_settings *in, const char *name);
const char *ts_settings_list_at(const struct ts_settings *in, const char *name,
                                size_t index);
/* Where a section begins: "agent.conf:12". */
const char *ts_settings_where(const struct ts_settings *section);
/* For checks that come after loading: appends "file:line: " and the text as a
 * line. The line is that of the setting `name` of the section, or the
 * section's own where `name` is NULL or not given in the file. */
void ts_settings_problem(struct ts_buf *problems,
                         const struct ts_settings *section, const char *name,
                         const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
