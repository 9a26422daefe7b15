#include "drivers/ssi_link.h"

#include <string.h>

enum { TRIES = 3 };

void ssi_send(const struct driver_sink *sink, const struct ssi_packet *packet) {
    uint8_t bytes[SSI_PACKET_MAX];
    size_t len = ssi_encode(bytes, packet);

    sink->send(sink->ctx, ts_slice_of(bytes, len));
}

static struct ts_mono later(struct ts_mono now, int64_t ms) {
    return (struct ts_mono){now.ms + ms};
}

static const struct ssi_command *command_of(const struct ssi_link *link) {
    return &link->setup->commands[link->command];
}

static void link_tell(const struct driver_sink *sink, enum notice_kind kind,
                      const char *text, const char *hint) {
    sink->notice(
        sink->ctx,
        &(struct notice){.kind = kind,
                         .name = kind == NOTICE_READY ? "ready" : "silent",
                         .code = -1,
                         .text = text,
                         .hint = hint});
}

static void setup_send(struct ssi_link *link, const struct driver_sink *sink) {
    const struct ssi_command *command = command_of(link);
    struct ssi_packet packet = {.opcode = command->opcode,
                                .source = SSI_HOST,
                                .status = link->tries ? SSI_RETRANSMIT : 0,
                                .data =
                                    ts_slice_of(command->data, command->len)};

    ssi_send(sink, &packet);
    link->tries++;
    link->flight = SSI_FLIGHT_SETUP;
    link->flying = command->opcode;
    link->flight_due = later(link->now, SSI_ANSWER_MS);
}

static void queue_drop(struct ssi_link *link, size_t count) {
    link->queued -= count;
    memmove(link->queue, link->queue + count, link->queued);
}

static void queue_send(struct ssi_link *link, const struct driver_sink *sink) {
    size_t len = (size_t)link->queue[0] + 2;

    sink->send(sink->ctx, ts_slice_of(link->queue, len));
    link->flight = SSI_FLIGHT_TONE;
    link->flying = link->queue[1];
    link->flight_due = later(link->now, SSI_ANSWER_MS);
    queue_drop(link, len);
}

/* Sends the next command when none is on its way. A tone goes first: somebody
 * waits for it. */
static void link_next(struct ssi_link *link, const struct driver_sink *sink) {
    if (link->flight != SSI_FLIGHT_NONE || !link->timed ||
        link->phase == SSI_WAKING)
        return;
    if (link->queued) {
        queue_send(link, sink);
        return;
    }
    if (link->phase != SSI_SET_UP)
        return;
    if (command_of(link)->opcode) {
        setup_send(link, sink);
        return;
    }
    link->phase = SSI_READY;
    link->told_silent = false;
    link_tell(sink, NOTICE_READY, link->revision,
              link->lacks ? link->lacks : "");
}

static void link_wake(struct ssi_link *link, const struct driver_sink *sink) {
    static const uint8_t wake_up = 0x00;

    link->phase = SSI_WAKING;
    link->phase_due = later(link->now, SSI_WAKE_MS);
    link->command = 0;
    link->tries = 0;
    link->lacks = NULL;
    sink->send(sink->ctx, ts_slice_of(&wake_up, 1));
}

void ssi_link_open(struct ssi_link *link, const struct ssi_setup *setup,
                   const struct driver_sink *sink) {
    *link = (struct ssi_link){.setup = setup, .phase = SSI_READY};
    if (setup->commands)
        link_wake(link, sink);
}

void ssi_link_restart(struct ssi_link *link, const struct driver_sink *sink) {
    if (!link->setup->commands || link->phase == SSI_WAKING)
        return;
    link->phase = SSI_SET_UP;
    link->command = 0;
    link->tries = 0;
    link->lacks = NULL;
    link->flight = SSI_FLIGHT_NONE;
    link->queued = 0;
    link_next(link, sink);
}

static void link_silent(struct ssi_link *link, const struct driver_sink *sink) {
    link->phase = SSI_SILENT;
    link->phase_due = later(link->now, SSI_SILENT_RETRY_MS);
    if (link->told_silent)
        return;
    link->told_silent = true;
    link_tell(sink, NOTICE_SILENT, "",
              "the scanner does not answer: check cable, power and speed, and "
              "scan \"SSI Host\" from its manual; without RTS and CTS in the "
              "cable choose profile \"usb-cdc\"");
}

