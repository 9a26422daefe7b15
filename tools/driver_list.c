#include "tools/driver_list.h"

#include "drivers/driver.h"

#include <stdio.h>

enum { HEX_MAX = 128 };

static void hex_print(const char *what, struct ts_slice bytes) {
    char hex[2 * HEX_MAX + 1];

    if (bytes.len == 0 || bytes.len > HEX_MAX)
        return;
    ts_hex(hex, bytes);
    printf("      %-12s %s\n", what, hex);
}

static void profile_print(const struct driver_profile *profile) {
    const struct driver_commands *commands = &profile->commands;
    struct port_line line = profile->line;

    if (line.baud == 0)
        line = (struct port_line){
            .baud = 9600, .data_bits = 8, .parity = 'N', .stop_bits = 1};
    printf("  %-17s %u %u%c%u%s  %s\n", profile->name, line.baud,
           line.data_bits, line.parity, line.stop_bits,
           line.rts_cts ? " RTS/CTS" : "",
           profile->summary ? profile->summary : "");
    for (size_t tone = TONE_ONE; tone < TONES; tone++) {
        char what[24];
        (void)snprintf(what, sizeof what, "tone %s",
                       driver_tone_name((enum driver_tone)tone));
        hex_print(what, profile->tones[tone]);
    }
    hex_print("trigger on", commands->trigger_on);
    hex_print("trigger off", commands->trigger_off);
    hex_print("enable", commands->enable);
    hex_print("disable", commands->disable);
}

void driver_list_print(void) {
    const struct driver *driver;

    for (size_t i = 0; (driver = driver_at(i)) != NULL; i++) {
        printf("%s: %s\n", driver->name, driver->summary);
        for (const struct driver_profile *p = driver->profiles; p->name; p++)
            profile_print(p);
    }
}
