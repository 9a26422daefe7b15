#include "tools/listen.h"

#include "base/json.h"
#include "base/time.h"
#include "drivers/driver.h"
#include "drivers/recognise.h"
#include "tools/commands.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A pause that ends what a reader sends; several codes in a row are one. */
enum { PAUSE_MS = 250, HEARD_MAX = 8192, READS_A_PASS = 16 };

/* A port that is listened to. */
struct station {
    const struct listen_target *target;
    struct port *port; /* NULL: closed */
    struct port_line line;
    struct ts_mono last_byte;
    size_t len;
    uint8_t bytes[HEARD_MAX];
};

struct session {
    const struct listen_options *options;
    struct ts_mono end;
    bool recognised;
    size_t open;
    struct station stations[LISTEN_PORTS_MAX];
};

void listen_add(struct listen_options *options, const char *name,
                const struct port_info *info) {
    if (options->count == LISTEN_PORTS_MAX) {
        fprintf(stderr, "tessera ports: %s is left out: %d ports at most\n",
                name, LISTEN_PORTS_MAX);
        return;
    }
    struct listen_target *target = &options->targets[options->count++];
    (void)snprintf(target->name, sizeof target->name, "%s", name);
    target->device = device_find(info ? info->usb : "");
    target->has_speed = !info || !strstr(info->path, "ttyACM");
}

static struct ts_mono now(void) { return ts_clock_mono(ts_clock_system()); }

static bool station_open(struct station *station) {
    struct ts_err err;

    if (port_open(&station->port, station->target->name, &station->line,
                  &err) == TS_OK)
        return true;
    station->port = NULL;
    fprintf(stderr, "tessera ports: %s\n", err.text);
    return false;
}

static void station_close(struct session *session, struct station *station) {
    if (!station->port)
        return;
    port_close(station->port);
    station->port = NULL;
    explicit_bzero(station->bytes, sizeof station->bytes);
    station->len = 0;
    session->open--;
}

/* The profile that the make of the device suggests goes before the plain
 * ones. */
static const char *profile_of(const struct station *station,
                              const struct heard *heard) {
    const struct device *device = station->target->device;
    const struct device_other *other = device_other(device);
    const struct driver *driver = driver_find(heard->driver);
    bool plain = !heard->profile || strcmp(heard->profile, "generic") == 0 ||
                 strcmp(heard->profile, "aim") == 0;

    if (plain && other && strcmp(other->driver, heard->driver) == 0)
        return other->profile;
    if (plain && device->trust <= DEVICE_LIKELY &&
        strcmp(device->driver, heard->driver) == 0)
        return device->profile;
    if (heard->profile)
        return heard->profile;
    return driver ? driver->profiles->name : "";
}

static const char *parity_name(char parity) {
    if (parity == 'E')
        return "even";
    return parity == 'O' ? "odd" : "none";
}

static void print_section(const struct station *station,
                          const struct heard *heard) {
    const struct port_line *line = &heard->line;

    printf("\nreader \"scanner\" {\n  port = \"%s\"\n  driver = \"%s\"\n"
           "  profile = \"%s\"\n",
           station->target->name, heard->driver, profile_of(station, heard));
    if (station->target->has_speed)
        printf("  baud = %u\n", line->baud);
    if (line->data_bits != 8)
        printf("  data_bits = %u\n", line->data_bits);
    if (line->parity != 'N')
        printf("  parity = \"%s\"\n", parity_name(line->parity));
    puts("}");
}

static void print_heard(const struct station *station,
                        const struct heard *heard) {
    printf("%s: %s", station->target->name, heard->what);
    if (heard->messages)
        printf(", %zu message%s", heard->messages,
               heard->messages == 1 ? "" : "s");
    if (heard->length)
        printf(", the first %zu characters (%s)", heard->length,
               heard->content);
    if (heard->ending[0])
        printf(", ended by %s", heard->ending);
    if (heard->aim || heard->code_id)
        printf(", with %s", heard->aim ? "an AIM identifier" : "a code letter");
    putchar('\n');
    if (heard->advice[0])
        printf("  %s\n", heard->advice);
}

static void print_json(const struct station *station,
                       const struct heard *heard) {
    bool known = heard->verdict == HEARD_READER;
    struct ts_buf text;
    json_t *object = json_pack(
        "{s:s, s:s, s:b, s:s, s:s, s:i, s:i, s:s, s:s, s:s, s:I, s:I, s:b,"
        " s:b, s:s}",
        "port", station->target->name, "what", heard->what, "recognised", known,
        "driver", known ? heard->driver : "", "profile",
        known ? profile_of(station, heard) : "", "baud", (int)heard->line.baud,
        "data_bits", (int)heard->line.data_bits, "parity",
        parity_name(heard->line.parity), "ending", heard->ending, "content",
        heard->content, "messages", (json_int_t)heard->messages, "length",
        (json_int_t)heard->length, "aim", heard->aim, "code_id", heard->code_id,
        "advice", heard->advice);

    ts_buf_init(&text, 0);
    if (object && ts_json_compact(&text, object) == TS_OK)
        puts(ts_buf_text(&text));
    ts_buf_fini(&text);
    json_decref(object);
}

