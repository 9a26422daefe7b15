/* Element strings and Digital Links checked in a second, on one core.
 *
 *   bench_codes [--seconds N]
 *
 * Lines are made at run time: most of them good, as a checkout sees them, one
 * in sixteen with a wrong digit. Beside each rate stands the raw limit of the
 * same run: one look at a table for every byte of the same lines, which is the
 * least that a check of characters costs. Prints one JSON object. */
#include "drivers/code/gs1.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINES = 20000, LINE_MAX_BYTES = 128 };

struct lines {
    uint8_t bytes[LINES][LINE_MAX_BYTES];
    size_t len[LINES];
    size_t total;
};

struct result {
    double lines_a_second;
    size_t good; /* of one round */
};

typedef enum gs1_result (*check_fn)(struct gs1 *out, struct ts_slice text);

static double now(void) {
    struct timespec at;

    (void)clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static unsigned below(unsigned end) { return (unsigned)rand() % end; }

static void put_digits(char *out, size_t len) {
    for (size_t i = 0; i < len; i++)
        *out++ = (char)('0' + below(10));
    *out = 0;
}

/* `len` digits of which the last is the check digit; sometimes not. */
static const char *key(size_t len) {
    static char text[24];
    unsigned sum = 0;

    put_digits(text, len - 1);
    for (size_t i = 0; i < len - 1; i++)
        sum += (unsigned)(text[len - 2 - i] - '0') * (i % 2 ? 1 : 3);
    unsigned wrong = below(16) == 0;
    text[len - 1] = (char)('0' + (10 - sum % 10 + wrong) % 10);
    text[len] = 0;
    return text;
}

static const char *digits(size_t len) {
    static char text[4][24];
    static unsigned turn;
    char *out = text[turn++ % 4];

    put_digits(out, len);
    return out;
}

static const char *date(void) {
    static char text[8];

    (void)snprintf(text, sizeof text, "%02u%02u%02u", 25 + below(5),
                   1 + below(12), 1 + below(28));
    return text;
}

static int element_string(char *out, size_t size) {
    switch (below(8)) {
    case 0:
        return snprintf(out, size, "01%s", key(14));
    case 1:
        return snprintf(out, size, "01%s17%s10LOT%s", key(14), date(),
                        digits(4));
    case 2:
        return snprintf(out, size,
                        "01%s17%s10L%s\x1d"
                        "21%s",
                        key(14), date(), digits(5), digits(10));
    case 3:
        return snprintf(out, size,
                        "01%s3103%s3922%s\x1d"
                        "13%s",
                        key(14), digits(6), digits(4), date());
    case 4:
        return snprintf(out, size, "8018%s", key(18));
    case 5:
        return snprintf(out, size, "00%s", key(18));
    case 6:
        return snprintf(out, size,
                        "255%s\x1d"
                        "3902%s",
                        key(13), digits(4));
    default:
        return snprintf(out, size,
                        "01%s21%s\x1d"
                        "91card-%s",
                        key(14), digits(8), digits(6));
    }
}

static int link_text(char *out, size_t size) {
    switch (below(4)) {
    case 0:
        return snprintf(out, size, "https://id.gs1.org/01/%s", key(14));
    case 1:
        return snprintf(out, size, "https://example.com/01/%s/10/L%s?17=%s",
                        key(14), digits(4), date());
    case 2:
        return snprintf(out, size,
                        "https://example.com/it/01/%s/10/A%%2FB/21/%s?"
                        "linkType=all&17=%s",
                        key(14), digits(8), date());
    default:
        return snprintf(out, size, "https://loyalty.example.com/8018/%s/8019/7",
                        key(18));
    }
}

static struct lines *make(int (*line)(char *out, size_t size)) {
    struct lines *lines = ts_alloc(sizeof *lines);

    lines->total = 0;
    for (size_t i = 0; i < LINES; i++) {
        lines->len[i] = (size_t)line((char *)lines->bytes[i], LINE_MAX_BYTES);
        lines->total += lines->len[i];
    }
    return lines;
}

static enum gs1_result raw(struct gs1 *out, struct ts_slice text) {
    static const uint8_t table[256] = {['0'] = 1, ['A'] = 2};
    uint8_t all = 0;

    for (size_t i = 0; i < text.len; i++)
        all |= table[text.data[i]];
    out->used = all;
    return GS1_OK;
}

static struct result measure(const struct lines *lines, check_fn check,
                             double seconds) {
    static struct gs1 gs1;
    struct result result = {.good = 0};
    double began = now();
    double spent = 0;
    size_t rounds = 0;

    while (spent < seconds) {
        result.good = 0;
        for (size_t i = 0; i < LINES; i++) {
            struct ts_slice text = {lines->bytes[i], lines->len[i]};
            result.good += check(&gs1, text) == GS1_OK;
        }
        rounds++;
        spent = now() - began;
    }
    result.lines_a_second = (double)rounds * LINES / spent;
    return result;
}

static void report(const char *name, int (*line)(char *out, size_t size),
                   check_fn check, double seconds) {
    struct lines *lines = make(line);
    struct result limit = measure(lines, raw, seconds / 2);
    struct result rate = measure(lines, check, seconds);

    printf("\"%s\":{\"lines\":%d,\"bytes\":%zu,\"good\":%zu,"
           "\"per_second\":%.0f,\"raw_per_second\":%.0f}",
           name, LINES, lines->total, rate.good, rate.lines_a_second,
           limit.lines_a_second);
    free(lines);
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"seconds", required_argument, NULL, 's'}, {NULL, 0, NULL, 0}};
    double seconds = 2;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option != 's') {
            (void)fprintf(stderr, "usage: bench_codes [--seconds N]\n");
            return 2;
        }
        seconds = strtod(optarg, NULL);
    }
    srand(1);
    printf("{");
    report("element_strings", element_string, gs1_parse, seconds);
    printf(",");
    report("digital_links", link_text, gs1_parse_link, seconds);
    printf("}\n");
    return 0;
}
