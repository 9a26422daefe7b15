#include "drivers/code/symbology.h"

#include <stddef.h>

static const char *const symbology_names[] = {
    [SYMBOLOGY_UNKNOWN] = "unknown",
    [SYMBOLOGY_EAN_13] = "EAN-13",
    [SYMBOLOGY_EAN_8] = "EAN-8",
    [SYMBOLOGY_UPC_A] = "UPC-A",
    [SYMBOLOGY_UPC_E] = "UPC-E",
    [SYMBOLOGY_ITF_14] = "ITF-14",
    [SYMBOLOGY_ITF] = "ITF",
    [SYMBOLOGY_CODE_128] = "Code 128",
    [SYMBOLOGY_GS1_128] = "GS1-128",
    [SYMBOLOGY_CODE_39] = "Code 39",
    [SYMBOLOGY_QR] = "QR Code",
    [SYMBOLOGY_DATA_MATRIX] = "Data Matrix",
    [SYMBOLOGY_PDF417] = "PDF417",
    [SYMBOLOGY_AZTEC] = "Aztec",
    [SYMBOLOGY_GS1_DATABAR] = "GS1 DataBar",
    [SYMBOLOGY_EAN_ADD_ON_2] = "Add-on 2",
    [SYMBOLOGY_EAN_ADD_ON_5] = "Add-on 5",
    [SYMBOLOGY_ISBT_128] = "ISBT 128",
    [SYMBOLOGY_CODE_39_ASCII] = "Code 39 Full ASCII",
    [SYMBOLOGY_GS1_QR] = "GS1 QR",
    [SYMBOLOGY_GS1_DATA_MATRIX] = "GS1 DataMatrix",
    [SYMBOLOGY_GS1_DOTCODE] = "GS1 DotCode",
    [SYMBOLOGY_GS1_AZTEC] = "GS1 Aztec",
    [SYMBOLOGY_AZTEC_RUNE] = "Aztec Rune",
    [SYMBOLOGY_DOTCODE] = "DotCode",
    [SYMBOLOGY_CODABAR] = "Codabar",
    [SYMBOLOGY_CODE_93] = "Code 93",
    [SYMBOLOGY_CODE_11] = "Code 11",
    [SYMBOLOGY_CODE_16K] = "Code 16K",
    [SYMBOLOGY_CODE_49] = "Code 49",
    [SYMBOLOGY_CODE_ONE] = "Code One",
    [SYMBOLOGY_CODABLOCK] = "Codablock",
    [SYMBOLOGY_TELEPEN] = "Telepen",
    [SYMBOLOGY_MSI] = "MSI",
    [SYMBOLOGY_ANKER] = "Anker",
    [SYMBOLOGY_PLESSEY] = "Plessey",
    [SYMBOLOGY_DISCRETE_2_OF_5] = "Discrete 2 of 5",
    [SYMBOLOGY_MAXICODE] = "MaxiCode",
    [SYMBOLOGY_GRID_MATRIX] = "Grid Matrix",
    [SYMBOLOGY_HAN_XIN] = "Han Xin",
    [SYMBOLOGY_EAN_13_2] = "EAN-13+2",
    [SYMBOLOGY_EAN_13_5] = "EAN-13+5",
    [SYMBOLOGY_EAN_8_2] = "EAN-8+2",
    [SYMBOLOGY_EAN_8_5] = "EAN-8+5",
    [SYMBOLOGY_UPC_A_2] = "UPC-A+2",
    [SYMBOLOGY_UPC_A_5] = "UPC-A+5",
    [SYMBOLOGY_UPC_E_2] = "UPC-E+2",
    [SYMBOLOGY_UPC_E_5] = "UPC-E+5",
    [SYMBOLOGY_BOOKLAND] = "Bookland EAN",
    [SYMBOLOGY_ISSN] = "ISSN EAN",
    [SYMBOLOGY_GS1_DATABAR_LIMITED] = "GS1 DataBar Limited",
    [SYMBOLOGY_GS1_DATABAR_EXPANDED] = "GS1 DataBar Expanded",
    [SYMBOLOGY_GS1_COMPOSITE] = "GS1 Composite",
    [SYMBOLOGY_COUPON] = "Coupon",
    [SYMBOLOGY_MICRO_PDF417] = "MicroPDF417",
    [SYMBOLOGY_MICRO_QR] = "Micro QR Code",
    [SYMBOLOGY_RMQR] = "rMQR Code",
    [SYMBOLOGY_CODE_32] = "Code 32",
    [SYMBOLOGY_TRIOPTIC] = "Trioptic Code 39",
    [SYMBOLOGY_UPC_D] = "UPC-D",
    [SYMBOLOGY_UPC_E1] = "UPC-E1",
    [SYMBOLOGY_IATA_2_OF_5] = "IATA 2 of 5",
    [SYMBOLOGY_MATRIX_2_OF_5] = "Matrix 2 of 5",
    [SYMBOLOGY_CHINESE_2_OF_5] = "Chinese 2 of 5",
    [SYMBOLOGY_KOREAN_3_OF_5] = "Korean 3 of 5",
    [SYMBOLOGY_TLC_39] = "TLC-39",
    [SYMBOLOGY_POSTAL] = "Postal",
    [SYMBOLOGY_OCR] = "OCR",
    [SYMBOLOGY_OTHER] = "Other/Bookland",
};

const char *symbology_name(enum symbology symbology) {
    size_t known = sizeof symbology_names / sizeof symbology_names[0];
    size_t index = (size_t)symbology;
    return symbology_names[index < known ? index : SYMBOLOGY_UNKNOWN];
}

bool symbology_is_gs1(enum symbology symbology) {
    switch (symbology) {
    case SYMBOLOGY_GS1_128:
    case SYMBOLOGY_GS1_DATABAR:
    case SYMBOLOGY_GS1_DATABAR_LIMITED:
    case SYMBOLOGY_GS1_DATABAR_EXPANDED:
    case SYMBOLOGY_GS1_QR:
    case SYMBOLOGY_GS1_DATA_MATRIX:
    case SYMBOLOGY_GS1_DOTCODE:
    case SYMBOLOGY_GS1_AZTEC:
        return true;
    default:
        return false;
    }
}
