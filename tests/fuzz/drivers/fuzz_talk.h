/* A fuzzed conversation with a driver whose device is answered. */
#ifndef TS_TESTS_FUZZ_TALK_H
#define TS_TESTS_FUZZ_TALK_H

#include "drivers/driver.h"

enum { TALK_FRAME_MAX = 512 };

struct talk {
    const char *driver;
    /* A well-formed frame around `bytes`, so that checksums are no wall. */
    size_t (*wrap)(uint8_t out[TALK_FRAME_MAX], struct ts_slice bytes);
    /* Aborts on what must not be sent. */
    void (*check_sent)(struct ts_slice bytes);
    /* The answer to the newest scan is always heard. */
    bool answers;
};

/* The input is a script: bytes from the device, whole frames, time, confirm,
 * refuse, wipe, reopening. It is played twice, the second time with the bytes
 * cut into small reads, and must come to the same. */
void fuzz_talk(const struct talk *talk, struct ts_slice script);

#endif
