/* Nothing of a payment card stays on the stack or in the state of what looks
 * at it: each card is taken on a stack of its own, which is searched then. */
#include "drivers/code/code.h"
#include "drivers/driver.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STACK_BYTES = 1 << 20, WINDOW = 6 };

/* One reading of a card, and where it is taken. */
struct taken {
    const char *driver;
    struct ts_slice text; /* as it comes from the device */
    uint8_t *input;       /* the same, in memory that is not searched */
    uint8_t *state;
    size_t state_size;
    size_t refused;
};

static void on_scan(void *ctx, const struct scan *scan) {
    struct taken *taken = ctx;
    struct code code;

    code_classify(&code, scan, NULL);
    taken->refused += code.kind == CODE_PAYMENT_CARD;
}

static void on_reject(void *ctx, enum scan_error error, const char *hint) {
    (void)ctx;
    (void)error;
    (void)hint;
}

static void on_notice(void *ctx, const struct notice *notice) {
    (void)ctx;
    (void)notice;
}

static void on_send(void *ctx, struct ts_slice bytes) {
    (void)ctx;
    (void)bytes;
}

static void *take(void *arg) {
    struct taken *taken = arg;
    const struct driver *driver = driver_find(taken->driver);
    struct driver_sink sink = {taken, on_scan, on_reject, on_notice, on_send};
    struct ts_slice bytes = ts_slice_of(taken->input, taken->text.len);
    struct ts_mono at = {0};

    driver->open(taken->state, driver->profiles, &sink);
    driver->feed(taken->state, bytes, at, &sink);
    if (driver->deadline(taken->state, &at))
        driver->expire(taken->state, at, &sink);
    return NULL;
}

/* Digits of `text` in a row, as characters or as values. */
static void digits_of(char *out, size_t size, const char *text) {
    size_t len = 0;

    for (; *text && len + 1 < size; text++)
        if (*text >= '0' && *text <= '9')
            out[len++] = *text;
    out[len] = 0;
}

static bool holds(const uint8_t *bytes, size_t len, const char *window) {
    uint8_t values[WINDOW];
    size_t zeros = 0;

    for (size_t i = 0; i < WINDOW; i++) {
        values[i] = (uint8_t)(window[i] - '0');
        zeros += !values[i];
    }
    /* Small numbers are mostly zeros. */
    return memmem(bytes, len, window, WINDOW) ||
           (zeros < 3 && memmem(bytes, len, values, WINDOW));
}

static void assert_clean(const struct taken *taken, const uint8_t *stack,
                         const char *number) {
    char digits[64];

    digits_of(digits, sizeof digits, number);
    assert_true(strlen(digits) >= WINDOW);
    for (size_t at = 0; at + WINDOW <= strlen(digits); at++) {
        if (holds(stack, STACK_BYTES, digits + at))
            fail_msg("%s: the stack holds %.6s of %.*s", taken->driver,
                     digits + at, (int)taken->text.len,
                     (const char *)taken->text.data);
        if (holds(taken->state, taken->state_size, digits + at))
            fail_msg("%s: the state holds %.6s of %.*s", taken->driver,
                     digits + at, (int)taken->text.len,
                     (const char *)taken->text.data);
    }
}

static size_t take_on_a_stack(const char *driver, struct ts_slice text,
                              const char *number) {
    struct taken taken = {.driver = driver, .text = text};
    uint8_t *stack = NULL;
    pthread_attr_t attributes;
    pthread_t thread;

    assert_int_equal(posix_memalign((void **)&stack, 4096, STACK_BYTES), 0);
    memset(stack, 0, STACK_BYTES);
    taken.state_size = driver_find(driver)->state_size;
    taken.state = calloc(1, taken.state_size);
    taken.input = ts_alloc(text.len);
    memcpy(taken.input, text.data, text.len);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attributes, take, &taken), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_clean(&taken, stack, number);
    (void)pthread_attr_destroy(&attributes);
    free(taken.input);
    free(taken.state);
    free(stack);
    return taken.refused;
}

