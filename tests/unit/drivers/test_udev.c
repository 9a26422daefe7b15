/* The udev rules hold the devices of the table, all of them and no others, and
 * are what udev can read. */
#include "base/bytes.h"
#include "drivers/port/devices.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RULES TESSERA_SOURCE_DIR "/packaging/udev/60-tessera-readers.rules"

enum { RULE_TEXT = 160, GLOB_TEXT = 5 };

static int set_up(void **state) {
    struct ts_buf *rules = ts_alloc(sizeof *rules);
    struct ts_err err;

    ts_buf_init(rules, 0);
    if (ts_file_read(rules, RULES, 1 << 20, &err) != TS_OK)
        fail_msg("%s", err.text);
    *state = rules;
    return 0;
}

static int tear_down(void **state) {
    ts_buf_fini(*state);
    free(*state);
    return 0;
}

/* "0006" under the mask 00ff is "??06". */
static void glob_of(char out[GLOB_TEXT], const struct device *device) {
    (void)snprintf(out, GLOB_TEXT, "%04x", device->product);
    for (size_t digit = 0; digit < 4; digit++)
        if (!(device->mask >> (4 * (3 - digit)) & 15))
            out[digit] = '?';
}

/* `keys` is "ATTR" for the USB device and "ATTRS" for what hangs on it. */
static void rule_of(char out[RULE_TEXT], const struct device *device,
                    const char *keys, const char *action) {
    char glob[GLOB_TEXT];

    glob_of(glob, device);
    if (device->mask)
        (void)snprintf(out, RULE_TEXT,
                       "\n%s{idVendor}==\"%04x\", %s{idProduct}==\"%s\", %s\n",
                       keys, device->vendor, keys, glob, action);
    else
        (void)snprintf(out, RULE_TEXT, "\n%s{idVendor}==\"%04x\", %s\n", keys,
                       device->vendor, action);
}

/* The rule of the vendor as a whole does for each of its products that has
 * the same answer. */
static const struct device *vendor_row(const struct device *device) {
    const struct device *other;

    for (size_t i = 0; (other = device_at(i)) != NULL; i++)
        if (other->vendor == device->vendor && !other->mask)
            return other;
    return NULL;
}

static void assert_rule(struct ts_buf *rules, const char *rule) {
    if (!strstr(ts_buf_text(rules), rule))
        fail_msg("%s has no rule: %s", RULES, rule + 1);
}

static void test_each_device_has_its_rules(void **state) {
    struct ts_buf *rules = *state;
    const struct device *device;

    for (size_t i = 0; (device = device_at(i)) != NULL; i++) {
        const struct device *whole = vendor_row(device);
        char action[64];
        char rule[RULE_TEXT];

        rule_of(rule, whole ? whole : device, "ATTR",
                "ENV{ID_MM_DEVICE_IGNORE}=\"1\"");
        assert_rule(rules, rule);
        if (whole && strcmp(whole->link, device->link) == 0)
            device = whole;
        (void)snprintf(action, sizeof action, "ENV{TESSERA_READER}=\"%s\"",
                       device->link);
        rule_of(rule, device, "ATTRS", action);
        assert_rule(rules, rule);
    }
}

static void test_no_rule_is_for_another_device(void **state) {
    struct ts_buf *rules = *state;
    static const char key[] = "{idVendor}==\"";
    const char *at = ts_buf_text(rules);

    while ((at = strstr(at, key)) != NULL) {
        unsigned long vendor = strtoul(at += sizeof key - 1, NULL, 16);
        const struct device *device;
        size_t i = 0;
        while ((device = device_at(i)) != NULL && device->vendor != vendor)
            i++;
        if (!device)
            fail_msg("%04lx is not in drivers/port/devices.c", vendor);
    }
}

/* What `udevadm verify` of a newer udev says of syntax: each line is a list of
 * KEY, operator and value, and each GOTO has its label further down. */
static void test_syntax(void **state) {
    static const char grammar[] =
        "^([A-Z]+(\\{[^{}]+\\})?(==|!=|=|\\+=|:=)\"[^\"]*\""
        "(, [A-Z]+(\\{[^{}]+\\})?(==|!=|=|\\+=|:=)\"[^\"]*\")*|#.*|)$";
    char *text = ts_strdup(ts_buf_text(*state));
    char *rest = text;
    size_t rules = 0;
    regex_t line;

    assert_int_equal(regcomp(&line, grammar, REG_EXTENDED | REG_NOSUB), 0);
    for (char *at; (at = strsep(&rest, "\n")) != NULL;) {
        if (regexec(&line, at, 0, NULL, 0) != 0)
            fail_msg("udev cannot read: %s", at);
        rules += at[0] && at[0] != '#';
        char *jump = strstr(at, "GOTO=\"");
        if (jump && rest) {
            char label[96];
            (void)snprintf(label, sizeof label, "LABEL=\"%.*s\"",
                           (int)strcspn(jump + 6, "\""), jump + 6);
            if (!strstr(rest, label))
                fail_msg("no %s behind: %s", label, at);
        }
    }
    assert_true(rules > 30);
    regfree(&line);
    free(text);
}

static void test_what_the_rules_do(void **state) {
    static const char *const has[] = {
        "GROUP=\"dialout\", MODE=\"0660\"",
        "SYMLINK+=\"tessera/$env{TESSERA_READER}-$env{ID_SERIAL_SHORT}",
        "ENV{DEVTYPE}!=\"usb_device\", GOTO=",
    };

    for (size_t i = 0; i < sizeof has / sizeof has[0]; i++)
        assert_non_null(strstr(ts_buf_text(*state), has[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_device_has_its_rules),
        cmocka_unit_test(test_no_rule_is_for_another_device),
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_what_the_rules_do),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
