/* The libconfuse adapter. Scalars are read as texts and checked here, so that
 * one run can name every wrong value and not just the first. */
#include "base/settings_parse.h"

#include <confuse.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first two options of every section carry our own pointers: libconfuse
 * hands its callbacks no context. No file spells these names by accident. */
enum { CARRY_PARSE, CARRY_TABLE, CARRIED };

/* Where one setting was given. */
struct place {
    const cfg_t *section;
    const char *name;
    int line;
};

/* Line of the word in front of each section's opening brace, in the order in
 * which the sections close. */
struct openings {
    int *line;
    size_t count;
    size_t used;
};

struct parse {
    const char *path;
    struct ts_buf *problems;
    struct place *place;
    size_t place_count;
    struct openings openings;
};

static struct parse *parse_of(cfg_t *cfg) {
    return (struct parse *)(void *)cfg->opts[CARRY_PARSE].simple_value.ptr;
}

static void complain(struct parse *parse, int line, const char *what) {
    ts_settings_say(parse->problems, "%s:%d: %s\n", parse->path, line, what);
}

static int line_of(const struct parse *parse, const cfg_t *section,
                   const char *name) {
    for (size_t i = 0; i < parse->place_count; i++)
        if (parse->place[i].section == section &&
            !strcmp(parse->place[i].name, name))
            return parse->place[i].line;
    return 0;
}

static void remember(struct parse *parse, const cfg_t *section,
                     const char *name, int line) {
    parse->place = ts_realloc(parse->place,
                              (parse->place_count + 1) * sizeof *parse->place);
    parse->place[parse->place_count++] = (struct place){section, name, line};
}

static void name_section(struct ts_buf *out, cfg_t *cfg) {
    if (!cfg->name || !strcmp(cfg->name, "root"))
        ts_settings_say(out, "at the top level");
    else if (cfg->title)
        ts_settings_say(out, "in %s \"%s\"", cfg->name, cfg->title);
    else
        ts_settings_say(out, "in %s", cfg->name);
}

static void complain_unknown(cfg_t *cfg, const char *name) {
    struct ts_buf text = {0};
    const char *comma = "";

    ts_settings_say(&text, "unknown setting \"%s\" ", name);
    name_section(&text, cfg);
    ts_settings_say(&text, "; known are: ");
    for (const cfg_opt_t *opt = cfg->opts + CARRIED; opt->name; opt++) {
        ts_settings_say(&text, "%s%s", comma, opt->name);
        comma = ", ";
    }
    complain(parse_of(cfg), cfg->line, ts_buf_text(&text));
    ts_buf_fini(&text);
}

static void on_error(cfg_t *cfg, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
static void on_error(cfg_t *cfg, const char *format, va_list args) {
    struct ts_buf text = {0};
    char what[512];

    if (!strcmp(format, "no such option '%s'")) {
        complain_unknown(cfg, va_arg(args, const char *));
        return;
    }
    (void)vsnprintf(what, sizeof what, format, args);
    ts_settings_say(&text, "%s; look for a missing quote, brace, comma or '='",
                    what);
    complain(parse_of(cfg), cfg->line, ts_buf_text(&text));
    ts_buf_fini(&text);
}

static const struct ts_setting *row_of(const cfg_t *cfg, const char *name) {
    const struct ts_setting *row =
        (const void *)cfg->opts[CARRY_TABLE].simple_value.ptr;

    while (strcmp(row->name, name) != 0)
        row++;
    return row;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt) {
    struct parse *parse = parse_of(cfg);
    struct ts_buf why = {0};
    int before = line_of(parse, cfg, opt->name);
    int64_t number;

    if (before)
        ts_settings_say(&why,
                        "\"%s\" is given twice, first on line %d; "
                        "remove one",
                        opt->name, before);
    else
        remember(parse, cfg, opt->name, cfg->line);
    if (why.len || !ts_setting_accept(row_of(cfg, opt->name),
                                      cfg_opt_getstr(opt), &number, &why))
        complain(parse, cfg->line, ts_buf_text(&why));
    ts_buf_fini(&why);
    return 0;
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt) {
    struct parse *parse = parse_of(cfg);
    const cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);
    struct openings *openings = &parse->openings;
    int line = openings->used < openings->count
                   ? openings->line[openings->used++]
                   : cfg->line;

    remember(parse, section, "", line);
    return 0;
}

/* Lines of section braces, and what libconfuse would replace silently. */
struct scan {
    const char *at;
    int line;
    struct parse *parse;
    int open[64];
    bool list[64];
    size_t depth;
    char before; /* last character that was not blank */
};

