#include "drivers/ndef.h"

#include <string.h>

enum {
    TLV_NULL = 0x00,
    TLV_NDEF = 0x03,
    TLV_END = 0xfe,
    FLAG_BEGIN = 0x80,
    FLAG_END = 0x40,
    FLAG_CHUNK = 0x20,
    FLAG_SHORT = 0x10,
    FLAG_ID = 0x08,
    TNF_MASK = 0x07,
    TNF_WELL_KNOWN = 1,
    TNF_ABSOLUTE_URI = 3,
    TNF_UNCHANGED = 6
};

/* RTD URI 1.0, table 3. */
static const char *const uri_prefixes[] = {
    "",
    "http://www.",
    "https://www.",
    "http://",
    "https://",
    "tel:",
    "mailto:",
    "ftp://anonymous:anonymous@",
    "ftp://ftp.",
    "ftps://",
    "sftp://",
    "smb://",
    "nfs://",
    "ftp://",
    "dav://",
    "news:",
    "telnet://",
    "imap:",
    "rtsp://",
    "urn:",
    "pop:",
    "sip:",
    "sips:",
    "tftp:",
    "btspp://",
    "btl2cap://",
    "btgoep://",
    "tcpobex://",
    "irdaobex://",
    "file://",
    "urn:epc:id:",
    "urn:epc:tag:",
    "urn:epc:pat:",
    "urn:epc:raw:",
    "urn:epc:",
    "urn:nfc:",
};
enum { URI_PREFIXES = sizeof uri_prefixes / sizeof uri_prefixes[0] };

static struct ts_slice slice_from(struct ts_slice bytes, size_t at) {
    return ts_slice_of(bytes.data + at, bytes.len - at);
}

/* Length field of the TLV at `at`: where its value starts, and its length;
 * false when the field is not whole. */
static bool tlv_value(struct ts_slice memory, size_t at, size_t *value,
                      size_t *len) {
    *value = at + 2;
    if (*value > memory.len)
        return false;
    *len = memory.data[at + 1];
    if (*len != 0xff)
        return true;
    *value = at + 4;
    if (*value > memory.len)
        return false;
    *len = (size_t)(memory.data[at + 2] << 8 | memory.data[at + 3]);
    return true;
}

enum ndef_find ndef_find(struct ts_slice memory, struct ts_slice *message,
                         size_t *need) {
    size_t at = 0, value = 0, len = 0;

    while (at < memory.len) {
        uint8_t tag = memory.data[at];
        if (tag == TLV_END)
            return NDEF_NONE;
        if (tag == TLV_NULL) {
            at++;
            continue;
        }
        if (!tlv_value(memory, at, &value, &len)) {
            *need = value;
            return NDEF_MORE;
        }
        *need = value + len;
        if (tag == TLV_NDEF && *need > memory.len)
            return NDEF_MORE;
        if (tag == TLV_NDEF) {
            *message = ts_slice_of(memory.data + value, len);
            return NDEF_FOUND;
        }
        at = value + len;
    }
    *need = at + 1;
    return NDEF_MORE;
}

/* The lengths of a record's head. */
struct head {
    size_t type, id, size;
    size_t payload;
};

static bool head_read(struct head *head, struct ts_slice bytes) {
    uint8_t flags = bytes.data[0];
    size_t at = flags & FLAG_SHORT ? 3 : 6;

    head->size = at + (flags & FLAG_ID ? 1 : 0);
    if (bytes.len < head->size)
        return false;
    head->type = bytes.data[1];
    head->payload = bytes.data[2];
    for (size_t i = 3; i < at; i++)
        head->payload = head->payload << 8 | bytes.data[i];
    head->id = flags & FLAG_ID ? bytes.data[at] : 0;
    return head->payload <= bytes.len &&
           head->size + head->type + head->id + head->payload <= bytes.len;
}

enum scan_error ndef_next(struct ts_slice *rest, struct ndef_record *out) {
    struct head head;
    uint8_t flags = rest->data[0];

    if (flags & FLAG_CHUNK || (flags & TNF_MASK) >= TNF_UNCHANGED)
        return SCAN_BAD_FRAME;
    if (!head_read(&head, *rest))
        return SCAN_TRUNCATED;
    const uint8_t *type = rest->data + head.size;
    out->tnf = flags & TNF_MASK;
    out->type = ts_slice_of(type, head.type);
    out->payload = ts_slice_of(type + head.type + head.id, head.payload);
    *rest = slice_from(*rest, head.size + head.type + head.id + head.payload);
    if (flags & FLAG_END)
        rest->len = 0;
    else if (rest->len == 0)
        return SCAN_TRUNCATED;
    return SCAN_OK;
}

static bool text_put(struct ndef_text *out, struct ts_slice bytes) {
    if (bytes.len > sizeof out->text - out->len)
        return false;
    if (bytes.len)
        memcpy(out->text + out->len, bytes.data, bytes.len);
    out->len += bytes.len;
    return true;
}

