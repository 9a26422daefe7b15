#include "drivers/code/aim.h"

#include <string.h>

struct aim_row {
    char letter;
    char modifiers[7]; /* "": any */
    enum symbology symbology;
};

/* The first row that fits wins: ISO/IEC 15424, annex of the symbologies. */
static const struct aim_row aim_rows[] = {
    {'A', "457", SYMBOLOGY_CODE_39_ASCII},
    {'A', "", SYMBOLOGY_CODE_39},
    {'B', "", SYMBOLOGY_TELEPEN},
    {'C', "1", SYMBOLOGY_GS1_128},
    {'C', "4", SYMBOLOGY_ISBT_128},
    {'C', "", SYMBOLOGY_CODE_128},
    {'D', "", SYMBOLOGY_CODE_ONE},
    {'E', "03", SYMBOLOGY_EAN_13},
    {'E', "1", SYMBOLOGY_EAN_ADD_ON_2},
    {'E', "2", SYMBOLOGY_EAN_ADD_ON_5},
    {'E', "456", SYMBOLOGY_EAN_8},
    {'F', "", SYMBOLOGY_CODABAR},
    {'G', "", SYMBOLOGY_CODE_93},
    {'H', "", SYMBOLOGY_CODE_11},
    {'I', "1", SYMBOLOGY_ITF_14},
    {'I', "", SYMBOLOGY_ITF},
    {'J', "14", SYMBOLOGY_GS1_DOTCODE},
    {'J', "", SYMBOLOGY_DOTCODE},
    {'K', "", SYMBOLOGY_CODE_16K},
    {'L', "", SYMBOLOGY_PDF417},
    {'M', "", SYMBOLOGY_MSI},
    {'N', "", SYMBOLOGY_ANKER},
    {'O', "", SYMBOLOGY_CODABLOCK},
    {'P', "", SYMBOLOGY_PLESSEY},
    {'Q', "34", SYMBOLOGY_GS1_QR},
    {'Q', "", SYMBOLOGY_QR},
    {'R', "", SYMBOLOGY_DISCRETE_2_OF_5},
    {'S', "", SYMBOLOGY_DISCRETE_2_OF_5},
    {'T', "", SYMBOLOGY_CODE_49},
    {'U', "", SYMBOLOGY_MAXICODE},
    {'X', "", SYMBOLOGY_OTHER},
    {'d', "25", SYMBOLOGY_GS1_DATA_MATRIX},
    {'d', "", SYMBOLOGY_DATA_MATRIX},
    {'e', "", SYMBOLOGY_GS1_DATABAR},
    {'g', "", SYMBOLOGY_GRID_MATRIX},
    {'h', "", SYMBOLOGY_HAN_XIN},
    {'z', "14", SYMBOLOGY_GS1_AZTEC},
    {'z', "C", SYMBOLOGY_AZTEC_RUNE},
    {'z', "", SYMBOLOGY_AZTEC},
};

struct code_id_row {
    char letter;
    enum symbology symbology;
};

static const struct code_id_row code_id_rows[] = {
    {'a', SYMBOLOGY_CODABAR},     {'b', SYMBOLOGY_CODE_39},
    {'c', SYMBOLOGY_UPC_A},       {'d', SYMBOLOGY_EAN_13},
    {'D', SYMBOLOGY_EAN_8},       {'E', SYMBOLOGY_UPC_E},
    {'e', SYMBOLOGY_ITF},         {'f', SYMBOLOGY_DISCRETE_2_OF_5},
    {'g', SYMBOLOGY_MSI},         {'h', SYMBOLOGY_CODE_11},
    {'i', SYMBOLOGY_CODE_93},     {'j', SYMBOLOGY_CODE_128},
    {'I', SYMBOLOGY_GS1_128},     {'r', SYMBOLOGY_PDF417},
    {'R', SYMBOLOGY_PDF417},      {'s', SYMBOLOGY_QR},
    {'w', SYMBOLOGY_DATA_MATRIX}, {'x', SYMBOLOGY_MAXICODE},
    {'y', SYMBOLOGY_GS1_DATABAR}, {'{', SYMBOLOGY_GS1_DATABAR},
    {'}', SYMBOLOGY_GS1_DATABAR}, {'z', SYMBOLOGY_AZTEC},
    {'H', SYMBOLOGY_HAN_XIN},     {'.', SYMBOLOGY_DOTCODE},
    {'<', SYMBOLOGY_CODE_39},     {'=', SYMBOLOGY_OTHER},
    {'`', SYMBOLOGY_EAN_13},
};

static bool is_letter(uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_modifier(uint8_t c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

bool aim_well_formed(struct ts_slice text) {
    return text.len >= AIM_LENGTH && text.data[0] == ']' &&
           is_letter(text.data[1]) && is_modifier(text.data[2]);
}

enum symbology aim_symbology(const char aim[4]) {
    if (!aim[0] || !aim[1])
        return SYMBOLOGY_UNKNOWN;
    for (size_t i = 0; i < sizeof aim_rows / sizeof aim_rows[0]; i++) {
        const struct aim_row *row = &aim_rows[i];
        if (row->letter == aim[1] &&
            (!row->modifiers[0] || strchr(row->modifiers, aim[2])))
            return row->symbology;
    }
    return SYMBOLOGY_UNKNOWN;
}

enum symbology aim_of_code_id(char code_id) {
    for (size_t i = 0; i < sizeof code_id_rows / sizeof code_id_rows[0]; i++) {
        if (code_id_rows[i].letter == code_id)
            return code_id_rows[i].symbology;
    }
    return SYMBOLOGY_UNKNOWN;
}
