#include "drivers/pn532_tag.h"

#include <stdio.h>
#include <string.h>

enum {
    SAK_NFC_DEP = 0x40,
    SAK_ISO_DEP = 0x20,
    UID_RANDOM = 0x08,
    STATUS_MASK = 0x3f,
    STATUS_TIMEOUT = 0x01,
    STATUS_AUTH = 0x14,
    STATUS_CARD_GONE = 0x2b
};

enum scan_error pn532_target_read(struct pn532_target *out,
                                  struct ts_slice answer) {
    enum { COUNT, NUMBER, ATQA, SAK = 4, UID_LEN, UID };

    *out = (struct pn532_target){.uid_len = 0};
    if (answer.len == 0)
        return SCAN_BAD_LENGTH;
    if (answer.data[COUNT] == 0)
        return SCAN_OK;
    if (answer.len < UID)
        return SCAN_BAD_LENGTH;
    uint8_t len = answer.data[UID_LEN];
    if ((len != 4 && len != 7 && len != 10) || answer.len < UID + (size_t)len)
        return SCAN_BAD_LENGTH;
    out->sak = answer.data[SAK];
    out->uid_len = len;
    memcpy(out->uid, answer.data + UID, len);
    return SCAN_OK;
}

const char *pn532_target_name(const struct pn532_target *target) {
    if (target->sak & SAK_ISO_DEP)
        return "ISO-DEP";
    if (target->sak & SAK_NFC_DEP)
        return "NFC-DEP";
    switch (target->sak) {
    case 0x00:
        return "Type 2 (NTAG/Ultralight)";
    case 0x08:
    case 0x88:
        return "MIFARE Classic 1K";
    case 0x18:
        return "MIFARE Classic 4K";
    case 0x09:
        return "MIFARE Mini";
    case 0x10:
    case 0x11:
        return "MIFARE Plus";
    default:
        return "ISO 14443A";
    }
}

bool pn532_target_random(const struct pn532_target *target) {
    return target->uid_len == 4 && target->uid[0] == UID_RANDOM;
}

bool pn532_target_private(const struct pn532_target *target) {
    return (target->sak & (SAK_ISO_DEP | SAK_NFC_DEP)) != 0 ||
           pn532_target_random(target);
}

bool pn532_target_pages(const struct pn532_target *target) {
    return target->sak == 0x00;
}

void pn532_target_text(char out[PN532_UID_TEXT],
                       const struct pn532_target *target) {
    out[0] = '\0';
    for (size_t i = 0; i < target->uid_len; i++)
        (void)snprintf(out + 2 * i, 3, "%02X", target->uid[i]);
}

enum scan_error pn532_status_error(uint8_t status) {
    switch (status & STATUS_MASK) {
    case 0:
        return SCAN_OK;
    case STATUS_TIMEOUT:
    case STATUS_CARD_GONE:
        return SCAN_NFC_TIMEOUT;
    case STATUS_AUTH:
        return SCAN_NFC_AUTH;
    default:
        return SCAN_READ_ERROR;
    }
}

const char *pn532_answer_name(uint8_t code) {
    switch (code - 1) {
    case PN532_GET_FIRMWARE:
        return "GetFirmwareVersion";
    case PN532_SAM_CONFIGURATION:
        return "SAMConfiguration";
    case PN532_RF_CONFIGURATION:
        return "RFConfiguration";
    case PN532_DATA_EXCHANGE:
        return "InDataExchange";
    case PN532_LIST_TARGET:
        return "InListPassiveTarget";
    case PN532_RELEASE:
        return "InRelease";
    default:
        return NULL;
    }
}
