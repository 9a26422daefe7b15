#include "tools/commands.h"

#include "base/json.h"
#include "drivers/port/devices.h"
#include "drivers/port/port.h"
#include "drivers/port/port_holder.h"
#include "tools/listen.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: tessera ports [--json]\n"
    "       tessera ports --try [--seconds N] [PORT...]\n"
    "\n"
    "Lists the serial ports of this machine: what is plugged in, who holds "
    "it,\n"
    "the stable name to put into the settings, and the driver and profile "
    "that\n"
    "the USB identity suggests.\n"
    "\n"
    "With --try it listens to the ports (all that are free when none is "
    "named)\n"
    "while you scan, tells what the reader sends, and prints the section for\n"
    "the settings. It sends nothing and shows no digit of a code.\n"
    "\n"
    "  --json         one JSON object a line\n"
    "  --try          listen and tell\n"
    "  --baud N       with --try: begin with this speed (default: 9600)\n"
    "  --seconds N    with --try: give up after N seconds (default: 60)\n"
    "\n"
    "Exit code: 0 listed or recognised, 1 no list or nothing heard,\n"
    "2 wrong call.\n";

struct listing {
    bool json;
    size_t count;
    struct listen_options *listen; /* or NULL: print */
};

/* A port and all that is known of it. */
struct row {
    const struct port_info *info;
    const struct device *device;
    const struct device_other *other; /* or NULL */
    char name[PORT_NAME_TEXT];
    char holder[PORT_HOLDER_TEXT];
    bool open_to_us;
};

static void print_text(const struct row *row) {
    const struct port_info *info = row->info;

    printf("%s\n", info->path);
    if (info->usb[0])
        printf("  device   %s %s%s%s\n", info->usb, info->description,
               info->serial[0] ? ", serial " : "", info->serial);
    printf("  suggests driver \"%s\", profile \"%s\": %s\n",
           row->device->driver, row->device->profile, row->device->what);
    printf("  because  %s\n", device_trust_reason(row->device->trust));
    if (row->other)
        printf("  better   driver \"%s\", profile \"%s\": %s\n",
               row->other->driver, row->other->profile, row->other->why);
    if (row->holder[0])
        printf("  in use   by %s%s\n", row->holder,
               strstr(row->holder, "ModemManager")
                   ? ": install 60-tessera-readers.rules"
                   : "");
    if (!row->open_to_us)
        puts("  access   denied: add the user to the group dialout "
             "(usermod -aG dialout USER)");
    printf("  settings port = \"%s\"\n", row->name);
}

static void print_json(const struct row *row) {
    const struct port_info *info = row->info;
    struct ts_buf line;
    json_t *object = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:s,"
        " s:s}",
        "path", info->path, "by_id", info->by_id, "usb", info->usb, "serial",
        info->serial, "description", info->description, "port", row->name,
        "driver", row->device->driver, "profile", row->device->profile, "what",
        row->device->what, "trust", device_trust_name(row->device->trust),
        "holder", row->holder, "access", row->open_to_us, "better_driver",
        row->other ? row->other->driver : "", "better_profile",
        row->other ? row->other->profile : "");

    if (!object) {
        fprintf(stderr, "tessera ports: %s: its USB texts are not UTF-8\n",
                info->path);
        return;
    }
    ts_buf_init(&line, 0);
    if (ts_json_compact(&line, object) == TS_OK)
        puts(ts_buf_text(&line));
    ts_buf_fini(&line);
    json_decref(object);
}

static void on_port(void *ctx, const struct port_info *info) {
    struct listing *listing = ctx;
    struct row row = {.info = info, .device = device_find(info->usb)};

    listing->count++;
    row.other = device_other(row.device);
    port_stable_name(row.name, info);
    if (listing->listen) {
        listen_add(listing->listen, row.name, info);
        return;
    }
    row.open_to_us = access(info->path, R_OK | W_OK) == 0;
    (void)port_holder(row.holder, info->path);
    if (listing->json)
        print_json(&row);
    else
        print_text(&row);
}

