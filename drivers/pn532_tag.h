/* What a PN532 tells of a target in its field. Source: NXP UM0701-02, 7.3.5
 * and 7.1; NXP AN10833 for SAK. */
#ifndef TS_DRIVERS_PN532_TAG_H
#define TS_DRIVERS_PN532_TAG_H

#include "drivers/driver.h"

enum {
    PN532_UID_MAX = 10,
    PN532_UID_TEXT = 2 * PN532_UID_MAX + 1,
    PN532_RESPONSE = 0xd5,
    PN532_GET_FIRMWARE = 0x02,
    PN532_SAM_CONFIGURATION = 0x14,
    PN532_RF_CONFIGURATION = 0x32,
    PN532_DATA_EXCHANGE = 0x40,
    PN532_LIST_TARGET = 0x4a,
    PN532_RELEASE = 0x52
};

struct pn532_target {
    uint8_t sak;
    uint8_t uid_len; /* 0: no target */
    uint8_t uid[PN532_UID_MAX];
};

/* What follows the code in an answer to InListPassiveTarget, 106 kbit/s
 * type A. */
enum scan_error pn532_target_read(struct pn532_target *out,
                                  struct ts_slice answer);
/* "MIFARE Classic 1K", ... */
const char *pn532_target_name(const struct pn532_target *target);
/* A UID of ISO/IEC 14443-3 that is drawn anew each time. */
bool pn532_target_random(const struct pn532_target *target);
/* May be a bank card, a passport or a phone: nothing of it is taken. */
bool pn532_target_private(const struct pn532_target *target);
/* Pages of four bytes without a key, where NDEF may be. */
bool pn532_target_pages(const struct pn532_target *target);
/* Upper-case hex. */
void pn532_target_text(char out[PN532_UID_TEXT],
                       const struct pn532_target *target);

/* The status of an answer to InDataExchange. */
enum scan_error pn532_status_error(uint8_t status);
/* "SAMConfiguration" for its response code, or NULL. */
const char *pn532_answer_name(uint8_t code);

#endif
