/* Compresses a GS1 Digital Link, for the round trip. */
#ifndef TS_TESTS_GS1_PACK_H
#define TS_TESTS_GS1_PACK_H

#include <stdbool.h>
#include <stddef.h>

enum { PACK_MAX = 8192 };

struct pack {
    char bits[PACK_MAX * 6 + 1]; /* '0' and '1' */
    size_t count;
};

/* `digits` of the AI or of a code that stands for several, in hex. */
void pack_code(struct pack *pack, const char *hex);
/* `format` as the standard writes it: "N14", "N3 N..12", "X..20". A component
 * that is not last has its whole length. */
void pack_value(struct pack *pack, const char *format, const char *value);
/* A parameter of the resolver's. */
void pack_foreign(struct pack *pack, const char *name, const char *value);
/* base64url; `out` holds PACK_MAX + 1. */
void pack_text(const struct pack *pack, char *out);

#endif
