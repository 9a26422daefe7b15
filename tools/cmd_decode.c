#include "tools/commands.h"

#include "agent/config.h"
#include "drivers/repeat.h"
#include "drivers/code/shop.h"
#include "tools/decoder.h"
#include "tools/driver_list.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tessera decode [options] [FILE]\n"
    "\n"
    "Prints what a driver makes of the bytes of a reader, one JSON object a\n"
    "line. FILE is standard input when it is missing or \"-\".\n"
    "\n"
    "  --driver NAME     protocol of the reader (default: line)\n"
    "  --profile NAME    make or set-up of the reader (default: the first)\n"
    "  --hex             the input is hex digits, white space is skipped\n"
    "  --settings FILE   the shop's rules: the agent's settings file, or one\n"
    "                    of card, item, measure and loyalty_issuer sections,\n"
    "                    link_hosts and national_measure alone\n"
    "  --repeat-ms N     the same code again within N ms is a repeat;\n"
    "                    0 switches that off (default: 300)\n"
    "  --list            the drivers and their profiles, with line setting,\n"
    "                    tones and commands in hex\n"
    "\n"
    "Exit code: 0 all understood, 1 something was rejected, 2 wrong call.\n";

/* A file of the shop's rules alone; the other kind is an agent's own file. */
static const struct ts_setting decode_settings[] = {SHOP_SETTINGS,
                                                    {.name = NULL}};

struct decode {
    const char *driver;
    const char *profile;
    const char *settings;
    const char *file;
    unsigned repeat_ms;
    bool hex;
};

enum option_code {
    OPT_HELP = 'h',
    OPT_DRIVER = 256,
    OPT_PROFILE,
    OPT_HEX,
    OPT_SETTINGS,
    OPT_REPEAT,
    OPT_LIST
};

static const struct option options[] = {
    {"driver", required_argument, NULL, OPT_DRIVER},
    {"profile", required_argument, NULL, OPT_PROFILE},
    {"hex", no_argument, NULL, OPT_HEX},
    {"settings", required_argument, NULL, OPT_SETTINGS},
    {"repeat-ms", required_argument, NULL, OPT_REPEAT},
    {"list", no_argument, NULL, OPT_LIST},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

enum { GO_ON = -1 };

static int option_take(struct decode *decode, int option) {
    char *end;
    unsigned long number;

    switch (option) {
    case OPT_DRIVER:
        decode->driver = optarg;
        return GO_ON;
    case OPT_PROFILE:
        decode->profile = optarg;
        return GO_ON;
    case OPT_HEX:
        decode->hex = true;
        return GO_ON;
    case OPT_SETTINGS:
        decode->settings = optarg;
        return GO_ON;
    case OPT_REPEAT:
        number = strtoul(optarg, &end, 10);
        if (!*optarg || *end || number > 60000) {
            fputs("tessera decode: --repeat-ms takes 0 to 60000\n", stderr);
            return COMMAND_USAGE;
        }
        decode->repeat_ms = (unsigned)number;
        return GO_ON;
    case OPT_LIST:
        driver_list_print();
        return COMMAND_OK;
    case OPT_HELP:
        fputs(usage, stdout);
        return COMMAND_OK;
    default:
        fputs("See `tessera decode --help`.\n", stderr);
        return COMMAND_USAGE;
    }
}

static int arguments_read(struct decode *decode, int argc, char **argv) {
    int option;

    *decode = (struct decode){.driver = "line", .repeat_ms = REPEAT_DEFAULT_MS};
    optind = 1;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        int code = option_take(decode, option);
        if (code != GO_ON)
            return code;
    }
    if (argc - optind > 1) {
        fputs("tessera decode: one FILE at most\n", stderr);
        return COMMAND_USAGE;
    }
    decode->file = optind < argc ? argv[optind] : "-";
    return GO_ON;
}

static bool stream_read(struct ts_buf *out, const char *path) {
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    uint8_t piece[4096];
    size_t len;

    if (!file) {
        fprintf(stderr, "tessera decode: %s: %s\n", path, strerror(errno));
        return false;
    }
    bool fits = true;
    while (fits && (len = fread(piece, 1, sizeof piece, file)) > 0)
        fits = ts_buf_add(out, ts_slice_of(piece, len)) == TS_OK;
    bool failed = ferror(file) != 0;
    if (!standard)
        (void)fclose(file);
    if (!fits)
        fprintf(stderr, "tessera decode: %s is over 64 MiB; cut it\n", path);
    else if (failed)
        fprintf(stderr, "tessera decode: %s cannot be read\n", path);
    return fits && !failed;
}