/* Public test numbers without long runs of one digit. */
#define VISA       "4263982640269299"
#define MASTERCARD "5425233430109903"
#define AMEX       "371449635398431"
#define DINERS     "30569309025904"
#define DINERS_GS1 "38520000023237"

/* A text of the device with its length: frames hold zeros. */
#define BYTES(text)                                                            \
    { (const uint8_t *)(text), sizeof(text) - 1 }

static const struct {
    const char *driver;
    struct ts_slice text;
    const char *number;
} cards[] = {
    {"msr",
     BYTES("\x02\x1b%B" VISA "^ROSSI/MARIO^29121010000?;" VISA
           "=29121010000?+01" VISA "=724724100000000000?0\r\x03"),
     VISA},
    {"msr", BYTES("%B3714 496353 98431^TEST/CARD^29121010?\r"), AMEX},
    {"msr", BYTES(";" MASTERCARD "=2912101\r"), MASTERCARD},
    {"msr", BYTES(";" MASTERCARD "=2912101"), MASTERCARD},
    {"msr", BYTES(";6759********8453=29121010000?\r;" DINERS "=2912?\r"),
     DINERS},
    {"line", BYTES(MASTERCARD "\r"), MASTERCARD},
    {"line", BYTES("]C0" VISA "\r"), VISA},
    {"line", BYTES("]Q14263 9826 4026 9299\r"), VISA},
    {"line", BYTES("4263-9826-4026-9299\r"), VISA},
    {"line", BYTES(DINERS "\r"), DINERS},
    {"line", BYTES(DINERS_GS1 "\r"), DINERS_GS1},
    {"line", BYTES("]E0" VISA "\r"), VISA},
    {"line", BYTES("]d1" VISA "\\000026x\r"), VISA},
    {"line",
     BYTES("]C121" VISA "\x1d"
           "10AB\r"),
     VISA},
    {"line", BYTES("]C10" VISA "\r"), VISA},
    {"line", BYTES("]Q1https://id.example.com/01/09521234500001/21/" VISA "\r"),
     VISA},
    {"line", BYTES("]Q1https://pay.example.com/?card=" VISA "\r"), VISA},
    {"line", BYTES("]Q1https://id.example.com/01/09521234500001?x=" AMEX "\r"),
     AMEX},
    {"line", BYTES("]L2%B" VISA "^TEST/CARD^29121010000?\r"), VISA},
    {"line",
     BYTES(
         "]Q1https://id.example.com/01/09521234500001/21/426398264026929%39\r"),
     VISA},
    {"ssi", BYTES("\x15\xf3\x00\x00\x03" VISA "\xfb\xa4"), VISA},
    {"dechdr",
     BYTES("\x16\xfe\x1f\x00\x00\x00\x0dMSGGET0017jC0\x1d" VISA "\x0d"), VISA},
};

static void test_nothing_stays(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cards / sizeof cards[0]; i++)
        if (take_on_a_stack(cards[i].driver, cards[i].text, cards[i].number) ==
            0)
            fail_msg("%s: not refused: %zu", cards[i].driver, i);
}

/* The search finds what somebody leaves. */
static void *leave(void *arg) {
    volatile char copy[64];
    const char *text = arg;

    for (size_t i = 0; i < sizeof copy; i++)
        copy[i] = text[i % strlen(text)];
    return (void *)(uintptr_t)copy[3];
}

static void test_the_search_finds(void **state) {
    char *text = strdup(VISA);
    uint8_t *stack = NULL;
    pthread_attr_t attributes;
    pthread_t thread;

    (void)state;
    assert_int_equal(posix_memalign((void **)&stack, 4096, STACK_BYTES), 0);
    memset(stack, 0, STACK_BYTES);
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstack(&attributes, stack, STACK_BYTES), 0);
    assert_int_equal(pthread_create(&thread, &attributes, leave, text), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(holds(stack, STACK_BYTES, "426398"));
    (void)pthread_attr_destroy(&attributes);
    free(text);
    free(stack);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_search_finds),
        cmocka_unit_test(test_nothing_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