static bool text_put_point(struct ndef_text *out, uint32_t point) {
    uint8_t utf8[4];
    size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = len; i-- > 1; point >>= 6)
        utf8[i] = (uint8_t)(0x80 | (point & 0x3f));
    utf8[0] = (uint8_t)(lead[len] | point);
    return text_put(out, ts_slice_of(utf8, len));
}

/* Big endian unless a byte order mark says otherwise (RTD Text 1.0, 3.4). */
static enum scan_error text_put_utf16(struct ndef_text *out,
                                      struct ts_slice bytes) {
    size_t high = 0;
    uint32_t lead = 0;

    if (bytes.len % 2)
        return SCAN_BAD_CHAR;
    for (size_t i = 0; i < bytes.len; i += 2) {
        uint32_t unit =
            (uint32_t)(bytes.data[i + high] << 8 | bytes.data[i + 1 - high]);
        bool trail = unit >= 0xdc00 && unit <= 0xdfff;
        if (i == 0 && (unit == 0xfffe || unit == 0xfeff)) {
            high = unit == 0xfffe;
            continue;
        }
        if (trail != (lead != 0))
            return SCAN_BAD_CHAR;
        if (unit >= 0xd800 && unit <= 0xdbff) {
            lead = unit;
            continue;
        }
        if (trail)
            unit = 0x10000 + ((lead - 0xd800) << 10) + (unit - 0xdc00);
        lead = 0;
        if (!text_put_point(out, unit))
            return SCAN_OVERLONG;
    }
    return lead ? SCAN_BAD_CHAR : SCAN_OK;
}

static void language_take(struct ndef_text *out, struct ts_slice language) {
    if (language.len == 0 || language.len >= sizeof out->language)
        return;
    for (size_t i = 0; i < language.len; i++) {
        uint8_t c = language.data[i];
        if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z') &&
            !(c >= '0' && c <= '9') && c != '-')
            return;
    }
    memcpy(out->language, language.data, language.len);
}

static enum scan_error text_read(struct ndef_text *out,
                                 struct ts_slice payload) {
    if (payload.len == 0)
        return SCAN_TRUNCATED;
    uint8_t status = payload.data[0];
    size_t language = status & 0x3f;
    if (1 + language > payload.len)
        return SCAN_TRUNCATED;
    language_take(out, ts_slice_of(payload.data + 1, language));
    struct ts_slice text = slice_from(payload, 1 + language);
    if (status & 0x80)
        return text_put_utf16(out, text);
    if (!ts_utf8_valid(text))
        return SCAN_BAD_CHAR;
    return text_put(out, text) ? SCAN_OK : SCAN_OVERLONG;
}

static enum scan_error uri_read(struct ndef_text *out,
                                struct ts_slice payload) {
    if (payload.len == 0)
        return SCAN_TRUNCATED;
    uint8_t code = payload.data[0];
    struct ts_slice rest = slice_from(payload, 1);
    if (code >= URI_PREFIXES)
        return SCAN_BAD_FRAME;
    if (!ts_utf8_valid(rest))
        return SCAN_BAD_CHAR;
    return text_put(out, ts_slice_text(uri_prefixes[code])) &&
                   text_put(out, rest)
               ? SCAN_OK
               : SCAN_OVERLONG;
}

static bool type_is(const struct ndef_record *record, const char *type) {
    return record->tnf == TNF_WELL_KNOWN &&
           ts_slice_equal(record->type, ts_slice_text(type));
}

enum scan_error ndef_read(struct ndef_text *out,
                          const struct ndef_record *record) {
    out->kind = NDEF_OTHER;
    memset(out->language, 0, sizeof out->language);
    out->len = 0;
    if (type_is(record, "T")) {
        out->kind = NDEF_TEXT;
        return text_read(out, record->payload);
    }
    if (type_is(record, "U")) {
        out->kind = NDEF_URI;
        return uri_read(out, record->payload);
    }
    if (record->tnf != TNF_ABSOLUTE_URI)
        return SCAN_OK;
    out->kind = NDEF_URI;
    if (!ts_utf8_valid(record->type))
        return SCAN_BAD_CHAR;
    return text_put(out, record->type) ? SCAN_OK : SCAN_OVERLONG;
}

/* The first record of this kind that says something. A smart poster is a
 * message of its own; its texts are titles, so only its URI counts. */
static enum scan_error choose_kind(struct ndef_text *out,
                                   struct ts_slice message, enum ndef_kind kind,
                                   bool nested) {
    struct ndef_record record;
    enum scan_error error;

    while (message.len) {
        error = ndef_next(&message, &record);
        if (error)
            return error;
        if (!nested && kind == NDEF_URI && type_is(&record, "Sp"))
            error = choose_kind(out, record.payload, kind, true);
        else
            error = ndef_read(out, &record);
        if (error || (out->kind == kind && out->len))
            return error;
    }
    out->kind = NDEF_OTHER;
    out->len = 0;
    return SCAN_OK;
}

enum scan_error ndef_choose(struct ndef_text *out, struct ts_slice message) {
    enum scan_error error = choose_kind(out, message, NDEF_TEXT, false);

    if (!error && out->kind == NDEF_OTHER)
        error = choose_kind(out, message, NDEF_URI, false);
    return error;
}
