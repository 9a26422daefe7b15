/* Card tokens: what stands for a loyalty number everywhere but in the shop's
 * hand. Token = 'c' key number '.' base64url(HMAC-SHA-256(key, programme ':'
 * number)); number upper case, [0-9A-Z] only, check digit kept. */
#ifndef TS_BASE_TOKEN_H
#define TS_BASE_TOKEN_H

#include "base/bytes.h"

enum { TS_TOKEN_TEXT = 64, TS_KEY_BYTES = 32, TS_KEYS_MAX = 8 };

struct ts_keys;

/* A key file holds lines `<number> <64 hex digits>`, number 1 to 999; '#'
 * starts a comment. The highest number is the current key. TS_DENIED when
 * others than the owner may read it (mode 0600 or 0400 is asked for). */
enum ts_status ts_keys_load(struct ts_keys **out, const char *path,
                            struct ts_err *err) TS_MUST_USE;
/* One key, number 1 to 999. */
struct ts_keys *ts_keys_new(unsigned number, const uint8_t key[TS_KEY_BYTES]);
/* Wipes and frees. */
void ts_keys_free(struct ts_keys *keys);
/* How many keys are held; index 0 is the current one, then descending. */
size_t ts_keys_count(const struct ts_keys *keys);

/* Token under the key at `index`. TS_INVALID when programme is not
 * [a-z0-9-]{1,48} or the number has nothing of [0-9A-Za-z]; characters outside
 * are dropped, letters raised. */
enum ts_status ts_token_card(char out[TS_TOKEN_TEXT],
                             const struct ts_keys *keys, size_t index,
                             struct ts_slice programme,
                             struct ts_slice number) TS_MUST_USE;
/* 'u' key number '.' the same HMAC of "unknown:" and the text, current key. */
void ts_token_print(char out[TS_TOKEN_TEXT], const struct ts_keys *keys,
                    struct ts_slice text);
/* The form of a card token: c<1-999>.<43 base64url>. */
bool ts_token_valid(struct ts_slice token);

/* The last four characters behind dots ("···· 6538"), for a screen; fewer
 * than eight characters show none. UTF-8, at most 24 bytes with NUL. */
void ts_card_masked(char out[24], struct ts_slice number);

#endif
