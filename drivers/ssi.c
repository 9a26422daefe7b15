#include "drivers/ssi.h"

#include "drivers/code/aim.h"
#include "drivers/ssi_frame.h"
#include "drivers/ssi_link.h"
#include "drivers/ssi_message.h"

#include <assert.h>
#include <string.h>

enum { EVENT_BOOT = 0x03, TYPE_NO_READ = 0x01 };

struct ssi {
    const struct driver_profile *profile;
    struct ts_mono last_byte;
    unsigned unanswered;
    bool segmented; /* the last scan came in segments: so goes its answer */
    bool
        acquainted; /* a message since the opening: what comes again is known */
    struct ssi_last last;
    struct ssi_link link;
    struct ssi_frame frame;
    struct ssi_message message;
};

static void ssi_wipe(void *state) {
    struct ssi *ssi = state;

    ssi_frame_wipe(&ssi->frame);
    ssi_message_wipe(&ssi->message);
    ssi_last_wipe(&ssi->last);
}

static void ssi_open(void *state, const struct driver_profile *profile,
                     const struct driver_sink *sink) {
    struct ssi *ssi = state;

    explicit_bzero(ssi, sizeof *ssi);
    ssi->profile = profile;
    ssi_link_open(&ssi->link, profile->detail, sink);
}

static void answer(const struct driver_sink *sink, enum ssi_opcode opcode) {
    ssi_send(sink, &(struct ssi_packet){.opcode = (uint8_t)opcode,
                                        .source = SSI_HOST});
}

static void answer_nak(const struct driver_sink *sink, enum ssi_cause cause) {
    uint8_t byte = (uint8_t)cause;

    ssi_send(sink, &(struct ssi_packet){.opcode = SSI_CMD_NAK,
                                        .source = SSI_HOST,
                                        .data = {&byte, 1}});
}

static void tell(const struct driver_sink *sink, struct notice notice) {
    if (!notice.text)
        notice.text = "";
    if (!notice.hint)
        notice.hint = "";
    sink->notice(sink->ctx, &notice);
}

static void reject(const struct driver_sink *sink, enum scan_error error,
                   const char *hint) {
    sink->reject(sink->ctx, error, hint);
}

/* Scanners put the suffix that they are set to into the data. */
static struct ts_slice without_suffix(const struct ssi *ssi,
                                      struct ts_slice text) {
    const char *suffixes = ssi->profile->terminators;
    bool line_feed = text.len > 1 && text.data[text.len - 1] == '\n' &&
                     text.data[text.len - 2] == '\r';

    if (line_feed)
        text.len--;
    if (text.len && text.data[text.len - 1] &&
        strchr(suffixes, text.data[text.len - 1]))
        text.len--;
    return text;
}

static bool is_no_read(uint8_t type, struct ts_slice text) {
    return type == TYPE_NO_READ && ts_slice_equal(text, ts_slice_text("NR"));
}

/* An identifier in front counts when it is one of this type: "]C1" may be
 * printed in a code of another. */
static void scan_take_aim(struct scan *scan, struct ssi_type type) {
    if (!aim_well_formed(scan->text) ||
        (type.aim && scan->text.data[1] != (uint8_t)type.aim) ||
        scan->text.len == AIM_LENGTH)
        return;
    memcpy(scan->aim, scan->text.data, AIM_LENGTH);
    scan->text =
        ts_slice_of(scan->text.data + AIM_LENGTH, scan->text.len - AIM_LENGTH);
}

static void emit(struct ssi *ssi, bool again, const struct driver_sink *sink) {
    struct ssi_message *message = &ssi->message;
    struct ssi_type type = ssi_type_of(message->type);
    struct scan scan = {
        .text = without_suffix(ssi, ts_slice_of(message->text, message->len)),
        .symbology = type.symbology,
        .retransmission = again};

    if (is_no_read(message->type, scan.text)) {
        answer(sink, SSI_CMD_ACK);
        tell(sink, (struct notice){
                       .kind = NOTICE_NO_READ, .name = "no_read", .code = -1});
        return;
    }
    if (scan.text.len == 0) {
        answer(sink, SSI_CMD_ACK);
        reject(sink, SCAN_EMPTY, "");
        return;
    }
    scan_take_aim(&scan, type);
    ssi->unanswered++;
    sink->scan(sink->ctx, &scan);
}