static void link_unanswered(struct ssi_link *link,
                            const struct driver_sink *sink) {
    enum ssi_flight flight = link->flight;

    link->flight = SSI_FLIGHT_NONE;
    if (flight == SSI_FLIGHT_TONE)
        link->queued = 0; /* a beep of two seconds ago says nothing */
    else if (link->tries < TRIES)
        setup_send(link, sink);
    else
        link_silent(link, sink);
}

/* The first instant that is known is that of the opening. */
static void link_set_clock(struct ssi_link *link, struct ts_mono now) {
    link->now = now;
    if (link->timed)
        return;
    link->timed = true;
    link->phase_due = later(now, SSI_WAKE_MS);
}

static bool is_due(const struct ssi_link *link, struct ts_mono at) {
    return at.ms <= link->now.ms;
}

void ssi_link_tick(struct ssi_link *link, struct ts_mono now,
                   const struct driver_sink *sink) {
    static const uint8_t all = 0xff;

    link_set_clock(link, now);
    if (link->phase == SSI_WAKING && is_due(link, link->phase_due))
        link->phase = SSI_SET_UP;
    else if (link->phase == SSI_SILENT && is_due(link, link->phase_due))
        link_wake(link, sink);
    if (link->flight != SSI_FLIGHT_NONE && is_due(link, link->flight_due))
        link_unanswered(link, sink);
    if (link->lit && is_due(link, link->dark_due)) {
        uint8_t bytes[SSI_PACKET_MAX];
        struct ssi_packet dark = {
            .opcode = SSI_LED_OFF, .source = SSI_HOST, .data = {&all, 1}};
        link->lit = false;
        ssi_link_say(link, ts_slice_of(bytes, ssi_encode(bytes, &dark)), sink);
    }
    link_next(link, sink);
}

static void sooner(bool *any, struct ts_mono *at, struct ts_mono due) {
    if (!*any || due.ms < at->ms)
        *at = due;
    *any = true;
}

bool ssi_link_deadline(const struct ssi_link *link, struct ts_mono *at) {
    bool any = false;

    if (link->phase == SSI_WAKING || link->phase == SSI_SILENT)
        sooner(&any, at, link->timed ? link->phase_due : (struct ts_mono){0});
    if (link->flight != SSI_FLIGHT_NONE)
        sooner(&any, at, link->flight_due);
    if (link->lit)
        sooner(&any, at, link->dark_due);
    return any;
}

void ssi_link_taken(struct ssi_link *link, const struct driver_sink *sink) {
    enum ssi_flight flight = link->flight;

    link->flight = SSI_FLIGHT_NONE;
    if (flight == SSI_FLIGHT_TONE && link->flying == SSI_LED_ON) {
        link->lit = true;
        link->dark_due = later(link->now, SSI_LED_MS);
    }
    if (flight == SSI_FLIGHT_SETUP) {
        link->command++;
        link->tries = 0;
    }
    link_next(link, sink);
}

const char *ssi_link_hint(const struct ssi_link *link) {
    if (link->flight != SSI_FLIGHT_SETUP || !command_of(link)->declined)
        return "";
    return command_of(link)->declined;
}

void ssi_link_declined(struct ssi_link *link, int cause,
                       const struct driver_sink *sink) {
    bool again = link->flight == SSI_FLIGHT_SETUP && cause == SSI_RESEND &&
                 link->tries < TRIES;

    if (again) {
        setup_send(link, sink);
        return;
    }
    if (!link->lacks && link->flight == SSI_FLIGHT_SETUP)
        link->lacks = command_of(link)->declined;
    ssi_link_taken(link, sink); /* it goes on without */
}

void ssi_link_revision(struct ssi_link *link, struct ts_slice text) {
    size_t len = 0;

    for (size_t i = 0; i < text.len && len + 1 < sizeof link->revision; i++) {
        uint8_t byte = text.data[i];
        link->revision[len++] =
            (char)(byte >= 0x20 && byte < 0x7f ? byte : ' ');
    }
    while (len && link->revision[len - 1] == ' ')
        len--;
    link->revision[len] = '\0';
}

void ssi_link_say(struct ssi_link *link, struct ts_slice packets,
                  const struct driver_sink *sink) {
    /* Not even the last beep was taken: more of them help nobody. */
    if (packets.len == 0 || packets.len > sizeof link->queue - link->queued)
        return;
    memcpy(link->queue + link->queued, packets.data, packets.len);
    link->queued += packets.len;
    link_next(link, sink);
}
