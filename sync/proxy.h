/* An HTTP proxy between us and the broker: CONNECT (RFC 9110 section 9.3.6),
 * with Basic credentials (RFC 7617) out of a private file. No loop. */
#ifndef TS_SYNC_PROXY_H
#define TS_SYNC_PROXY_H

#include "sync/brokers.h"

enum {
    PROXY_REPLY_MAX = 8192, /* bytes of the reply's header */
    PROXY_SECRET_MAX = 512  /* bytes of user:password */
};

/* "http://proxy.example.com:3128"; the port must be given. */
enum ts_status proxy_url_parse(struct broker_address *out, const char *url,
                               struct ts_err *err) TS_MUST_USE;

struct proxy_reply {
    unsigned status; /* 100 to 599 */
    size_t len;      /* of the header, its empty line included */
};
/* TS_AGAIN: more bytes are needed. TS_INVALID: this is no HTTP/1 answer.
 * TS_FULL: no end of the header within PROXY_REPLY_MAX. */
enum ts_status proxy_reply_parse(struct proxy_reply *out,
                                 struct ts_slice bytes) TS_MUST_USE;

/* The file of the credentials is fit: private, one line user:password. */
enum ts_status proxy_secret_check(const char *path,
                                  struct ts_err *err) TS_MUST_USE;

/* One request and its answer. */
struct proxy;

/* `secret_file` is read here, or NULL. */
enum ts_status proxy_new(struct proxy **out,
                         const struct broker_address *target,
                         const char *secret_file,
                         struct ts_err *err) TS_MUST_USE;
void proxy_free(struct proxy *proxy);
/* Talks on `fd`, connected and non-blocking. TS_OK: the next byte on it is the
 * broker's. TS_AGAIN: wait for the socket. */
enum ts_status proxy_step(struct proxy *proxy, int fd,
                          struct ts_err *err) TS_MUST_USE;
bool proxy_wants_write(const struct proxy *proxy);

#endif
