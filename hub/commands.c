#include "hub/commands.h"

#include "base/guard.h"
#include "base/token.h"
#include "hub/customer.h"
#include "hub/desk.h"
#include "hub/registry.h"
#include "hub/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OFFER_ID_MAX = 64, OFFER_DAYS_MAX = 3650 };
#define DAY_MS   INT64_C(86400000)
#define LOAD_MAX ((size_t)64 << 20) /* some 600,000 terminals */
#define TERMINAL_USAGE                                                         \
    "terminal add|move TERMINAL STORE | load FILE | rename TERMINAL NAME | "   \
    "remove TERMINAL | list"

static int said(enum ts_status status, const struct ts_err *err) {
    if (status == TS_OK)
        return COMMAND_OK;
    (void)fprintf(stderr, "tessera-hub: %s\n", err->text);
    return status == TS_INVALID ? COMMAND_USAGE : COMMAND_FAILED;
}

static int usage(const char *text) {
    (void)fprintf(stderr, "usage: %s\n", text);
    return COMMAND_USAGE;
}

static void print_terminal(void *arg, const char *terminal, const char *store) {
    (void)arg;
    (void)printf("%s %s\n", terminal, store);
}

static enum ts_status read_stdin(struct ts_buf *out, struct ts_err *err) {
    uint8_t piece[16384];
    ssize_t got;

    out->max = LOAD_MAX;
    while ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        if (ts_buf_add(out, ts_slice_of(piece, (size_t)got)) != TS_OK)
            return ts_fail(err, TS_FULL, "over %zu bytes: load it in parts",
                           LOAD_MAX);
    return got < 0 ? ts_fail(err, TS_IO, "standard input cannot be read")
                   : TS_OK;
}

/* "-" is standard input. */
static enum ts_status load_registry(struct db *db, const char *path,
                                    struct ts_err *err) {
    struct ts_buf lines = {0};
    uint64_t added = 0;
    enum ts_status status = strcmp(path, "-")
                                ? ts_file_read(&lines, path, LOAD_MAX, err)
                                : read_stdin(&lines, err);

    if (status == TS_OK)
        status = registry_load(db, ts_buf_slice(&lines),
                               ts_clock_wall(ts_clock_system()), &added, err);
    ts_buf_fini(&lines);
    if (status == TS_OK)
        (void)printf("%llu terminals added\n", (unsigned long long)added);
    return status;
}

static enum ts_status change_registry(struct db *db, int count, char **words,
                                      struct ts_err *err) {
    struct ts_wall now = ts_clock_wall(ts_clock_system());

    if (!strcmp(words[0], "list") && count == 1)
        return registry_list(db, print_terminal, NULL, err);
    if (!strcmp(words[0], "add") && count == 3)
        return registry_add(db, words[1], words[2], now, err);
    if (!strcmp(words[0], "load") && count == 2)
        return load_registry(db, words[1], err);
    if (!strcmp(words[0], "move") && count == 3)
        return registry_move(db, words[1], words[2], now, err);
    if (!strcmp(words[0], "rename") && count == 3)
        return registry_rename(db, words[1], words[2], now, err);
    if (!strcmp(words[0], "remove") && count == 2)
        return registry_remove(db, words[1], now, err);
    return ts_fail(err, TS_INVALID, "usage: " TERMINAL_USAGE);
}

int command_terminal(const struct hub_config *config, int count, char **words) {
    struct ts_err err = {0};
    struct db *db = NULL;
    enum ts_status status;

    if (count < 1)
        return usage(TERMINAL_USAGE);
    status = db_open(&db, config->database, &err);
    if (status == TS_OK)
        status = change_registry(db, count, words, &err);
    db_close(db);
    return said(status, &err);
}

static void print_name(void *arg, const char *name) {
    (void)arg;
    (void)printf("%s\n", name);
}

int command_token(const struct hub_config *config, int count, char **words) {
    char token[TOKENS_TEXT];
    struct ts_err err = {0};
    enum ts_status status;

    if (count == 1 && !strcmp(words[0], "list"))
        return said(tokens_list(config->token_file, print_name, NULL, &err),
                    &err);
    if (count == 2 && !strcmp(words[0], "remove"))
        return said(tokens_remove(config->token_file, words[1], &err), &err);
    if (count != 2 || strcmp(words[0], "add") != 0)
        return usage("token add|remove NAME | list");
    status = tokens_add(config->token_file, words[1], token, &err);
    if (status == TS_OK) {
        (void)fprintf(stderr, "The token of %s, shown this once:\n", words[1]);
        (void)printf("%s\n", token);
    }
    return said(status, &err);
}

static bool offer_valid(const char *id) {
    size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789._-");

    return len >= 1 && len <= OFFER_ID_MAX && !id[len];
}

static enum ts_status check_offer(char **words, struct ts_err *err) {
    if (!ts_name_valid(ts_slice_text(words[1])))
        return ts_fail(err, TS_INVALID, "no store is called %s", words[1]);
    if (!ts_token_valid(ts_slice_text(words[2])))
        return ts_fail(err, TS_INVALID,
                       "CARD is the token of a card, as the console and the "
                       "API show it: c1. and 43 characters");
    if (!offer_valid(words[3]))
        return ts_fail(err, TS_INVALID,
                       "OFFER is 1 to %d of a-z, 0-9, dot, dash and underscore",
                       OFFER_ID_MAX);
    return TS_OK;
}

