#include "cuts.h"

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

size_t cuts_setting(const char *name, size_t usual) {
    const char *text = getenv(name);
    long number = text ? strtol(text, NULL, 10) : 0;

    return number > 0 ? (size_t)number : usual;
}

void cuts_folder(char *out) {
    static const char memory[] = "/dev/shm";

    (void)snprintf(out, 64, "%s/tessera-power-XXXXXX",
                   access(memory, W_OK) == 0 ? memory : "/tmp");
    if (!mkdtemp(out))
        abort();
}

static uint64_t draw_number(uint64_t *state) {
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return *state >> 33;
}

static void add(struct cuts *cuts, size_t step, enum power_tear tear,
                uint64_t seed) {
    cuts->cuts[cuts->count++] = (struct cut){step, tear, seed, false};
}

static int by_step(const void *left, const void *right) {
    const struct cut *a = left, *b = right;

    return a->step < b->step ? -1 : a->step > b->step;
}

static void add_random(struct cuts *cuts, size_t first, size_t steps,
                       uint64_t *lot) {
    for (size_t i = 0; i < cuts->random; i++) {
        add(cuts, first + draw_number(lot) % (steps - first + 1),
            (enum power_tear)(draw_number(lot) % POWER_TEARS),
            draw_number(lot));
        cuts->cuts[cuts->count - 1].random = true;
    }
}

/* Behind a sync nothing of that file is under way; ahead of it, and in the
 * midst of a write, all of it is. */
struct cuts cuts_plan(const struct power_tape *tape, size_t first_step) {
    size_t every_sync = cuts_setting("TESSERA_POWER_SYNCS", 1);
    size_t every_write = cuts_setting("TESSERA_POWER_EVERY", 7);
    struct cuts cuts = {.random = cuts_setting("TESSERA_POWER_RANDOM", 1000)};
    size_t steps = power_steps(tape);
    uint64_t lot = 4711;
    size_t syncs = 0, writes = 0;

    cuts.cuts = ts_alloc((steps * 2 + cuts.random + 1) * sizeof *cuts.cuts);
    for (size_t i = first_step; i < steps; i++) {
        if (power_is_sync(tape, i) && syncs++ % every_sync == 0) {
            add(&cuts, i, POWER_SECTORS, draw_number(&lot));
            add(&cuts, i + 1, POWER_NOTHING, draw_number(&lot));
            cuts.syncs++;
        } else if (!power_is_sync(tape, i) && writes++ % every_write == 0) {
            add(&cuts, i + 1,
                (enum power_tear)(draw_number(&lot) % POWER_TEARS),
                draw_number(&lot));
            cuts.writes++;
        }
    }
    add_random(&cuts, first_step, steps, &lot);
    qsort(cuts.cuts, cuts.count, sizeof *cuts.cuts, by_step);
    return cuts;
}

void cuts_fini(struct cuts *cuts) { free(cuts->cuts); }
