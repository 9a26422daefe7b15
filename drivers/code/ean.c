#include "drivers/code/ean.h"

#include "drivers/code/code.h"

#include <string.h>

bool ean_all_digits(struct ts_slice text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return text.len > 0;
}

char ean_check_digit(struct ts_slice digits) {
    unsigned sum = 0;

    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.data[digits.len - 1 - i] - '0');
        sum = (sum + digit * (i % 2 ? 1 : 3)) % 10;
    }
    return (char)('0' + (10 - sum) % 10);
}

bool code_mod10_valid(struct ts_slice digits) {
    if (digits.len < 2 || !ean_all_digits(digits))
        return false;
    struct ts_slice body = ts_slice_of(digits.data, digits.len - 1);
    return ean_check_digit(body) == (char)digits.data[body.len];
}

/* The last of the six digits tells where the zeros stood. */
static void upc_e_body(char out[11], const char six[6]) {
    memset(out, '0', 10);
    out[0] = six[0];
    out[1] = six[1];
    if (six[5] <= '2') {
        out[2] = six[5];
        memcpy(out + 7, six + 2, 3);
    } else if (six[5] == '3') {
        out[2] = six[2];
        memcpy(out + 8, six + 3, 2);
    } else if (six[5] == '4') {
        memcpy(out + 2, six + 2, 2);
        out[9] = six[4];
    } else {
        memcpy(out + 2, six + 2, 3);
        out[9] = six[5];
    }
    out[10] = 0;
}

bool ean_expand_upc_e(char upc_a[13], struct ts_slice digits) {
    if (digits.len != 8 || !ean_all_digits(digits) || digits.data[0] > '1')
        return false;
    char full[13] = {(char)digits.data[0]};
    upc_e_body(full + 1, (const char *)digits.data + 1);
    full[11] = (char)digits.data[7];
    if (!code_mod10_valid(ts_slice_of(full, 12)))
        return false;
    memcpy(upc_a, full, sizeof full);
    return true;
}

bool ean_suppressible(struct ts_slice upc_a) {
    if (upc_a.len != 12 || !ean_all_digits(upc_a) || upc_a.data[0] > '1')
        return false;
    const char *maker = (const char *)upc_a.data + 1;
    const char *item = maker + 5;
    if (memcmp(maker + 3, "00", 2) == 0) {
        size_t zeros = maker[2] <= '2' ? 2 : 3;
        return memcmp(item, "000", zeros) == 0;
    }
    if (memcmp(item, "0000", 4) != 0)
        return false;
    return maker[4] == '0' || item[4] >= '5';
}