static void skip_line(struct scan *scan) {
    scan->at += strcspn(scan->at, "\n");
}

static void skip_comment(struct scan *scan) {
    for (scan->at += 2; *scan->at; scan->at++) {
        if (scan->at[0] == '*' && scan->at[1] == '/') {
            scan->at += 2;
            return;
        }
        if (*scan->at == '\n')
            scan->line++;
    }
}

static void see_dollar(struct scan *scan) {
    if (scan->at[0] == '$' && scan->at[1] == '{')
        complain(scan->parse, scan->line,
                 "\"${\" is not replaced in this file; write the value in "
                 "single quotes to keep it as it is");
}

static void skip_quoted(struct scan *scan) {
    char quote = *scan->at++;

    for (; *scan->at && *scan->at != quote; scan->at++) {
        if (*scan->at == '\\' && scan->at[1])
            scan->at++;
        else if (quote == '"')
            see_dollar(scan);
        if (*scan->at == '\n')
            scan->line++;
    }
    if (*scan->at)
        scan->at++;
    scan->before = quote;
}

static void see_brace(struct scan *scan) {
    struct openings *openings = &scan->parse->openings;
    size_t room = sizeof scan->open / sizeof *scan->open;

    if (*scan->at == '{') {
        if (scan->depth < room) {
            scan->open[scan->depth] = scan->line;
            scan->list[scan->depth] = scan->before == '=';
        }
        scan->depth++;
    } else if (scan->depth) {
        scan->depth--;
        if (scan->depth < room && !scan->list[scan->depth]) {
            openings->line = ts_realloc(
                openings->line, (openings->count + 1) * sizeof *openings->line);
            openings->line[openings->count++] = scan->open[scan->depth];
        }
    }
}

static void scan_text(struct parse *parse, const char *text) {
    struct scan scan = {.at = text, .line = 1, .parse = parse};

    while (*scan.at) {
        char c = *scan.at;
        if (c == '#' || (c == '/' && scan.at[1] == '/')) {
            skip_line(&scan);
            continue;
        }
        if (c == '/' && scan.at[1] == '*') {
            skip_comment(&scan);
            continue;
        }
        if (c == '"' || c == '\'') {
            skip_quoted(&scan);
            continue;
        }
        see_dollar(&scan);
        if (c == '{' || c == '}')
            see_brace(&scan);
        if (c == '\n')
            scan.line++;
        else if (c != ' ' && c != '\t' && c != '\r')
            scan.before = c;
        scan.at++;
    }
    /* libconfuse takes the end of the file for the closing brace. */
    if (scan.depth && scan.depth <= sizeof scan.open / sizeof *scan.open)
        complain(parse, scan.open[scan.depth - 1],
                 "the brace that opens here is never closed; add a '}'");
}

static cfg_opt_t *make_options(const struct ts_setting *table,
                               struct parse *parse);

static cfg_opt_t make_option(const struct ts_setting *row,
                             struct parse *parse) {
    cfg_opt_t opt = {.name = row->name};

    if (row->kind == TS_SETTING_GROUP || row->kind == TS_SETTING_GROUPS) {
        opt.type = CFGT_SEC;
        opt.flags = row->kind == TS_SETTING_GROUP
                        ? CFGF_NONE
                        : CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
        opt.subopts = make_options(row->members, parse);
        opt.validcb = on_section;
        return opt;
    }
    opt.type = CFGT_STR;
    opt.flags = CFGF_NODEFAULT;
    if (row->kind == TS_SETTING_LIST)
        opt.flags |= CFGF_LIST;
    else
        opt.validcb = on_value;
    return opt;
}

static cfg_opt_t *make_options(const struct ts_setting *table,
                               struct parse *parse) {
    size_t count = 0;
    cfg_opt_t *opts;

    while (table[count].name)
        count++;
    opts = ts_alloc((count + CARRIED + 1) * sizeof *opts);
    opts[CARRY_PARSE] = (cfg_opt_t){.name = "\x01", .type = CFGT_PTR};
    opts[CARRY_PARSE].simple_value.ptr = (void **)(void *)parse;
    opts[CARRY_TABLE] = (cfg_opt_t){.name = "\x02", .type = CFGT_PTR};
    opts[CARRY_TABLE].simple_value.ptr = (void **)(uintptr_t)table;
    for (size_t i = 0; i < count; i++)
        opts[CARRIED + i] = make_option(&table[i], parse);
    return opts;
}