static void print_none(void) {
    puts("No serial port is plugged in. A reader in keyboard mode is not one: "
         "set it to USB-COM (CDC) with the code in its manual.");
    if (port_program_runs("brltty"))
        puts("brltty runs: it takes CH340 and CP210x adapters away a moment "
             "after they are plugged in. Remove that package.");
}

static int list(struct listing *listing, const char *root) {
    struct ts_err err;

    if (port_list(root, on_port, listing, &err) != TS_OK) {
        fprintf(stderr, "tessera ports: %s\n", err.text);
        return COMMAND_FAILED;
    }
    if (listing->count == 0 && !listing->json)
        print_none();
    return listing->count == 0 && listing->listen ? COMMAND_FAILED : COMMAND_OK;
}

enum option_code { OPT_JSON = 256, OPT_TRY, OPT_BAUD, OPT_SECONDS, OPT_ROOT };

/* --root DIR stands before /sys and /dev, for tests. */
static const struct option options[] = {
    {"json", no_argument, NULL, OPT_JSON},
    {"try", no_argument, NULL, OPT_TRY},
    {"baud", required_argument, NULL, OPT_BAUD},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"root", required_argument, NULL, OPT_ROOT},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct ports {
    bool json, listen;
    const char *root;
    struct listen_options how;
};

static bool number_read(unsigned *out, unsigned min, unsigned max) {
    char *end;
    unsigned long number = strtoul(optarg, &end, 10);

    if (!*optarg || *end || number < min || number > max)
        return false;
    *out = (unsigned)number;
    return true;
}

static int option_take(struct ports *ports, int option) {
    switch (option) {
    case OPT_JSON:
        ports->json = true;
        return COMMAND_OK;
    case OPT_TRY:
        ports->listen = true;
        return COMMAND_OK;
    case OPT_ROOT:
        ports->root = optarg;
        return COMMAND_OK;
    case OPT_BAUD:
        if (number_read(&ports->how.baud, 300, 4000000))
            return COMMAND_OK;
        fputs("tessera ports: --baud takes 300 to 4000000\n", stderr);
        return COMMAND_USAGE;
    case OPT_SECONDS:
        if (number_read(&ports->how.seconds, 1, 86400))
            return COMMAND_OK;
        fputs("tessera ports: --seconds takes 1 to 86400\n", stderr);
        return COMMAND_USAGE;
    default:
        fputs(usage, stderr);
        return COMMAND_USAGE;
    }
}

/* Looks for a port of that name in the list, for its USB identity. */
struct search {
    const char *name;
    char *real;
    bool found;
    struct port_info info;
};

static void on_candidate(void *ctx, const struct port_info *info) {
    struct search *search = ctx;
    char stable[PORT_NAME_TEXT];

    port_stable_name(stable, info);
    if (strcmp(stable, search->name) != 0 &&
        (!search->real || strcmp(search->real, info->path) != 0))
        return;
    search->found = true;
    search->info = *info;
}

static void add_named(struct ports *ports, const char *name) {
    struct search search = {.name = name, .real = realpath(name, NULL)};
    struct ts_err err;

    /* Without a list it is a port that nothing is known of. */
    if (port_list(ports->root, on_candidate, &search, &err) != TS_OK)
        search.found = false;
    listen_add(&ports->how, name, search.found ? &search.info : NULL);
    free(search.real);
}

static int ports_listen(struct ports *ports, int argc, char **argv) {
    struct listing listing = {.listen = &ports->how};
    int code = COMMAND_OK;

    for (int i = optind; i < argc; i++)
        add_named(ports, argv[i]);
    if (optind == argc)
        code = list(&listing, ports->root);
    return code == COMMAND_OK ? listen_run(&ports->how) : code;
}

int cmd_ports(int argc, char **argv) {
    struct ports ports = {.root = "", .how = {.baud = 9600, .seconds = 60}};
    int option;

    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return COMMAND_OK;
        }
        int code = option_take(&ports, option);
        if (code != COMMAND_OK)
            return code;
    }
    ports.how.json = ports.json;
    if (ports.listen)
        return ports_listen(&ports, argc, argv);
    if (optind != argc) {
        fputs(usage, stderr);
        return COMMAND_USAGE;
    }
    return list(&(struct listing){.json = ports.json}, ports.root);
}
