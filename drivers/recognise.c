#include "drivers/recognise.h"

#include "drivers/code/aim.h"
#include "drivers/code/ean.h"
#include "drivers/line.h"

#include <string.h>

enum { STX = 0x02, ETX = 0x03, ESC = 0x1b, SYN = 0x16 };

/* A kind of frame: how many bytes of the front are one, 0: none. */
struct signature {
    size_t (*match)(struct ts_slice bytes);
    const char *what;
    const char *driver, *profile;
    const char *advice;
};

static struct ts_slice after(struct ts_slice bytes, size_t count) {
    return ts_slice_of(bytes.data + count, bytes.len - count);
}

static int hex_digit(uint8_t byte) {
    static const char digits[] = "0123456789ABCDEF0123456789abcdef";
    const char *at = byte ? strchr(digits, byte) : NULL;
    return at ? (int)((at - digits) % 16) : -1;
}

static size_t hex_run(struct ts_slice text) {
    size_t len = 0;

    while (len < text.len && hex_digit(text.data[len]) >= 0)
        len++;
    return len;
}

static unsigned hex_byte(const uint8_t *text) {
    return (unsigned)(hex_digit(text[0]) * 16 + hex_digit(text[1]));
}

/* Length, opcode of a decoder, source 0, checksum over all. */
static size_t ssi_match(struct ts_slice bytes) {
    static const uint8_t opcodes[] = {0xf3, 0x73, 0xd0, 0xd1, 0xd4,
                                      0xa4, 0xf6, 0xc6, 0xb1, 0xb4};
    unsigned sum = 0;

    if (bytes.len < 6 || bytes.data[0] < 4)
        return 0;
    size_t len = bytes.data[0];
    if (bytes.len < len + 2 || !memchr(opcodes, bytes.data[1], sizeof opcodes))
        return 0;
    for (size_t i = 0; i < len; i++)
        sum += bytes.data[i];
    sum += (unsigned)(bytes.data[len] << 8 | bytes.data[len + 1]);
    return (sum & 0xffff) == 0 ? len + 2 : 0;
}

/* SYN FE, four bytes of length, CR, "MSGGET". */
static size_t dechdr_match(struct ts_slice bytes) {
    static const uint8_t word[] = {'M', 'S', 'G', 'G', 'E', 'T'};
    enum { AT = 7, WORD = sizeof word };

    if (bytes.len < AT + WORD || bytes.data[0] != SYN ||
        bytes.data[1] != 0xfe || memcmp(bytes.data + AT, word, WORD) != 0)
        return 0;
    return bytes.len;
}

/* "%", ";" or "+" and an end sentinel, behind STX or ESC or neither. */
static size_t stripe_match(struct ts_slice bytes) {
    static const uint8_t starts[] = {'%', ';', '+'};

    while (bytes.len && (bytes.data[0] == STX || bytes.data[0] == ESC))
        bytes = after(bytes, 1);
    if (bytes.len < 3 || !memchr(starts, bytes.data[0], sizeof starts) ||
        !memchr(bytes.data, '?', bytes.len))
        return 0;
    return bytes.len;
}

/* STX, five bytes in hex and their XOR, ETX; some send CR LF before it. */
static size_t em4100_match(struct ts_slice bytes) {
    enum { HEX = 12 };
    unsigned sum = 0;

    if (bytes.len < HEX + 2 || bytes.data[0] != STX ||
        hex_run(after(bytes, 1)) != HEX)
        return 0;
    for (size_t i = 0; i < HEX; i += 2)
        sum ^= hex_byte(bytes.data + 1 + i);
    size_t end = HEX + 1;
    while (end < bytes.len &&
           (bytes.data[end] == '\r' || bytes.data[end] == '\n'))
        end++;
    return sum == 0 && end < bytes.len && bytes.data[end] == ETX ? end + 1 : 0;
}

/* 00 00 FF, length and its complement. */
static size_t pn532_match(struct ts_slice bytes) {
    if (bytes.len < 6 || memcmp(bytes.data, "\0\0\xff", 3) != 0)
        return 0;
    unsigned len = bytes.data[3];
    return ((len + bytes.data[4]) & 0xff) == 0 ? bytes.len : 0;
}

/* ":", hex digits that add up to zero, CR LF. */
static size_t colon_match(struct ts_slice bytes) {
    unsigned sum = 0;

    if (bytes.len < 7 || bytes.data[0] != ':')
        return 0;
    size_t digits = hex_run(after(bytes, 1));
    if (digits < 4 || digits % 2 || bytes.len < digits + 2 ||
        bytes.data[digits + 1] != '\r')
        return 0;
    for (size_t i = 0; i < digits; i += 2)
        sum += hex_byte(bytes.data + 1 + i);
    return (sum & 0xff) == 0 ? bytes.len : 0;
}

