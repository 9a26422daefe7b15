#include "tools/commands.h"

#include "base/json.h"
#include "drivers/port.h"
#include "drivers/port_hint.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: tessera ports [--json]\n"
    "\n"
    "Lists the serial ports of this machine, the stable name to put into the\n"
    "settings, and the driver and profile that the USB identity suggests.\n";

struct listing {
    bool json;
    size_t count;
};

/* What to write as `port = "..."`. */
static void stable_name(char *out, size_t size, const struct port_info *info) {
    if (info->by_id[0])
        (void)snprintf(out, size, "%s", info->by_id);
    else if (info->usb[0])
        (void)snprintf(out, size, "usb:%s%s%s", info->usb,
                       info->serial[0] ? ":" : "", info->serial);
    else
        (void)snprintf(out, size, "%s", info->path);
}

static void print_text(const struct port_info *info,
                       const struct port_hint *hint, const char *name) {
    printf("%s\n", info->path);
    if (info->usb[0])
        printf("  device   %s %s%s%s\n", info->usb, info->description,
               info->serial[0] ? ", serial " : "", info->serial);
    printf("  suggests driver \"%s\", profile \"%s\" (%s)\n", hint->driver,
           hint->profile, hint->what);
    printf("  settings port = \"%s\"\n", name);
}

static void print_json(const struct port_info *info,
                       const struct port_hint *hint, const char *name) {
    struct ts_buf line;
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "path",
                  info->path, "by_id", info->by_id, "usb", info->usb, "serial",
                  info->serial, "description", info->description, "port", name,
                  "driver", hint->driver, "profile", hint->profile);

    if (!row) {
        fprintf(stderr, "tessera ports: %s: its USB texts are not UTF-8\n",
                info->path);
        return;
    }
    ts_buf_init(&line, 0);
    if (ts_json_compact(&line, row) == TS_OK)
        puts(ts_buf_text(&line));
    ts_buf_fini(&line);
    json_decref(row);
}

static void on_port(void *ctx, const struct port_info *info) {
    struct listing *listing = ctx;
    const struct port_hint *hint = port_hint_find(info->usb);
    char name[sizeof info->by_id + 32];

    stable_name(name, sizeof name, info);
    listing->count++;
    if (listing->json)
        print_json(info, hint, name);
    else
        print_text(info, hint, name);
}

int cmd_ports(int argc, char **argv) {
    struct listing listing = {.count = 0};
    struct ts_err err;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            listing.json = true;
            continue;
        }
        bool help =
            strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
        fputs(usage, help ? stdout : stderr);
        return help ? COMMAND_OK : COMMAND_USAGE;
    }
    if (port_list(on_port, &listing, &err) != TS_OK) {
        fprintf(stderr, "tessera ports: %s\n", err.text);
        return COMMAND_FAILED;
    }
    if (listing.count == 0 && !listing.json)
        puts("No serial port is plugged in. A reader in keyboard mode is not "
             "one: set it to USB-COM (CDC) with the code in its manual.");
    return COMMAND_OK;
}