/* Opens the port again under the setting that is tried next. */
static void station_retry(struct session *session, struct station *station,
                          const struct port_line *line) {
    station_close(session, station);
    station->line = *line;
    if (!station_open(station))
        return;
    session->open++;
    if (!session->options->json)
        printf("%s: now %u %u%c%u; scan again.\n", station->target->name,
               line->baud, line->data_bits, line->parity, line->stop_bits);
}

static void station_judge(struct session *session, struct station *station) {
    struct port_line next;
    struct heard heard;

    recognise(&heard, ts_slice_of(station->bytes, station->len),
              &station->line);
    explicit_bzero(station->bytes, station->len);
    station->len = 0;
    if (session->options->json)
        print_json(station, &heard);
    else
        print_heard(station, &heard);
    if (heard.verdict == HEARD_READER) {
        session->recognised = true;
        if (!session->options->json)
            print_section(station, &heard);
    } else if (station->target->has_speed && heard.verdict == HEARD_LINE) {
        station_retry(session, station, &heard.line);
    } else if (station->target->has_speed &&
               recognise_next_line(&next, &station->line)) {
        station_retry(session, station, &next);
    }
    (void)fflush(stdout);
}

static void station_read(struct session *session, struct station *station) {
    enum ts_status status = TS_OK;
    struct ts_err err = {0};

    for (int i = 0; status == TS_OK && i < READS_A_PASS; i++) {
        size_t got = 0;
        if (station->len == HEARD_MAX)
            return; /* enough to judge by */
        status = port_read(station->port, station->bytes + station->len,
                           HEARD_MAX - station->len, &got, &err);
        if (status == TS_OK) {
            station->len += got;
            station->last_byte = now();
        }
    }
    if (status == TS_OK || status == TS_AGAIN)
        return;
    fprintf(stderr, "tessera ports: %s\n", err.text);
    if (station->len)
        station_judge(session, station);
    station_close(session, station);
}

static bool station_paused(const struct station *station, struct ts_mono at) {
    return station->len == HEARD_MAX ||
           (station->len && at.ms - station->last_byte.ms >= PAUSE_MS);
}

static int64_t wait_ms(const struct session *session, struct ts_mono at) {
    int64_t wait = session->end.ms - at.ms;

    for (size_t i = 0; i < session->options->count; i++) {
        const struct station *station = &session->stations[i];
        int64_t left = station->last_byte.ms + PAUSE_MS - at.ms;
        if (station->len && left < wait)
            wait = left;
    }
    return wait < 0 ? 0 : wait;
}

/* Waits for bytes or for the end of a pause, and looks at what came. */
static void session_step(struct session *session) {
    struct pollfd ready[LISTEN_PORTS_MAX];
    size_t count = session->options->count;

    for (size_t i = 0; i < count; i++) {
        struct port *port = session->stations[i].port;
        ready[i] =
            (struct pollfd){.fd = port ? port_fd(port) : -1, .events = POLLIN};
    }
    (void)poll(ready, count, (int)wait_ms(session, now()));
    for (size_t i = 0; i < count && !session->recognised; i++) {
        struct station *station = &session->stations[i];
        if (station->port && ready[i].revents)
            station_read(session, station);
        if (station->port && station_paused(station, now()))
            station_judge(session, station);
    }
}

static void session_open(struct session *session) {
    for (size_t i = 0; i < session->options->count; i++) {
        struct station *station = &session->stations[i];
        station->target = &session->options->targets[i];
        station->line = (struct port_line){.baud = session->options->baud,
                                           .data_bits = 8,
                                           .parity = 'N',
                                           .stop_bits = 1};
        session->open += station_open(station);
    }
    if (session->open && !session->options->json) {
        printf("Listening to %zu port%s for %u s. Scan a code, swipe or hold a "
               "card. Nothing is sent, no digit is shown.\n",
               session->open, session->open == 1 ? "" : "s",
               session->options->seconds);
        (void)fflush(stdout);
    }
}

int listen_run(const struct listen_options *options) {
    struct session *session = ts_alloc(sizeof *session);

    *session = (struct session){.options = options};
    session->end.ms = now().ms + (int64_t)options->seconds * 1000;
    session_open(session);
    while (session->open && !session->recognised && now().ms < session->end.ms)
        session_step(session);
    bool recognised = session->recognised;
    if (session->open && !recognised)
        fputs("tessera ports: nothing recognised. Is the reader in USB-COM or "
              "RS-232 mode, and does it beep when it scans? A reader in "
              "keyboard mode sends nothing here.\n",
              stderr);
    for (size_t i = 0; i < options->count; i++)
        station_close(session, &session->stations[i]);
    free(session);
    return recognised ? COMMAND_OK : COMMAND_FAILED;
}