static void free_options(cfg_opt_t *opts) {
    for (cfg_opt_t *opt = opts + CARRIED; opt->name; opt++)
        if (opt->subopts)
            free_options(opt->subopts);
    free(opts);
}

static struct ts_settings *take_section(struct parse *parse, cfg_t *cfg,
                                        const struct ts_setting *table,
                                        int line);

static void complain_missing(struct parse *parse, cfg_t *cfg,
                             const struct ts_setting *row, int line) {
    struct ts_buf text = {0};

    ts_settings_say(&text, "\"%s\" is missing ", row->name);
    name_section(&text, cfg);
    ts_settings_say(&text, "; add it (%s)", row->help ? row->help : "");
    complain(parse, line, ts_buf_text(&text));
    ts_buf_fini(&text);
}

static void take_sections(struct parse *parse, cfg_t *cfg,
                          const struct ts_setting *row,
                          struct ts_setting_value *value) {
    unsigned count = cfg_size(cfg, row->name);

    for (unsigned i = 0; i < count; i++) {
        cfg_t *section = cfg_getnsec(cfg, row->name, i);
        int line = line_of(parse, section, "");
        ts_setting_add_section(
            value, take_section(parse, section, row->members, line));
    }
}

static void take_value(struct parse *parse, cfg_t *cfg,
                       const struct ts_setting *row,
                       struct ts_setting_value *value, int section_line) {
    cfg_opt_t *opt = cfg_getopt(cfg, row->name);
    struct ts_buf why = {0};
    unsigned count = cfg_opt_size(opt);

    if (!(opt->flags & CFGF_MODIFIED)) {
        if (!row->fallback)
            complain_missing(parse, cfg, row, section_line);
        ts_setting_default(value, row);
        return;
    }
    value->line = line_of(parse, cfg, row->name);
    for (unsigned i = 0; i < count; i++) {
        const char *text = cfg_opt_getnstr(opt, i);
        ts_setting_add_text(value, text, strlen(text));
    }
    /* Refused values were named when they were met. */
    if (row->kind != TS_SETTING_LIST && count)
        (void)ts_setting_accept(row, value->texts[0], &value->number, &why);
    ts_buf_fini(&why);
}

static struct ts_settings *take_section(struct parse *parse, cfg_t *cfg,
                                        const struct ts_setting *table,
                                        int line) {
    struct ts_settings *settings = ts_settings_new(table);
    struct ts_buf where = {0};

    if (!line)
        line = 1;
    ts_settings_say(&where, "%s:%d", parse->path, line);
    settings->where = ts_strdup(ts_buf_text(&where));
    ts_buf_fini(&where);
    if (cfg->title)
        settings->title = ts_strdup(cfg->title);
    for (size_t i = 0; table[i].name; i++) {
        if (table[i].kind == TS_SETTING_GROUP ||
            table[i].kind == TS_SETTING_GROUPS)
            take_sections(parse, cfg, &table[i], &settings->values[i]);
        else
            take_value(parse, cfg, &table[i], &settings->values[i], line);
    }
    return settings;
}

struct ts_settings *ts_settings_parse(const char *path, struct ts_buf *text,
                                      const struct ts_setting *table,
                                      struct ts_buf *problems) {
    struct parse parse = {.path = path, .problems = problems};
    struct ts_settings *settings = NULL;
    size_t before = problems->len;
    cfg_opt_t *opts;
    cfg_t *cfg;

    if (text->len && (memchr(text->data, 0, text->len) ||
                      !ts_utf8_valid(ts_buf_slice(text)))) {
        complain(&parse, 1, "is not UTF-8 text; save the file as UTF-8");
        return NULL;
    }
    /* libconfuse refuses an empty buffer. */
    if (ts_buf_add_text(text, "\n") != TS_OK)
        return NULL;
    scan_text(&parse, ts_buf_text(text));
    opts = make_options(table, &parse);
    cfg = cfg_init(opts, CFGF_NONE);
    cfg_set_error_function(cfg, on_error);
    if (cfg_parse_buf(cfg, ts_buf_text(text)) == CFG_SUCCESS)
        settings = take_section(&parse, cfg, table, 1);
    else if (problems->len == before)
        /* Some errors of its grammar libconfuse tells nobody. */
        complain(&parse, cfg->line,
                 "this line cannot be read; look for a "
                 "stray quote, brace or '='");
    cfg_free(cfg);
    free_options(opts);
    free(parse.place);
    free(parse.openings.line);
    return settings;
}