static bool is_retail_code(struct ts_slice text) {
    if ((text.len != 8 && text.len != 12 && text.len != 13) ||
        !ean_all_digits(text))
        return false;
    return ean_check_digit(ts_slice_of(text.data, text.len - 1)) ==
           (char)text.data[text.len - 1];
}

/* A letter and a retail code, or a letter and an AIM identifier. */
static bool has_code_id(struct ts_slice text) {
    if (text.len < 4 || text.data[0] < 'A' || text.data[0] > 'z')
        return false;
    struct ts_slice rest = after(text, 1);
    return is_retail_code(rest) ||
           (rest.data[0] == ']' && aim_well_formed(rest));
}

/* An even count of hex digits with a letter among them, then CR: the ID of a
 * tag. Digits alone, and a letter ahead of a retail code, are a barcode. */
static size_t tag_match(struct ts_slice bytes) {
    enum { FEWEST = 8, MOST = 20 };
    size_t digits = hex_run(bytes);
    bool letter = false;

    if (digits < FEWEST || digits > MOST || digits % 2 || bytes.len == digits ||
        bytes.data[digits] != '\r')
        return 0;
    for (size_t i = 0; i < digits; i++)
        letter = letter || hex_digit(bytes.data[i]) > 9;
    return letter && !has_code_id(ts_slice_of(bytes.data, digits)) ? digits + 1
                                                                   : 0;
}

static const struct signature signatures[] = {
    {ssi_match, "Zebra SSI packets", "ssi", NULL, ""},
    {dechdr_match, "Honeywell frames (DECHDR)", "dechdr", NULL, ""},
    {em4100_match, "125 kHz tag frames", "em4100", NULL, ""},
    {pn532_match, "PN532 frames", "pn532", NULL, ""},
    {colon_match, "tag frames with a colon and a checksum", "twn4", NULL, ""},
    {stripe_match, "magnetic stripe tracks", "msr", NULL, ""},
    {tag_match, "tag ids as hex digits", "twn4", NULL, ""},
};

static bool is_modem_probe(struct ts_slice text) {
    while (text.len &&
           (text.data[text.len - 1] == '\r' || text.data[text.len - 1] == '\n'))
        text.len--;
    return line_is_modem_probe(text);
}

/* Bytes of a break or of a supply that broke down. */
static struct ts_slice without_noise(struct ts_slice bytes) {
    while (bytes.len && (bytes.data[0] == 0xff || bytes.data[0] == 0x00) &&
           !pn532_match(bytes))
        bytes = after(bytes, 1);
    return bytes;
}

struct ending {
    const char *bytes;
    const char *name;
    const char *profile; /* of a reader that nothing else tells */
};

static const struct ending endings[] = {
    {"\r\n", "CR LF", "generic"}, {"\r", "CR", "generic"},
    {"\n", "LF", "generic"},      {"\t", "TAB", "generic"},
    {"\x03", "ETX", "generic"},
};

static const struct ending *ending_of(struct ts_slice bytes) {
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t len = strlen(endings[i].bytes);
        if (bytes.len > len &&
            memcmp(bytes.data + bytes.len - len, endings[i].bytes, len) == 0)
            return &endings[i];
    }
    return NULL;
}

static struct ts_slice first_message(struct ts_slice bytes) {
    static const char ends[] = "\r\n\t\x03";
    size_t len = 0;

    if (bytes.len && bytes.data[0] == STX)
        bytes = after(bytes, 1);
    while (len < bytes.len && !memchr(ends, bytes.data[len], sizeof ends - 1))
        len++;
    return ts_slice_of(bytes.data, len);
}

static size_t messages_in(struct ts_slice bytes) {
    size_t count = 0;

    while (bytes.len) {
        struct ts_slice first = first_message(bytes);
        size_t used = (size_t)(first.data - bytes.data) + first.len;
        count += first.len > 0;
        bytes = after(bytes, used < bytes.len ? used + 1 : used);
    }
    return count;
}

static const char *content_of(struct ts_slice text) {
    if (text.len && ean_all_digits(text))
        return "digits";
    return hex_run(text) == text.len ? "hex digits" : "text";
}

