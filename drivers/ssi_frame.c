#include "drivers/ssi_frame.h"

#include "drivers/line.h"

#include <assert.h>
#include <string.h>

enum { SOURCE_MAX = 4, LOST_MAX = 4096 };

static const char raw_hint[] =
    "the scanner sends text, not packets: scan again; if this stays, scan "
    "\"SSI Host\" and \"Send Packeted Decode Data\" (parameter EEh = 1) from "
    "its manual";

uint16_t ssi_checksum(struct ts_slice bytes) {
    unsigned sum = 0;

    for (size_t i = 0; i < bytes.len; i++)
        sum += bytes.data[i];
    return (uint16_t)(0x10000u - (sum & 0xffffu));
}

size_t ssi_encode(uint8_t out[SSI_PACKET_MAX],
                  const struct ssi_packet *packet) {
    size_t len = SSI_HEADER + packet->data.len;

    assert(len <= SSI_LENGTH_MAX);
    out[0] = (uint8_t)len;
    out[1] = packet->opcode;
    out[2] = packet->source;
    out[3] = packet->status;
    if (packet->data.len)
        memcpy(out + SSI_HEADER, packet->data.data, packet->data.len);
    uint16_t sum = ssi_checksum(ts_slice_of(out, len));
    out[len] = (uint8_t)(sum >> 8);
    out[len + 1] = (uint8_t)sum;
    return len + 2;
}

void ssi_frame_wipe(struct ssi_frame *frame) {
    explicit_bzero(frame, sizeof *frame);
}

static void frame_drop(struct ssi_frame *frame, size_t count) {
    assert(count <= frame->len);
    frame->len -= count;
    memmove(frame->bytes, frame->bytes + count, frame->len);
    explicit_bzero(frame->bytes + frame->len, count);
}

void ssi_frame_add(struct ssi_frame *frame, uint8_t byte) {
    frame_drop(frame, frame->taken);
    frame->taken = 0;
    frame->silent = false;
    assert(frame->len < sizeof frame->bytes);
    frame->bytes[frame->len++] = byte;
}

void ssi_frame_silence(struct ssi_frame *frame) { frame->silent = true; }

bool ssi_frame_waits(const struct ssi_frame *frame) {
    return frame->len > frame->taken || frame->lost > 0;
}

enum look { LOOK_NEVER, LOOK_MORE, LOOK_GOOD, LOOK_BAD };

static bool is_from_decoder(uint8_t opcode) {
    static const uint8_t opcodes[] = {
        SSI_MULTIPACKET_SEGMENT, SSI_MGMT_COMMAND, SSI_SCANNER_INIT_REPLY,
        SSI_REPLY_REVISION,      SSI_IMAGE_DATA,   SSI_VIDEO_DATA,
        SSI_PARAM_SEND,          SSI_CMD_ACK,      SSI_CMD_NAK,
        SSI_CAPABILITIES_REPLY,  SSI_BATCH_DATA,   SSI_DECODE_DATA,
        SSI_REMOTE_KEY,          SSI_EVENT};

    return memchr(opcodes, opcode, sizeof opcodes) != NULL;
}

/* After a fault only what a scanner really sends counts as a beginning. */
static enum look frame_look(struct ts_slice bytes, bool strict) {
    const uint8_t *b = bytes.data;

    if (bytes.len >= 1 && b[0] < SSI_HEADER)
        return LOOK_NEVER;
    if (bytes.len >= 2 && strict && !is_from_decoder(b[1]))
        return LOOK_NEVER;
    if (bytes.len >= 3 && (b[2] > SOURCE_MAX || (strict && b[2] >= SSI_HOST)))
        return LOOK_NEVER;
    if (bytes.len < 3 || bytes.len < (size_t)b[0] + 2)
        return LOOK_MORE;
    uint16_t sum = ssi_checksum(ts_slice_of(b, b[0]));
    return b[b[0]] == sum >> 8 && b[b[0] + 1] == (sum & 0xff) ? LOOK_GOOD
                                                              : LOOK_BAD;
}

static bool is_text(uint8_t byte) {
    return (byte >= 0x20 && byte < 0x7f) || (byte >= '\t' && byte <= '\r');
}

static void frame_lose(struct ssi_frame *frame, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint8_t byte = frame->bytes[i];
        if (frame->lost < sizeof frame->sample)
            frame->sample[frame->lost] = byte;
        frame->lost++;
        frame->noise += byte == 0x00 || byte == 0xff;
        frame->text += is_text(byte);
    }
    frame_drop(frame, count);
}

/* Where a packet begins within one whose end is wrong: the one in front was
 * cut off. 0: nowhere. */