/* In place: the bytes are never more than the digits. */
static bool hex_read(struct ts_buf *buf) {
    size_t digits = 0;
    size_t len = 0;

    for (size_t i = 0; i < buf->len; i++) {
        uint8_t byte = buf->data[i];
        if (byte == 0 || !strchr(" \t\r\n", byte))
            buf->data[digits++] = byte;
    }
    if (ts_unhex(buf->data, buf->cap, &len, ts_slice_of(buf->data, digits)) !=
        TS_OK) {
        fputs("tessera decode: the input is not pairs of hex digits; leave "
              "--hex out for raw bytes\n",
              stderr);
        return false;
    }
    buf->len = len;
    return true;
}

static void event_print(void *ctx, const json_t *event) {
    struct ts_buf *line = ctx;

    ts_buf_clear(line);
    if (ts_json_compact(line, event) == TS_OK)
        puts(ts_buf_text(line));
}

static int decode_bytes(const struct decoder_options *how,
                        struct ts_slice bytes) {
    struct ts_buf line;
    struct decoder_events events = {.ctx = &line, .event = event_print};

    ts_buf_init(&line, 0);
    struct decoder *decoder = decoder_new(how, &events);
    decoder_feed(decoder, bytes, (struct ts_mono){0});
    decoder_finish(decoder);
    if (decoder_count(decoder) == 0)
        puts("{\"kind\":\"none\"}");
    int code = decoder_rejects(decoder) ? COMMAND_FAILED : COMMAND_OK;
    decoder_free(decoder);
    ts_buf_fini(&line);
    return code;
}

static bool driver_choose(const struct decode *decode,
                          struct decoder_options *how) {
    how->driver = driver_find(decode->driver);
    if (!how->driver) {
        fprintf(stderr, "tessera decode: no driver \"%s\"; --list tells them\n",
                decode->driver);
        return false;
    }
    how->profile = decode->profile
                       ? driver_profile_find(how->driver, decode->profile)
                       : how->driver->profiles;
    if (!how->profile)
        fprintf(stderr,
                "tessera decode: driver %s has no profile \"%s\"; --list "
                "tells them\n",
                decode->driver, decode->profile);
    return how->profile != NULL;
}

static bool shop_load_as(struct shop **out, const char *path,
                         const struct ts_setting *table,
                         struct ts_buf *problems) {
    struct ts_settings *settings = NULL;
    bool good = ts_settings_load(&settings, path, table, problems) == TS_OK &&
                shop_new(out, settings, problems) == TS_OK;

    if (good && table == agent_config_table)
        shop_set_currency(
            *out,
            ts_settings_text(ts_settings_group(settings, "visit"), "currency"));
    ts_settings_free(settings);
    return good;
}

/* An agent's file may hold all that one of rules alone holds. What stops the
 * reading as the latter and not as the former is a name of the agent's own. */
static bool is_agents(const char *alone, const char *agent) {
    const char *unknown = strstr(alone, "unknown setting ");

    return unknown &&
           !memmem(agent, strlen(agent), unknown, strcspn(unknown, ";"));
}

/* Where neither reading is right, the kind that the file is tells its
 * mistakes. */
static bool shop_load(struct shop **out, const char *path) {
    struct ts_buf alone;
    struct ts_buf agent;

    ts_buf_init(&alone, 0);
    ts_buf_init(&agent, 0);
    bool good = shop_load_as(out, path, decode_settings, &alone) ||
                shop_load_as(out, path, agent_config_table, &agent);
    if (!good) {
        bool agents = is_agents(ts_buf_text(&alone), ts_buf_text(&agent));
        fputs(ts_buf_text(agents ? &agent : &alone), stderr);
    }
    ts_buf_fini(&alone);
    ts_buf_fini(&agent);
    return good;
}

static int decode_file(const struct decode *decode,
                       const struct decoder_options *how) {
    enum { INPUT_MAX_BYTES = 64 * 1024 * 1024 };
    struct ts_buf input;
    int code = COMMAND_USAGE;

    ts_buf_init(&input, INPUT_MAX_BYTES);
    if (stream_read(&input, decode->file) && (!decode->hex || hex_read(&input)))
        code = decode_bytes(how, ts_buf_slice(&input));
    if (input.cap)
        explicit_bzero(input.data, input.cap);
    ts_buf_fini(&input);
    return code;
}

int cmd_decode(int argc, char **argv) {
    struct decode decode;
    struct shop *shop = NULL;
    int code = arguments_read(&decode, argc, argv);

    if (code != GO_ON)
        return code;
    struct decoder_options how = {.repeat_ms = decode.repeat_ms};
    if (!driver_choose(&decode, &how) ||
        (decode.settings && !shop_load(&shop, decode.settings)))
        return COMMAND_USAGE;
    how.rules = shop_rules(shop);
    code = decode_file(&decode, &how);
    shop_free(shop);
    return code;
}