static void text_advise(struct heard *out, struct ts_slice first) {
    static const char honeywell[] = "abcdDEefghijIrRswxy{}zH.<=`";

    if (!out->ending[0]) {
        out->ending = "nothing";
        out->profile = "silence";
        out->advice = "the reader sends no suffix: set it to CR with the code "
                      "in its manual and use profile \"generic\"; until then "
                      "a pause ends a scan";
    } else if (out->code_id && strchr(honeywell, first.data[0])) {
        out->profile = "honeywell-codeid";
        out->advice = "a code letter stands ahead of each code";
    } else if (out->code_id) {
        out->advice = "a code letter stands ahead of each code: switch it off "
                      "in the reader, AIM identifiers on";
    } else if (out->aim) {
        out->profile = "aim";
        out->advice = "a reader with a profile of its own may use that: AIM "
                      "identifiers are taken under each";
    } else {
        out->advice = "AIM identifiers are off: switch them on with the code "
                      "in the reader's manual, and a card is never taken for "
                      "an item";
    }
}

static void text_recognise(struct heard *out, struct ts_slice bytes) {
    struct ts_slice first = first_message(bytes);
    const struct ending *ending = ending_of(bytes);

    out->verdict = HEARD_READER;
    out->what = "text lines";
    out->driver = "line";
    out->profile = "generic";
    out->ending = ending ? ending->name : "";
    out->messages = messages_in(bytes);
    out->length = first.len;
    out->content = content_of(first);
    out->aim = first.len > AIM_LENGTH && first.data[0] == ']' &&
               aim_well_formed(first);
    out->code_id = !out->aim && has_code_id(first);
    text_advise(out, first);
}

static void other(struct heard *out, const char *what, const char *advice) {
    out->verdict = HEARD_OTHER;
    out->what = what;
    out->advice = advice;
}

static bool frames_recognise(struct heard *out, struct ts_slice bytes) {
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        const struct signature *kind = &signatures[i];
        size_t used = kind->match(bytes);
        if (!used)
            continue;
        out->verdict = HEARD_READER;
        out->what = kind->what;
        out->driver = kind->driver;
        out->profile = kind->profile;
        out->advice = kind->advice;
        for (; used; used = kind->match(bytes)) {
            out->messages++;
            bytes = after(bytes, used);
        }
        return true;
    }
    return false;
}

/* Text holds no control characters but the ends, and the separators of GS1. */
static bool is_text(struct ts_slice bytes) {
    static const char allowed[] = "\r\n\t\x02\x03\x1c\x1d\x1e\x1f";

    for (size_t i = 0; i < bytes.len; i++)
        if (bytes.data[i] < 0x20 &&
            !memchr(allowed, bytes.data[i], sizeof allowed - 1))
            return false;
    return true;
}

static void line_is_wrong(struct heard *out, const struct line_fault *fault) {
    out->what = "characters of another line setting";
    out->advice = fault->hint;
    out->verdict = HEARD_LINE;
    if (fault->parity) {
        out->line.data_bits = 7;
        out->line.parity = fault->parity;
    } else if (fault->error != SCAN_GARBAGE ||
               !recognise_next_line(&out->line, &out->line)) {
        out->verdict = HEARD_OTHER;
    }
}

void recognise(struct heard *out, struct ts_slice bytes,
               const struct port_line *line) {
    *out = (struct heard){.line = *line,
                          .what = "nothing",
                          .ending = "",
                          .content = "",
                          .advice = ""};
    struct ts_slice clean = without_noise(bytes);
    struct line_fault fault = line_diagnose(bytes);

    if (clean.len == 0) {
        if (bytes.len)
            out->advice = "only NUL or FF came: a break, the supply of the "
                          "reader breaks down when it reads, or the speed is "
                          "wrong";
    } else if (frames_recognise(out, clean)) {
        return;
    } else if (fault.error) {
        line_is_wrong(out, &fault);
    } else if (is_modem_probe(clean)) {
        other(out, "the probes of a modem program, as an echo",
              "install 60-tessera-readers.rules, or stop ModemManager");
    } else if (is_text(clean) && messages_in(clean)) {
        text_recognise(out, clean);
    } else {
        other(out, "bytes of no protocol that we know",
              "see that the reader's label names a reader of docs/readers.md, "
              "and that its speed is the port's");
    }
}

bool recognise_next_line(struct port_line *out, const struct port_line *line) {
    static const unsigned bauds[] = {9600,  115200, 38400, 19200,
                                     57600, 4800,   2400,  1200};
    enum { BAUDS = sizeof bauds / sizeof bauds[0] };
    size_t at = 0;

    while (at < BAUDS && bauds[at] != line->baud)
        at++;
    if (at + 1 == BAUDS)
        return false;
    unsigned next = at < BAUDS ? bauds[at + 1] : bauds[0];
    *out = (struct port_line){
        .baud = next, .data_bits = 8, .parity = 'N', .stop_bits = 1};
    return true;
}