static enum ssi_opcode ack_of(const struct ssi *ssi) {
    return ssi->segmented ? SSI_MULTIPACKET_ACK : SSI_CMD_ACK;
}

static void drop_half(struct ssi *ssi, const struct driver_sink *sink) {
    ssi_message_wipe(&ssi->message);
    reject(sink, SCAN_INCOMPLETE_MULTIPACKET,
           "the rest of a long code did not come: scan it again");
}

static void take_message(struct ssi *ssi, const struct ssi_packet *packet,
                         bool again, const struct driver_sink *sink) {
    switch (ssi_message_add(&ssi->message, packet, ssi->last_byte)) {
    case SSI_PROGRESS_MORE:
        answer(sink, ack_of(ssi));
        return;
    case SSI_PROGRESS_DONE:
        emit(ssi, again, sink);
        break;
    case SSI_PROGRESS_EMPTY:
        answer(sink, ack_of(ssi));
        reject(sink, SCAN_EMPTY, "");
        break;
    case SSI_PROGRESS_OVERLONG:
        answer(sink, ack_of(ssi));
        reject(sink, SCAN_OVERLONG, "the code holds over 4095 characters");
        break;
    case SSI_PROGRESS_ODD:
        answer(sink, ack_of(ssi));
        reject(sink, SCAN_BAD_FRAME, "");
        break;
    }
    ssi_message_wipe(&ssi->message);
}

/* The same packet again: our answer was lost, or is not given yet. */
static void take_again(struct ssi *ssi, const struct driver_sink *sink) {
    if (ssi->unanswered == 0)
        answer(sink, ack_of(ssi));
    tell(sink, (struct notice){.kind = NOTICE_RETRANSMITTED,
                               .name = "dup_retransmit",
                               .code = -1});
}

static void on_decode(struct ssi *ssi, const struct ssi_packet *packet,
                      const struct driver_sink *sink) {
    bool again = packet->status & SSI_RETRANSMIT;

    ssi->segmented = packet->opcode == SSI_MULTIPACKET_SEGMENT;
    if (again && ssi_last_is(&ssi->last, packet, ssi->last_byte)) {
        ssi->last.at = ssi->last_byte;
        ssi->message.at = ssi->last_byte;
        take_again(ssi, sink);
        return;
    }
    bool unknown = again && !ssi->acquainted;
    ssi->acquainted = true;
    ssi_last_set(&ssi->last, packet, ssi->last_byte);
    if (ssi_message_interrupts(&ssi->message, packet))
        drop_half(ssi, sink);
    take_message(ssi, packet, unknown, sink);
}

static void on_ack(struct ssi *ssi, const struct ssi_packet *packet,
                   const struct driver_sink *sink) {
    (void)packet;
    tell(sink, (struct notice){.kind = NOTICE_ACK, .name = "ack", .code = -1});
    ssi_link_taken(&ssi->link, sink);
}

static void on_nak(struct ssi *ssi, const struct ssi_packet *packet,
                   const struct driver_sink *sink) {
    int cause = packet->data.len ? packet->data.data[0] : 0;

    tell(sink, (struct notice){.kind = NOTICE_NAK,
                               .name = "nak",
                               .code = cause,
                               .text = ssi_cause_name(cause),
                               .hint = cause == SSI_RESEND
                                           ? ""
                                           : ssi_link_hint(&ssi->link)});
    ssi_link_declined(&ssi->link, cause, sink);
}

static void on_event(struct ssi *ssi, const struct ssi_packet *packet,
                     const struct driver_sink *sink) {
    int code = packet->data.len ? packet->data.data[0] : 0;
    bool boot = packet->opcode == SSI_EVENT && code == EVENT_BOOT;

    answer(sink, SSI_CMD_ACK);
    tell(sink, (struct notice){
                   .kind = boot ? NOTICE_BOOT : NOTICE_EVENT,
                   .name = packet->opcode == SSI_EVENT ? "event" : "remote_key",
                   .code = code});
    if (!boot)
        return;
    ssi->last.valid = false;
    ssi_message_wipe(&ssi->message);
    ssi_link_restart(&ssi->link, sink);
}

/* An answer to a command is its acknowledgement and wants none; a device that
 * sends it again did want one. */
