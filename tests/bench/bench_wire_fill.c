/* Fills an agent's journal with the events of made-up days, as an agent would
 * have that had no line: its next start sends them as a backlog.
 *
 *   bench_wire_fill --journal FILE --terminal ID --store ID [--events N]
 */
#include "agent/journal.h"
#include "tools/event_samples.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 1000, SEED = 90001 };

static void must(enum ts_status status, const struct ts_err *err) {
    if (status == TS_OK)
        return;
    (void)fprintf(stderr, "bench_wire_fill: %s\n", err->text);
    exit(1);
}

static void fill(struct journal *journal, uint64_t events) {
    struct event_sampler *sampler = event_sampler_new(SEED);
    struct ts_err err;
    uint64_t sequence = 0;

    while (sequence < events) {
        const struct event *event =
            event_sampler_draw(sampler, journal_id(journal), sequence + 1);
        must(journal_append(journal, JOURNAL_CARD, event, &sequence, &err),
             &err);
        if (sequence % GROUP == 0)
            must(journal_commit(journal, &err), &err);
    }
    must(journal_commit(journal, &err), &err);
    event_sampler_free(sampler);
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"journal", required_argument, NULL, 'j'},
        {"terminal", required_argument, NULL, 't'},
        {"store", required_argument, NULL, 's'},
        {"events", required_argument, NULL, 'e'},
        {NULL, 0, NULL, 0}};
    struct journal_options file = {.max_bytes = 1LL << 30,
                                   .keep_bytes = 64LL << 20,
                                   .keep_ms = 7LL * 86400 * 1000,
                                   .origin = {.boot = "5d1e88c2"},
                                   .clock = ts_clock_system()};
    struct journal_report report;
    struct journal *journal;
    struct ts_err err;
    uint64_t events = 20000;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'j')
            file.path = optarg;
        else if (option == 't')
            (void)snprintf(file.origin.terminal, TS_NAME_TEXT, "%s", optarg);
        else if (option == 's')
            (void)snprintf(file.origin.store, TS_NAME_TEXT, "%s", optarg);
        else if (option == 'e')
            events = strtoull(optarg, NULL, 10);
        else
            return 2;
    }
    if (!file.path || !file.origin.terminal[0] || !file.origin.store[0])
        return 2;
    must(journal_open(&journal, &file, &report, &err), &err);
    fill(journal, events);
    journal_close(journal);
    return 0;
}
