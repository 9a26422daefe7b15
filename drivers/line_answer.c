#include "drivers/line.h"

#include <string.h>

enum { ACK = 0x06, ENQ = 0x05, NAK = 0x15, ETX = 0x03 };

static bool is_verdict(uint8_t byte) {
    return byte == ACK || byte == ENQ || byte == NAK;
}

static bool is_tag(struct ts_slice text) {
    if (text.len < LINE_TAG_LENGTH)
        return false;
    for (size_t i = 0; i < LINE_TAG_LENGTH; i++) {
        uint8_t byte = text.data[i];
        if ((byte < 'A' || byte > 'Z') && (byte < '0' || byte > '9'))
            return false;
    }
    return true;
}

/* Printable but for the verdicts; the worst of several counts. */
static bool body_parse(struct line_answer *out, struct ts_slice body) {
    *out = (struct line_answer){.ok = true, .code = ACK};
    if (!is_tag(body) || !is_verdict(body.data[body.len - 1]))
        return false;
    memcpy(out->tag, body.data, LINE_TAG_LENGTH);
    for (size_t i = LINE_TAG_LENGTH; i < body.len; i++) {
        uint8_t byte = body.data[i];
        if (is_verdict(byte) && byte != ACK) {
            out->ok = false;
            out->code = byte;
        } else if (!is_verdict(byte) && (byte < 0x20 || byte > 0x7e)) {
            return false;
        }
    }
    return true;
}

/* Honeywell 4820 manual, "Menu commands": "CBRENA1" ACK ".". */
static bool menu_parse(struct line_answer *out, struct ts_slice text) {
    if (text.len < LINE_TAG_LENGTH + 2)
        return false;
    uint8_t last = text.data[text.len - 1];
    return (last == '.' || last == '!') &&
           body_parse(out, ts_slice_of(text.data, text.len - 1));
}

/* Newland NLS-HR52 manual p. 234. STX and SOH are gone already. */
static bool frame_parse(struct line_answer *out, struct ts_slice text) {
    enum { HEAD = 5, TAIL = 2 }; /* "0000@", ";" ETX */

    if (text.len < HEAD + LINE_TAG_LENGTH + 1 + TAIL ||
        memcmp(text.data, "0000", HEAD - 1) != 0 ||
        (text.data[HEAD - 1] != '@' && text.data[HEAD - 1] != '#') ||
        text.data[text.len - 2] != ';' || text.data[text.len - 1] != ETX)
        return false;
    return body_parse(out,
                      ts_slice_of(text.data + HEAD, text.len - HEAD - TAIL));
}

bool line_answer_parse(struct line_answer *out, enum line_answers how,
                       struct ts_slice text) {
    return how == LINE_ANSWERS_MENU ? menu_parse(out, text)
                                    : frame_parse(out, text);
}

bool line_is_modem_probe(struct ts_slice text) {
    static const char *const probes[] = {"AT",   "ATZ", "ATI",  "ATI1", "ATE0",
                                         "ATE1", "ATH", "ATV1", "ATX4"};

    if (text.len >= 3 && memcmp(text.data, "AT", 2) == 0 &&
        strchr("+&^*%#", text.data[2]))
        return true;
    if (text.len > 4 && memcmp(text.data, "ATQ0 ", 5) == 0)
        return true;
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        if (strlen(probes[i]) == text.len &&
            memcmp(probes[i], text.data, text.len) == 0)
            return true;
    }
    return false;
}