/* `words`: put STORE CARD OFFER TITLE [DAYS], or remove STORE CARD OFFER. */
static enum ts_status change_offer(struct db *db, int count, char **words,
                                   struct ts_err *err) {
    char key[MESSAGE_KEY_MAX + 1];
    char *end = "";
    long days = count > 5 ? strtol(words[5], &end, 10) : 0;
    json_t *value = count > 4 ? json_pack("{s:s}", "title", words[4]) : NULL;
    struct desk_change change = {.store = words[1],
                                 .kind = DESK_OFFER,
                                 .value = value,
                                 .now = ts_clock_wall(ts_clock_system())};
    enum ts_status status = check_offer(words, err);

    if (status == TS_OK && count > 4 &&
        (!value ||
         ts_guard_refuses(ts_slice_text(words[4]), TS_CARRIER_TEXT, NULL)))
        status = ts_fail(err, TS_INVALID,
                         "TITLE is UTF-8 and holds no payment card number");
    if (status == TS_OK &&
        (*end || days < 0 || days > OFFER_DAYS_MAX || (count > 5 && days == 0)))
        status = ts_fail(err, TS_INVALID, "DAYS is a number from 1 to %d",
                         OFFER_DAYS_MAX);
    change.has_expires = days > 0;
    change.expires.unix_ms = change.now.unix_ms + days * DAY_MS;
    (void)snprintf(key, sizeof key, "%.48s/%.64s", words[2], words[3]);
    change.key = ts_slice_text(key);
    if (status == TS_OK)
        status = db_begin(db, err);
    if (status == TS_OK) {
        status = desk_put(db, &change, err);
        if (status == TS_OK)
            status = db_commit(db, err);
        else
            db_rollback(db);
    }
    json_decref(value);
    return status;
}

int command_offer(const struct hub_config *config, int count, char **words) {
    struct ts_err err = {0};
    struct db *db = NULL;
    enum ts_status status;

    if (!(count >= 5 && count <= 6 && !strcmp(words[0], "put")) &&
        !(count == 4 && !strcmp(words[0], "remove")))
        return usage("offer put STORE CARD OFFER TITLE [DAYS] | offer remove "
                     "STORE CARD OFFER");
    status = db_open(&db, config->database, &err);
    if (status == TS_OK)
        status = change_offer(db, count, words, &err);
    db_close(db);
    return said(status, &err);
}

static enum ts_status readable(const char *what, const char *path,
                               struct ts_err *err) {
    if (!path || !access(path, R_OK))
        return TS_OK;
    return ts_fail(err, TS_INVALID,
                   "%s %s cannot be read: make it, or name another file", what,
                   path);
}

static int check_files(const struct hub_config *config) {
    struct {
        const char *what, *path;
    } files[] = {
        {"broker ca_file", config->mqtt.ca_file},
        {"broker crl_file", config->mqtt.crl_file},
        {"broker cert_file", config->mqtt.cert_file},
        {"broker key_file", config->mqtt.key_file},
        {"token_file", config->token_file},
    };
    int worst = COMMAND_OK;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct ts_err err = {0};
        int result = said(readable(files[i].what, files[i].path, &err), &err);
        if (result != COMMAND_OK)
            worst = result;
    }
    return worst;
}

int command_check(const struct hub_config *config) {
    struct ts_err err = {0};
    struct ts_keys *keys = NULL;
    struct db *db = NULL;
    int files = check_files(config);
    int secrets = said(ts_keys_load(&keys, config->key_file, &err), &err);
    int base = said(db_open(&db, config->database, &err), &err);

    db_close(db);
    ts_keys_free(keys);
    if (files != COMMAND_OK || secrets != COMMAND_OK || base != COMMAND_OK)
        return COMMAND_FAILED;
    (void)printf("settings, files and database are in order\n");
    return COMMAND_OK;
}

int command_rebuild(const struct hub_config *config) {
    struct ts_err err = {0};
    struct customer_parts parts = {.config = config,
                                   .clock = ts_clock_system()};
    struct ts_keys *keys = NULL;
    struct customer *customer = NULL;
    uint64_t events = 0;
    bool alone;
    enum ts_status status = ts_keys_load(&keys, config->key_file, &err);

    if (status == TS_OK)
        status = db_open(&parts.db, config->database, &err);
    if (status == TS_OK)
        status = db_hold(parts.db, &alone, &err);
    if (status == TS_OK) {
        parts.keys = keys;
        customer = customer_open(&parts);
        status = customer_rebuild(customer, &events, &err);
    }
    if (status == TS_OK)
        (void)printf("%llu events derived again\n", (unsigned long long)events);
    customer_close(customer);
    db_close(parts.db);
    ts_keys_free(keys);
    return said(status, &err);
}

int command_restored(const struct hub_config *config) {
    struct ts_err err = {0};
    struct db *db = NULL;
    enum ts_status status = db_open(&db, config->database, &err);

    if (status == TS_OK)
        status = desk_renew(db, ts_clock_wall(ts_clock_system()), &err);
    if (status == TS_OK)
        (void)printf("the terminals load their desks anew\n");
    db_close(db);
    return said(status, &err);
}
