/* The client's half of a mutual TLS session over a connected, non-blocking
 * socket: mbedTLS, no loop. Every refusal is one text that says what to do.
 * All that differs between mbedTLS 2.28 and 3.6 is in tls.c. */
#ifndef TS_SYNC_TLS_H
#define TS_SYNC_TLS_H

#include "base/bytes.h"
#include "base/time.h"

/* Outlives its connections: holds the session to resume, in memory only, and
 * the time floor. */
struct tls;

struct tls_options {
    const char *ca_file;
    const char *crl_file;  /* or NULL */
    const char *cert_file; /* NULL, as key_file then: none is presented */
    const char *key_file;
    const char *server_name; /* NULL: by tls_set_server_name */
    const char *own_name;    /* common name in cert_file, or NULL: any */
    const struct ts_clock *clock;
    /* Certificates are never checked against an earlier time than the newest
     * of this, the build time and tls_trust_time. */
    struct ts_wall time_floor;
};

struct tls *tls_new(const struct tls_options *options);
void tls_free(struct tls *tls);
/* Lifts the floor, but never beyond the first end of what the last session was
 * verified with (the peer's chain, its revocation list): an instant that is
 * wrong by years shuts nobody out for ever. The floor as it is now. */
struct ts_wall tls_trust_time(struct tls *tls, struct ts_wall at);
/* The name or address that the next peer's certificate must have; with another
 * one than before the kept session is forgotten. */
void tls_set_server_name(struct tls *tls, const char *name);

/* Reads all files and checks that they fit together; no connection needed. */
enum ts_status tls_check_files(struct tls *tls, struct ts_err *err) TS_MUST_USE;
/* Reads the files and takes up a handshake on `fd`, which stays the
 * caller's. */
enum ts_status tls_begin(struct tls *tls, int fd,
                         struct ts_err *err) TS_MUST_USE;
/* TS_AGAIN: wait for the socket (see tls_wants_write). */
enum ts_status tls_handshake(struct tls *tls, struct ts_err *err) TS_MUST_USE;
bool tls_wants_write(const struct tls *tls);
/* TS_CLOSED with a text when the peer ended the session. */
enum ts_status tls_read(struct tls *tls, uint8_t *out, size_t size, size_t *got,
                        struct ts_err *err) TS_MUST_USE;
/* After TS_AGAIN call again with the same bytes. */
enum ts_status tls_write(struct tls *tls, struct ts_slice bytes, size_t *sent,
                         struct ts_err *err) TS_MUST_USE;
/* Sends close_notify; TS_AGAIN: call again when the socket is writable. */
enum ts_status tls_close_notify(struct tls *tls) TS_MUST_USE;
/* Forgets the connection; the session stays for the next one. */
void tls_end(struct tls *tls);

/* The handshake that was completed took up an earlier session. */
bool tls_resumed(const struct tls *tls);
/* Bytes on the socket, all connections together. */
uint64_t tls_bytes_in(const struct tls *tls);
uint64_t tls_bytes_out(const struct tls *tls);

#endif