static size_t frame_inner(const struct ssi_frame *frame) {
    for (size_t at = 1; at + 3 <= frame->len; at++) {
        enum look look =
            frame_look(ts_slice_of(frame->bytes + at, frame->len - at), true);
        if (look == LOOK_GOOD || look == LOOK_MORE)
            return at;
    }
    return 0;
}

static bool head_is_fresh(const struct ssi_frame *frame) {
    return frame->len >= SSI_HEADER && !(frame->bytes[3] & SSI_RETRANSMIT) &&
           (frame->bytes[1] == SSI_DECODE_DATA ||
            frame->bytes[1] == SSI_MULTIPACKET_SEGMENT);
}

/* The head is no packet: gives it up. */
static void frame_give_up(struct ssi_frame *frame, enum look look) {
    if (frame->lost) {
        frame_lose(frame, 1);
        return;
    }
    frame->fresh = head_is_fresh(frame);
    frame->checksum = look == LOOK_BAD;
    if (look == LOOK_NEVER)
        frame->error =
            frame->bytes[0] < SSI_HEADER ? SCAN_BAD_LENGTH : SCAN_GARBAGE;
    else
        frame->error = SCAN_TRUNCATED;
    size_t inner = look == LOOK_NEVER ? 1 : frame_inner(frame);
    frame_lose(frame, inner ? inner : frame->len);
}

static struct ssi_fault fault_of(const struct ssi_frame *frame, bool end) {
    size_t sampled = frame->lost < SSI_SAMPLE ? frame->lost : SSI_SAMPLE;
    struct ssi_fault fault = {frame->error, "", false, false, frame->fresh};

    if (frame->text == frame->lost) {
        fault.error = SCAN_TRUNCATED;
        fault.hint = raw_hint;
        fault.raw = true;
    } else if (frame->checksum && end) {
        fault.error = SCAN_BAD_CHECKSUM;
        fault.resend = true;
    } else if (frame->error == SCAN_GARBAGE) {
        struct line_fault line =
            line_diagnose(ts_slice_of(frame->sample, sampled));
        if (line.error == SCAN_GARBAGE)
            fault.hint = line.hint;
    }
    return fault;
}

/* The lost bytes are over: `end` when no packet follows them. True: somebody
 * should know. */
static bool frame_tell(struct ssi_frame *frame, bool end,
                       struct ssi_fault *fault) {
    bool break_only = !frame->checksum && frame->noise == frame->lost;
    bool tell = !break_only && !frame->told;

    *fault = fault_of(frame, end);
    frame->lost = frame->noise = frame->text = 0;
    frame->checksum = frame->fresh = frame->told = false;
    explicit_bzero(frame->sample, sizeof frame->sample);
    return tell;
}

/* A flood without a pause is told once. */
static bool frame_flooded(struct ssi_frame *frame, struct ssi_fault *fault) {
    if (frame->lost < LOST_MAX || frame->told)
        return false;
    *fault = fault_of(frame, true);
    frame->told = true;
    return frame->noise < frame->lost;
}

static enum ssi_step frame_take(struct ssi_frame *frame,
                                struct ssi_packet *packet) {
    size_t len = frame->bytes[0];

    *packet = (struct ssi_packet){
        .opcode = frame->bytes[1],
        .source = frame->bytes[2],
        .status = frame->bytes[3],
        .data = ts_slice_of(frame->bytes + SSI_HEADER, len - SSI_HEADER)};
    frame->taken = len + 2;
    return SSI_STEP_PACKET;
}

enum ssi_step ssi_frame_next(struct ssi_frame *frame, struct ssi_packet *packet,
                             struct ssi_fault *fault) {
    frame_drop(frame, frame->taken);
    frame->taken = 0;
    while (frame->len) {
        if (frame->bytes[0] == 0 && !frame->lost) {
            frame_drop(frame, 1);
            continue;
        }
        enum look look =
            frame_look(ts_slice_of(frame->bytes, frame->len), frame->lost > 0);
        if (look == LOOK_GOOD && frame->lost) {
            if (frame_tell(frame, false, fault))
                return SSI_STEP_FAULT;
            continue;
        }
        if (look == LOOK_GOOD)
            return frame_take(frame, packet);
        if (look == LOOK_MORE && !frame->silent)
            return SSI_STEP_NONE;
        frame_give_up(frame, look);
        bool over = frame->checksum && frame->len == 0;
        if (over && frame_tell(frame, true, fault))
            return SSI_STEP_FAULT;
        if (frame_flooded(frame, fault))
            return SSI_STEP_FAULT;
    }
    if (frame->silent && frame->lost && frame_tell(frame, true, fault))
        return SSI_STEP_FAULT;
    return SSI_STEP_NONE;
}
