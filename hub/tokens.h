/* Who may use the API: a 0600 file of lines `<name> <SHA-256 of the token in
 * hex>`; the tokens themselves are shown once, when they are made. */
#ifndef TS_HUB_TOKENS_H
#define TS_HUB_TOKENS_H

#include "base/bytes.h"

enum { TOKENS_MAX = 256, TOKENS_TEXT = 48 };

/* Adds a line and writes the new token to `out`. TS_INVALID: the name is
 * taken or not [a-z0-9-]{1,48}. The file is made when it is not there. */
enum ts_status tokens_add(const char *path, const char *name,
                          char out[TOKENS_TEXT],
                          struct ts_err *err) TS_MUST_USE;
enum ts_status tokens_remove(const char *path, const char *name,
                             struct ts_err *err) TS_MUST_USE;
/* Calls `each` with every name. */
enum ts_status tokens_list(const char *path,
                           void (*each)(void *arg, const char *name), void *arg,
                           struct ts_err *err) TS_MUST_USE;

/* Reads the file each time, so that a new or removed token counts at once.
 * Constant in the token's bytes. TS_DENIED: no such token. */
enum ts_status tokens_check(const char *path, struct ts_slice token,
                            struct ts_err *err) TS_MUST_USE;

#endif