static void on_reply(struct ssi *ssi, const struct ssi_packet *packet,
                     const struct driver_sink *sink) {
    bool revision = packet->opcode == SSI_REPLY_REVISION;

    if (packet->status & SSI_RETRANSMIT)
        answer(sink, SSI_CMD_ACK);
    if (revision)
        ssi_link_revision(&ssi->link, packet->data);
    tell(sink, (struct notice){.kind = NOTICE_ANSWER,
                               .name = revision ? "revision" : "capabilities",
                               .code = -1,
                               .text = revision ? ssi->link.revision : "",
                               .data = revision ? ts_slice_of(NULL, 0)
                                                : packet->data});
    if (ssi->link.flight != SSI_FLIGHT_NONE &&
        ssi->link.flying == packet->opcode - 1)
        ssi_link_taken(&ssi->link, sink);
}

static void on_setting(struct ssi *ssi, const struct ssi_packet *packet,
                       const struct driver_sink *sink) {
    bool param = packet->opcode == SSI_PARAM_SEND;

    (void)ssi;
    answer(sink, SSI_CMD_ACK);
    tell(sink, (struct notice){.kind = NOTICE_ANSWER,
                               .name = param ? "param" : "mgmt",
                               .code = -1,
                               .data = packet->data});
}

/* Scans that a memory scanner kept and nobody asked for: it should keep them
 * on. */
static void on_batch(struct ssi *ssi, const struct ssi_packet *packet,
                     const struct driver_sink *sink) {
    (void)ssi;
    (void)packet;
    answer_nak(sink, SSI_DENIED);
    tell(sink, (struct notice){.kind = NOTICE_IGNORED,
                               .name = "none",
                               .code = -1,
                               .hint = "the scanner sends stored scans: switch "
                                       "its batch mode off"});
}

typedef void packet_handler(struct ssi *ssi, const struct ssi_packet *packet,
                            const struct driver_sink *sink);

struct packet_row {
    uint8_t opcode;
    packet_handler *handle;
};

static const struct packet_row packet_rows[] = {
    {SSI_DECODE_DATA, on_decode},   {SSI_MULTIPACKET_SEGMENT, on_decode},
    {SSI_CMD_ACK, on_ack},          {SSI_CMD_NAK, on_nak},
    {SSI_EVENT, on_event},          {SSI_REMOTE_KEY, on_event},
    {SSI_REPLY_REVISION, on_reply}, {SSI_CAPABILITIES_REPLY, on_reply},
    {SSI_PARAM_SEND, on_setting},   {SSI_MGMT_COMMAND, on_setting},
    {SSI_BATCH_DATA, on_batch},
};

static const struct packet_row *row_of(uint8_t opcode) {
    for (size_t i = 0; i < sizeof packet_rows / sizeof packet_rows[0]; i++) {
        if (packet_rows[i].opcode == opcode)
            return &packet_rows[i];
    }
    return NULL;
}

static void ssi_take(struct ssi *ssi, const struct ssi_packet *packet,
                     const struct driver_sink *sink) {
    bool echo = packet->source == SSI_HOST;
    const struct packet_row *row = echo ? NULL : row_of(packet->opcode);

    if (row) {
        row->handle(ssi, packet, sink);
        /* It is there again. */
        if (ssi->link.phase == SSI_SILENT)
            ssi_link_restart(&ssi->link, sink);
        return;
    }
    /* A NAK would only bring it again. */
    if (!echo)
        answer(sink, SSI_CMD_ACK);
    tell(sink, (struct notice){.kind = NOTICE_IGNORED,
                               .name = echo ? "echo" : "none",
                               .code = -1});
}

static void ssi_complain(struct ssi *ssi, const struct ssi_fault *fault,
                         const struct driver_sink *sink) {
    /* The device is done with the message before it begins a new one. */
    if (fault->fresh) {
        ssi->last.valid = false;
        ssi->acquainted = true;
    }
    if (fault->resend)
        answer_nak(sink, SSI_RESEND);
    reject(sink, fault->error, fault->hint);
    if (fault->raw && ssi->link.phase != SSI_SET_UP)
        ssi_link_restart(&ssi->link, sink);
}

static void ssi_drain(struct ssi *ssi, const struct driver_sink *sink) {
    struct ssi_packet packet;
    struct ssi_fault fault;
    enum ssi_step step;

    while ((step = ssi_frame_next(&ssi->frame, &packet, &fault)) !=
           SSI_STEP_NONE) {
        if (step == SSI_STEP_PACKET)
            ssi_take(ssi, &packet, sink);
        else
            ssi_complain(ssi, &fault, sink);
    }
}

