#include "drivers/ssi_message.h"

#include <stddef.h>
#include <string.h>

/* The first segment tells opcode, source, status and length of the inner
 * packet, then type, 01 and the length of the text. */
enum { SEGMENT_HEADER = 1, INNER_HEADER = 9, CORDLESS_MARK = 0x01 };

static size_t be16(const uint8_t *bytes) {
    return (size_t)bytes[0] << 8 | bytes[1];
}

static struct ts_slice slice_after(struct ts_slice slice, size_t count) {
    return ts_slice_of(slice.data + count, slice.len - count);
}

void ssi_message_wipe(struct ssi_message *message) {
    explicit_bzero(message, offsetof(struct ssi_message, text) + message->len);
}

bool ssi_message_interrupts(const struct ssi_message *message,
                            const struct ssi_packet *packet) {
    if (!message->open)
        return false;
    if (packet->opcode == SSI_MULTIPACKET_SEGMENT)
        return !message->want || packet->data.len == 0 ||
               packet->data.data[0] != (uint8_t)message->segment;
    return message->want || packet->data.len == 0 ||
           packet->data.data[0] != message->type;
}

static enum ssi_progress message_append(struct ssi_message *message,
                                        struct ts_slice text, bool more) {
    if (message->overlong || text.len >= sizeof message->text - message->len) {
        explicit_bzero(message->text, message->len);
        message->len = 0;
        message->overlong = true;
    } else if (text.len) {
        memcpy(message->text + message->len, text.data, text.len);
        message->len += text.len;
    }
    message->open = more;
    if (more)
        return SSI_PROGRESS_MORE;
    if (message->overlong)
        return SSI_PROGRESS_OVERLONG;
    return message->len ? SSI_PROGRESS_DONE : SSI_PROGRESS_EMPTY;
}

static void message_begin(struct ssi_message *message, uint8_t type) {
    ssi_message_wipe(message);
    message->type = type;
}

/* Cordless devices put 01 and a length between the type and the text. */
static struct ts_slice cordless_text(struct ts_slice data) {
    if (data.len >= 3 && data.data[0] == CORDLESS_MARK &&
        be16(data.data + 1) == data.len - 3)
        return slice_after(data, 3);
    return data;
}

static enum ssi_progress message_decode(struct ssi_message *message,
                                        const struct ssi_packet *packet) {
    bool more = packet->status & SSI_CONTINUATION;

    if (packet->data.len == 0)
        return SSI_PROGRESS_EMPTY;
    struct ts_slice text = slice_after(packet->data, 1);
    if (!message->open) {
        message_begin(message, packet->data.data[0]);
        text = more ? text : cordless_text(text);
    }
    return message_append(message, text, more);
}

static enum ssi_progress segment_first(struct ssi_message *message,
                                       struct ts_slice data) {
    if (data.len < INNER_HEADER || data.data[0] != SSI_DECODE_DATA ||
        data.data[6] != CORDLESS_MARK || be16(data.data + 7) == 0)
        return SSI_PROGRESS_ODD;
    message_begin(message, data.data[5]);
    message->want = be16(data.data + 7);
    struct ts_slice text = slice_after(data, INNER_HEADER);
    message->segment = 1;
    if (text.len > message->want)
        return SSI_PROGRESS_ODD;
    return message_append(message, text, text.len < message->want);
}

static enum ssi_progress message_segment(struct ssi_message *message,
                                         const struct ssi_packet *packet) {
    struct ts_slice data = packet->data;

    if (data.len < SEGMENT_HEADER)
        return SSI_PROGRESS_ODD;
    if (!message->open && data.data[0] == 0)
        return segment_first(message, slice_after(data, SEGMENT_HEADER));
    if (!message->open)
        return SSI_PROGRESS_ODD;
    struct ts_slice text = slice_after(data, SEGMENT_HEADER);
    if (text.len == 0 || message->overlong ||
        text.len > message->want - message->len)
        return SSI_PROGRESS_ODD;
    message->segment++;
    return message_append(message, text,
                          message->len + text.len < message->want);
}

enum ssi_progress ssi_message_add(struct ssi_message *message,
                                  const struct ssi_packet *packet,
                                  struct ts_mono now) {
    enum ssi_progress progress = packet->opcode == SSI_MULTIPACKET_SEGMENT
                                     ? message_segment(message, packet)
                                     : message_decode(message, packet);
    message->at = now;
    return progress;
}

static uint32_t hash_of(struct ts_slice data) {
    uint32_t hash = UINT32_C(0x811c9dc5);

    for (size_t i = 0; i < data.len; i++)
        hash = (hash ^ data.data[i]) * UINT32_C(0x01000193);
    return hash;
}

bool ssi_last_is(const struct ssi_last *last, const struct ssi_packet *packet,
                 struct ts_mono now) {
    return last->valid && last->opcode == packet->opcode &&
           last->len == packet->data.len &&
           last->sum == ssi_checksum(packet->data) &&
           (!last->hashed || last->hash == hash_of(packet->data)) &&
           now.ms - last->at.ms <= SSI_RETRANSMIT_MS;
}

void ssi_last_set(struct ssi_last *last, const struct ssi_packet *packet,
                  struct ts_mono now) {
    *last = (struct ssi_last){.valid = true,
                              .hashed = true,
                              .opcode = packet->opcode,
                              .len = packet->data.len,
                              .sum = ssi_checksum(packet->data),
                              .hash = hash_of(packet->data),
                              .at = now};
}

void ssi_last_wipe(struct ssi_last *last) {
    last->hashed = false;
    last->hash = 0;
}
