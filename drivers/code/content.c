#include "drivers/code/content.h"

#include "drivers/code/aim.h"
#include "drivers/code/ean.h"

#include <string.h>
#include <strings.h>

enum symbology content_symbology(const struct scan *scan) {
    enum symbology symbology = aim_symbology(scan->aim);

    if (scan->medium != SCAN_BARCODE)
        return SYMBOLOGY_UNKNOWN;
    /* "Other" of the identifier is less than any type byte says. */
    if (symbology != SYMBOLOGY_UNKNOWN &&
        (symbology != SYMBOLOGY_OTHER || scan->symbology == SYMBOLOGY_UNKNOWN))
        return symbology;
    if (scan->symbology != SYMBOLOGY_UNKNOWN || scan->aim[0])
        return scan->symbology;
    return aim_of_code_id(scan->code_id);
}

bool content_untold(const struct scan *scan) {
    return scan->medium == SCAN_BARCODE && !scan->aim[0] &&
           content_symbology(scan) == SYMBOLOGY_UNKNOWN;
}

bool content_eci_at(struct ts_slice text, size_t at) {
    if (text.len - at < CONTENT_ECI_LENGTH || text.data[at] != '\\')
        return false;
    return ean_all_digits(
        ts_slice_of(text.data + at + 1, CONTENT_ECI_LENGTH - 1));
}

struct ts_slice content_text(const struct scan *scan) {
    struct ts_slice text = scan->text;

    while (text.len && content_eci_at(text, 0))
        text = ts_slice_of(text.data + CONTENT_ECI_LENGTH,
                           text.len - CONTENT_ECI_LENGTH);
    return text;
}

struct ts_slice content_cut_composite(struct ts_slice *text) {
    static const char border[] = "|]e0";
    size_t len = sizeof border - 1;
    const uint8_t *at =
        text->len ? memmem(text->data, text->len, border, len) : NULL;

    if (!at)
        return ts_slice_of(NULL, 0);
    size_t before = (size_t)(at - text->data);
    struct ts_slice rest = ts_slice_of(at + len, text->len - before - len);
    text->len = before;
    return rest;
}

bool content_is_link(struct ts_slice text) {
    static const char *const schemes[] = {"https://", "http://"};

    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t len = strlen(schemes[i]);
        if (text.len >= len &&
            strncasecmp((const char *)text.data, schemes[i], len) == 0)
            return true;
    }
    return false;
}

bool content_is_noise(struct ts_slice text) {
    size_t noise = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c < 0x1c || c == 0x7f)
            noise++;
        else if (c < '0' || c > '9')
            return false;
    }
    return noise > 0 && noise < text.len;
}