static int64_t since_byte(const struct ssi *ssi, struct ts_mono now) {
    return now.ms - ssi->last_byte.ms;
}

static void ssi_expire(void *state, struct ts_mono now,
                       const struct driver_sink *sink) {
    struct ssi *ssi = state;

    if (ssi_frame_waits(&ssi->frame) &&
        since_byte(ssi, now) >= SSI_SILENCE_MS) {
        ssi_frame_silence(&ssi->frame);
        ssi_drain(ssi, sink);
    }
    if (ssi->message.open && now.ms - ssi->message.at.ms >= SSI_PARTIAL_MS &&
        since_byte(ssi, now) >= SSI_PARTIAL_MS) {
        enum symbology symbology = ssi_type_of(ssi->message.type).symbology;
        ssi_message_wipe(&ssi->message);
        ssi->last.valid = false;
        tell(sink,
             (struct notice){.kind = NOTICE_PARTIAL,
                             .name = "partial",
                             .code = -1,
                             .text = symbology_name(symbology),
                             .hint = "the rest of a long code did not come: "
                                     "scan it again"});
    }
    ssi_link_tick(&ssi->link, now, sink);
}

static void sooner(bool *any, struct ts_mono *at, int64_t ms) {
    if (!*any || ms < at->ms)
        at->ms = ms;
    *any = true;
}

static bool ssi_deadline(const void *state, struct ts_mono *at) {
    const struct ssi *ssi = state;
    bool any = ssi_link_deadline(&ssi->link, at);

    if (ssi_frame_waits(&ssi->frame))
        sooner(&any, at, ssi->last_byte.ms + SSI_SILENCE_MS);
    if (ssi->message.open)
        sooner(&any, at,
               (ssi->message.at.ms > ssi->last_byte.ms ? ssi->message.at.ms
                                                       : ssi->last_byte.ms) +
                   SSI_PARTIAL_MS);
    return any;
}

static void ssi_feed(void *state, struct ts_slice bytes, struct ts_mono now,
                     const struct driver_sink *sink) {
    struct ssi *ssi = state;

    /* A pause alone ends no packet here: the host may have been late with its
     * reading, and the checksum tells. */
    ssi_link_tick(&ssi->link, now, sink);
    ssi->last_byte = now;
    for (size_t i = 0; i < bytes.len; i++) {
        ssi_frame_add(&ssi->frame, bytes.data[i]);
        ssi_drain(ssi, sink);
    }
}

static void ssi_tone(struct ssi *ssi, enum driver_tone tone,
                     const struct driver_sink *sink) {
    assert((size_t)tone < TONES);
    ssi_link_say(&ssi->link, ssi->profile->tones[tone], sink);
}

/* The oldest is answered for. True: the scanner waits for that. A scan from
 * before a reopening has nobody to answer; one that another has followed was
 * given up, and the scanner would take its answer for the other's. */
static bool answer_due(struct ssi *ssi) {
    return ssi->unanswered && --ssi->unanswered == 0;
}

static void ssi_confirm(void *state, enum driver_tone tone,
                        const struct driver_sink *sink) {
    struct ssi *ssi = state;

    if (!answer_due(ssi))
        return;
    answer(sink, ack_of(ssi));
    ssi_tone(ssi, tone, sink);
}

/* The device drops it and tells the person; the same again is a new scan. */
static void ssi_refuse(void *state, enum driver_tone tone,
                       const struct driver_sink *sink) {
    struct ssi *ssi = state;

    if (!answer_due(ssi))
        return;
    ssi->last.valid = false;
    answer_nak(sink, SSI_DENIED);
    ssi_tone(ssi, tone, sink);
}

const struct driver ssi_driver = {
    .name = "ssi",
    .summary = "Zebra Simple Serial Interface: scans wait in the scanner "
               "until they are recorded",
    .profiles = ssi_profiles,
    .state_size = sizeof(struct ssi),
    .open = ssi_open,
    .feed = ssi_feed,
    .deadline = ssi_deadline,
    .expire = ssi_expire,
    .confirm = ssi_confirm,
    .refuse = ssi_refuse,
    .wipe = ssi_wipe,
};
