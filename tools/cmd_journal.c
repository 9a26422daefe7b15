#include "tools/commands.h"

#include "agent/journal.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define JOURNAL_PATH "/var/lib/tessera-agent/journal.db"

static const char usage[] =
    "usage: tessera journal [--type TYPE] [--visit ID] [--count] [FILE]\n"
    "\n"
    "Prints the events of a journal (default " JOURNAL_PATH "),\n"
    "oldest first, one JSON document a line. An agent may be writing to it.\n"
    "\n"
    "  --type TYPE  only this type, as card.presented\n"
    "  --visit ID   only events of this visit\n"
    "  --count      how many there are of each type, nothing else\n";

enum { TYPES_MAX = 64 };

struct listing {
    const char *type;
    const char *visit;
    bool count;
    size_t types;
    struct {
        char name[48];
        uint64_t events;
    } of[TYPES_MAX];
};

static void count_type(struct listing *listing, struct ts_slice type) {
    size_t i = 0;

    while (i < listing->types &&
           !ts_slice_equal(type, ts_slice_text(listing->of[i].name)))
        i++;
    if (i == TYPES_MAX)
        return;
    if (i == listing->types)
        (void)snprintf(listing->of[listing->types++].name,
                       sizeof listing->of[i].name, "%.*s", (int)type.len,
                       (const char *)type.data);
    listing->of[i].events++;
}

static bool wanted(const struct listing *listing,
                   const struct event_view *event) {
    return (!listing->type ||
            ts_slice_equal(event->type, ts_slice_text(listing->type))) &&
           (!listing->visit ||
            ts_slice_equal(event->visit, ts_slice_text(listing->visit)));
}

static bool print_row(void *arg, const char *journal, uint64_t sequence,
                      struct ts_slice payload) {
    struct listing *listing = arg;
    struct event_view event;
    json_t *json = NULL;
    struct ts_err err;

    if (ts_json_parse(&json, payload, &err) != TS_OK ||
        event_parse(&event, json, &err) != TS_OK)
        (void)fprintf(stderr, "tessera journal: %s-%llu: %s\n", journal,
                      (unsigned long long)sequence, err.text);
    else if (!wanted(listing, &event))
        ;
    else if (listing->count)
        count_type(listing, event.type);
    else
        (void)printf("%.*s\n", (int)payload.len, (const char *)payload.data);
    json_decref(json);
    return !ferror(stdout);
}

static bool read_options(struct listing *out, int argc, char **argv,
                         bool *help) {
    static const struct option options[] = {
        {"type", required_argument, NULL, 't'},
        {"visit", required_argument, NULL, 'v'},
        {"count", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't')
            out->type = optarg;
        else if (option == 'v')
            out->visit = optarg;
        else if (option == 'c')
            out->count = true;
        else if (option == 'h')
            *help = true;
        else
            return false;
    }
    return optind + 1 >= argc;
}

int cmd_journal(int argc, char **argv) {
    struct listing listing = {.count = false};
    bool help = false;
    struct ts_err err;

    if (!read_options(&listing, argc, argv, &help)) {
        (void)fputs(usage, stderr);
        return COMMAND_USAGE;
    }
    if (help) {
        (void)fputs(usage, stdout);
        return COMMAND_OK;
    }
    if (journal_read_file(optind < argc ? argv[optind] : JOURNAL_PATH, "", 0,
                          print_row, &listing, &err) != TS_OK) {
        (void)fprintf(stderr, "tessera journal: %s\n", err.text);
        return COMMAND_FAILED;
    }
    for (size_t i = 0; i < listing.types; i++)
        (void)printf("%10llu %s\n", (unsigned long long)listing.of[i].events,
                     listing.of[i].name);
    return COMMAND_OK;
}
