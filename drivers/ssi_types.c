#include "drivers/ssi.h"

#include <stddef.h>

struct type_row {
    uint8_t byte;
    struct ssi_type type;
};

/* Zebra SSI Programmer's Guide, code types of DECODE_DATA. */
static const struct type_row type_rows[] = {
    {0x01, {SYMBOLOGY_CODE_39, 'A'}},
    {0x02, {SYMBOLOGY_CODABAR, 'F'}},
    {0x03, {SYMBOLOGY_CODE_128, 'C'}},
    {0x04, {SYMBOLOGY_DISCRETE_2_OF_5, 'S'}},
    {0x05, {SYMBOLOGY_IATA_2_OF_5, 'R'}},
    {0x06, {SYMBOLOGY_ITF, 'I'}},
    {0x07, {SYMBOLOGY_CODE_93, 'G'}},
    {0x08, {SYMBOLOGY_UPC_A, 'E'}},
    {0x09, {SYMBOLOGY_UPC_E, 'E'}},
    {0x0a, {SYMBOLOGY_EAN_8, 'E'}},
    {0x0b, {SYMBOLOGY_EAN_13, 'E'}},
    {0x0c, {SYMBOLOGY_CODE_11, 'H'}},
    {0x0d, {SYMBOLOGY_CODE_49, 'T'}},
    {0x0e, {SYMBOLOGY_MSI, 'M'}},
    {0x0f, {SYMBOLOGY_GS1_128, 'C'}},
    {0x10, {SYMBOLOGY_UPC_E1, 'E'}},
    {0x11, {SYMBOLOGY_PDF417, 'L'}},
    {0x12, {SYMBOLOGY_CODE_16K, 'K'}},
    {0x13, {SYMBOLOGY_CODE_39_ASCII, 'A'}},
    {0x14, {SYMBOLOGY_UPC_D, 0}},
    {0x15, {SYMBOLOGY_TRIOPTIC, 'X'}},
    {0x16, {SYMBOLOGY_BOOKLAND, 'E'}},
    {0x17, {SYMBOLOGY_COUPON, 'E'}},
    {0x18, {SYMBOLOGY_CODABAR, 'F'}}, /* NW-7 is its name in Japan */
    {0x19, {SYMBOLOGY_ISBT_128, 'C'}},
    {0x1a, {SYMBOLOGY_MICRO_PDF417, 'L'}},
    {0x1b, {SYMBOLOGY_DATA_MATRIX, 'd'}},
    {0x1c, {SYMBOLOGY_QR, 'Q'}},
    {0x1d, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x1e, {SYMBOLOGY_POSTAL, 'X'}},
    {0x1f, {SYMBOLOGY_POSTAL, 'X'}},
    {0x20, {SYMBOLOGY_CODE_32, 'A'}},
    {0x21, {SYMBOLOGY_ISBT_128, 'C'}},
    {0x22, {SYMBOLOGY_POSTAL, 'X'}},
    /* Old laser firmware means GS1 DataBar by 23 to 25. */
    {0x23, {SYMBOLOGY_POSTAL, 'X'}},
    {0x24, {SYMBOLOGY_POSTAL, 'X'}},
    {0x25, {SYMBOLOGY_MAXICODE, 'U'}},
    {0x26, {SYMBOLOGY_POSTAL, 'X'}},
    {0x27, {SYMBOLOGY_POSTAL, 'X'}},
    {0x28, {SYMBOLOGY_PDF417, 'L'}},
    {0x29, {SYMBOLOGY_QR, 'Q'}},
    {0x2c, {SYMBOLOGY_MICRO_QR, 'Q'}},
    {0x2d, {SYMBOLOGY_AZTEC, 'z'}},
    {0x2e, {SYMBOLOGY_AZTEC_RUNE, 'z'}},
    {0x30, {SYMBOLOGY_GS1_DATABAR, 'e'}},
    {0x31, {SYMBOLOGY_GS1_DATABAR_LIMITED, 'e'}},
    {0x32, {SYMBOLOGY_GS1_DATABAR_EXPANDED, 'e'}},
    {0x34, {SYMBOLOGY_POSTAL, 'X'}},
    {0x35, {SYMBOLOGY_POSTAL, 'X'}},
    {0x36, {SYMBOLOGY_ISSN, 'E'}},
    {0x39, {SYMBOLOGY_MATRIX_2_OF_5, 'X'}},
    {0x48, {SYMBOLOGY_UPC_A_2, 'E'}},
    {0x49, {SYMBOLOGY_UPC_E_2, 'E'}},
    {0x4a, {SYMBOLOGY_EAN_8_2, 'E'}},
    {0x4b, {SYMBOLOGY_EAN_13_2, 'E'}},
    {0x51, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x52, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x53, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x54, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x55, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x56, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x57, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x58, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x59, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x5a, {SYMBOLOGY_TLC_39, 'L'}},
    {0x61, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x62, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x63, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x64, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x65, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x66, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x67, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x68, {SYMBOLOGY_GS1_COMPOSITE, 'e'}},
    {0x71, {SYMBOLOGY_MATRIX_2_OF_5, 'X'}},
    {0x72, {SYMBOLOGY_CHINESE_2_OF_5, 'X'}},
    {0x73, {SYMBOLOGY_KOREAN_3_OF_5, 'X'}},
    {0x88, {SYMBOLOGY_UPC_A_5, 'E'}},
    {0x89, {SYMBOLOGY_UPC_E_5, 'E'}},
    {0x8a, {SYMBOLOGY_EAN_8_5, 'E'}},
    {0x8b, {SYMBOLOGY_EAN_13_5, 'E'}},
    {0x9a, {SYMBOLOGY_MICRO_PDF417, 'L'}},
    {0xa0, {SYMBOLOGY_OCR, 'o'}},
    {0xa1, {SYMBOLOGY_OCR, 'o'}},
    {0xb4, {SYMBOLOGY_GS1_DATABAR_EXPANDED, 'e'}},
    {0xb7, {SYMBOLOGY_HAN_XIN, 'h'}},
    {0xc1, {SYMBOLOGY_GS1_DATA_MATRIX, 'd'}},
    {0xc2, {SYMBOLOGY_GS1_QR, 'Q'}},
    {0xc3, {SYMBOLOGY_POSTAL, 'X'}},
    {0xc4, {SYMBOLOGY_DOTCODE, 'J'}},
    {0xc8, {SYMBOLOGY_GRID_MATRIX, 'g'}},
    {0xd1, {SYMBOLOGY_RMQR, 'Q'}},
};

struct ssi_type ssi_type_of(uint8_t byte) {
    for (size_t i = 0; i < sizeof type_rows / sizeof type_rows[0]; i++) {
        if (type_rows[i].byte == byte)
            return type_rows[i].type;
    }
    return (struct ssi_type){SYMBOLOGY_UNKNOWN, 0};
}

const char *ssi_cause_name(int cause) {
    switch (cause) {
    case SSI_RESEND:
        return "RESEND";
    case SSI_BAD_CONTEXT:
        return "BAD_CONTEXT";
    case SSI_DENIED:
        return "DENIED";
    case SSI_CANCEL:
        return "CANCEL";
    default:
        return "unknown";
    }
}
