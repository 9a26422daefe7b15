#include "sync/tls_private.h"

#include "base/ids.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    READ_AHEAD = 16384,
    TIME_TEXT = 20,
    /* Of the peer until the handshake is over; certificates with their chain
     * are some KiB. */
    HANDSHAKE_MAX = 128 * 1024,
    /* How long a session is taken up again: a full handshake each day at least
     * makes new keys and asks for the certificate. */
    SESSION_KEPT_MS = 8 * 3600 * 1000
};

struct tls {
    struct tls_paths paths;
    char *server_name;
    const struct ts_clock *clock;
    struct ts_wall floor;
    struct ts_wall end; /* of what was verified last; 0: nothing yet */

    mbedtls_ssl_session saved;
    bool has_saved;
    struct ts_mono saved_at;
    uint8_t saved_digest[TLS_DIGEST];
    uint64_t bytes_in, bytes_out;

    /* Of one connection. */
    bool active, verified, resumed, wants_write, swallow, done;
    bool first_seen, foreign; /* the peer's first byte is no TLS record */
    uint8_t first[8];
    size_t received; /* in the handshake */
    int fd;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    struct tls_files files;
    char problem[TS_ERR_TEXT]; /* what is wrong with the peer's certificate */
    uint8_t ahead[READ_AHEAD];
    size_t ahead_at, ahead_len;
};

/* ChaCha20-Poly1305 first: without carry-less multiplication in wide form it
 * is the fastest of what brokers offer by default. */
static const int suites[] = {
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    0};

/* X25519, P-256, P-384; nothing shorter, and no SHA-1 in a key exchange. */
static const tls_curve curves[] = TLS_CURVES;
static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA384,
                             MBEDTLS_MD_SHA512, MBEDTLS_MD_NONE};

static char *dup_or_null(const char *text) {
    return text ? ts_strdup(text) : NULL;
}

struct tls *tls_new(const struct tls_options *options) {
    struct tls *tls = ts_alloc(sizeof *tls);

    tls->paths.ca = ts_strdup(options->ca_file);
    tls->paths.crl = dup_or_null(options->crl_file);
    tls->paths.cert = dup_or_null(options->cert_file);
    tls->paths.key = dup_or_null(options->key_file);
    tls->server_name = dup_or_null(options->server_name);
    tls->paths.own_name = dup_or_null(options->own_name);
    tls->clock = options->clock;
    tls->floor.unix_ms = (int64_t)TS_BUILD_UNIX * 1000;
    (void)tls_trust_time(tls, options->time_floor);
    mbedtls_ssl_session_init(&tls->saved);
    tls->fd = -1;
    return tls;
}

void tls_free(struct tls *tls) {
    if (!tls)
        return;
    tls_end(tls);
    mbedtls_ssl_session_free(&tls->saved);
    free(tls->paths.ca);
    free(tls->paths.crl);
    free(tls->paths.cert);
    free(tls->paths.key);
    free(tls->server_name);
    free(tls->paths.own_name);
    mbedtls_platform_zeroize(tls, sizeof *tls);
    free(tls);
}

struct ts_wall tls_trust_time(struct tls *tls, struct ts_wall at) {
    if (tls->end.unix_ms && at.unix_ms > tls->end.unix_ms)
        at = tls->end;
    if (at.unix_ms > tls->floor.unix_ms)
        tls->floor = at;
    return tls->floor;
}

bool tls_resumed(const struct tls *tls) { return tls->resumed; }
bool tls_wants_write(const struct tls *tls) { return tls->wants_write; }
uint64_t tls_bytes_in(const struct tls *tls) { return tls->bytes_in; }
uint64_t tls_bytes_out(const struct tls *tls) { return tls->bytes_out; }

static int socket_send(void *arg, const unsigned char *bytes, size_t len) {
    struct tls *tls = arg;
    ssize_t sent;

    if (tls->swallow)
        return (int)len;
    sent = send(tls->fd, bytes, len, MSG_NOSIGNAL);
    if (sent >= 0) {
        tls->bytes_out += (uint64_t)sent;
        return (int)sent;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return MBEDTLS_ERR_SSL_WANT_WRITE;
    /* The peer has gone, but its alert may still lie in our receive queue:
     * pretend that it was sent and let the next read tell the reason. */
    tls->swallow = true;
    return (int)len;
}

/* The start of what an untrusted peer says, before any TLS looks at it. */
static void first_bytes_look(struct tls *tls) {
    size_t len =
        tls->ahead_len < sizeof tls->first ? tls->ahead_len : sizeof tls->first;

    tls->first_seen = true;
    tls->foreign = tls->ahead[0] < MBEDTLS_SSL_MSG_CHANGE_CIPHER_SPEC ||
                   tls->ahead[0] > MBEDTLS_SSL_MSG_APPLICATION_DATA;
    memcpy(tls->first, tls->ahead, len);
}

static int socket_fill(struct tls *tls) {
    ssize_t got;

    if (!tls->done && tls->received > HANDSHAKE_MAX)
        return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    got = recv(tls->fd, tls->ahead, sizeof tls->ahead, 0);
    if (got > 0) {
        tls->bytes_in += (uint64_t)got;
        tls->received += tls->done ? 0 : (size_t)got;
        tls->ahead_at = 0;
        tls->ahead_len = (size_t)got;
        if (!tls->first_seen)
            first_bytes_look(tls);
        return 0;
    }
    if (got == 0)
        return MBEDTLS_ERR_SSL_CONN_EOF;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
        return MBEDTLS_ERR_SSL_WANT_READ;
    return MBEDTLS_ERR_NET_CONN_RESET;
}

static int socket_recv(void *arg, unsigned char *out, size_t len) {
    struct tls *tls = arg;

    if (tls->ahead_at == tls->ahead_len) {
        int rc = socket_fill(tls);
        if (rc)
            return rc == MBEDTLS_ERR_SSL_CONN_EOF ? 0 : rc;
    }
    if (len > tls->ahead_len - tls->ahead_at)
        len = tls->ahead_len - tls->ahead_at;
    memcpy(out, tls->ahead + tls->ahead_at, len);
    tls->ahead_at += len;
    return (int)len;
}

static void context_init(struct tls *tls) {
    mbedtls_ssl_init(&tls->ssl);
    mbedtls_ssl_config_init(&tls->conf);
    tls_files_init(&tls->files);
    tls->active = true;
    tls->verified = tls->resumed = tls->wants_write = tls->done = false;
    tls->swallow = tls->first_seen = tls->foreign = false;
    tls->received = 0;
    memset(tls->first, 0, sizeof tls->first);
    tls->problem[0] = 0;
    tls->ahead_at = tls->ahead_len = 0;
}

void tls_end(struct tls *tls) {
    if (!tls->active)
        return;
    mbedtls_ssl_free(&tls->ssl);
    mbedtls_ssl_config_free(&tls->conf);
    tls_files_fini(&tls->files);
    tls->active = false;
    tls->fd = -1;
}

enum ts_status tls_check_files(struct tls *tls, struct ts_err *err) {
    enum ts_status status;

    tls_end(tls);
    context_init(tls);
    status = tls_files_load(&tls->files, &tls->paths, err);
    tls_end(tls);
    return status;
}

/* Below, at or above zero as strcmp; both texts have one form. */
static int time_order(const mbedtls_x509_time *at, const char *now) {
    char text[TLS_TIME_TEXT];

    tls_time_text(text, at);
    return strncmp(text, now, TIME_TEXT - 1);
}

static struct ts_wall effective_time(const struct tls *tls) {
    struct ts_wall now = ts_clock_wall(tls->clock);

    return now.unix_ms < tls->floor.unix_ms ? tls->floor : now;
}

static bool same_bytes(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b) {
    return a->len == b->len && !memcmp(a->p, b->p, a->len);
}

/* With a dead clock the floor is only the earliest that it can be now: enough
 * to say that something has expired, never that it is not valid yet. */
static bool clock_is_dead(const struct tls *tls) {
    return ts_clock_wall(tls->clock).unix_ms < tls->floor.unix_ms;
}

static void end_by(struct tls *tls, const mbedtls_x509_time *at) {
    char text[TLS_TIME_TEXT];
    char zulu[TLS_TIME_TEXT + 1];
    struct ts_wall end;

    tls_time_text(text, at);
    (void)snprintf(zulu, sizeof zulu, "%sZ", text);
    if (ts_wall_parse(&end, ts_slice_text(zulu)) == TS_OK &&
        (!tls->end.unix_ms || end.unix_ms < tls->end.unix_ms))
        tls->end = end;
}

/* Where what this certificate was verified with ends first. */
static void note_end(struct tls *tls, const mbedtls_x509_crt *crt) {
    end_by(tls, &crt->valid_to);
    for (const mbedtls_x509_crl *crl = &tls->files.crl; crl; crl = crl->next)
        if (crl->raw.p && crl->next_update.year &&
            same_bytes(&crl->issuer_raw, &crt->issuer_raw))
            end_by(tls, &crl->next_update);
}

static uint32_t time_flags(const struct tls *tls, const mbedtls_x509_crt *crt,
                           const char *now) {
    bool dead = clock_is_dead(tls);
    uint32_t flags = 0;

    if (time_order(&crt->valid_to, now) < 0)
        flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (!dead && time_order(&crt->valid_from, now) > 0)
        flags |= MBEDTLS_X509_BADCERT_FUTURE;
    for (const mbedtls_x509_crl *crl = &tls->files.crl; crl; crl = crl->next) {
        if (!crl->raw.p || !same_bytes(&crl->issuer_raw, &crt->issuer_raw))
            continue;
        if (crl->next_update.year && time_order(&crl->next_update, now) < 0)
            flags |= MBEDTLS_X509_BADCRL_EXPIRED;
        if (!dead && time_order(&crl->this_update, now) > 0)
            flags |= MBEDTLS_X509_BADCRL_FUTURE;
    }
    return flags;
}

/* RFC 5280 section 4.2.1.6: mbedTLS 2.28 compares names alone. */
static bool address_matches(const struct tls *tls,
                            const mbedtls_x509_crt *crt) {
    enum { IP_ADDRESS = 7, TAG_NUMBER = 0x1f };
    uint8_t wanted[16];
    size_t len = 0;

    if (inet_pton(AF_INET, tls->server_name, wanted) == 1)
        len = 4;
    else if (inet_pton(AF_INET6, tls->server_name, wanted) == 1)
        len = 16;
    for (const mbedtls_x509_sequence *san = &crt->subject_alt_names; len && san;
         san = san->next)
        if (san->buf.p && (san->buf.tag & TAG_NUMBER) == IP_ADDRESS &&
            san->buf.len == len && !memcmp(san->buf.p, wanted, len))
            return true;
    return false;
}

static void note_problem(struct tls *tls, const mbedtls_x509_crt *crt,
                         int depth, uint32_t flags) {
    struct tls_terms terms = {&tls->paths, tls->server_name,
                              effective_time(tls)};

    tls_explain_certificate(tls->problem, sizeof tls->problem, &terms, crt,
                            depth, flags);
}

static int on_verify(void *arg, mbedtls_x509_crt *crt, int depth,
                     uint32_t *flags) {
    enum {
        TIME = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE |
               MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE
    };
    struct tls *tls = arg;
    char now[TS_TIME_TEXT];

    if (!tls->verified)
        tls->end.unix_ms = 0;
    tls->verified = true;
    note_end(tls, crt);
    ts_wall_text(now, effective_time(tls));
    *flags = (*flags & ~(uint32_t)TIME) | time_flags(tls, crt, now);
    if (depth == 0 && (*flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) &&
        address_matches(tls, crt))
        *flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
    if (*flags && !tls->problem[0])
        note_problem(tls, crt, depth, *flags);
    return 0;
}

static enum ts_status configure(struct tls *tls, struct ts_err *err) {
    int rc;

    if (!tls->server_name)
        return ts_fail(err, TS_INVALID, "no name to check the broker by");
    rc = mbedtls_ssl_config_defaults(&tls->conf, MBEDTLS_SSL_IS_CLIENT,
                                     MBEDTLS_SSL_TRANSPORT_STREAM,
                                     MBEDTLS_SSL_PRESET_DEFAULT);
    if (rc)
        return tls_explain_code(err, "TLS cannot be set up", rc);
    TLS_LIMIT_VERSION(&tls->conf);
    TLS_LIMIT_CURVES(&tls->conf, curves);
    TLS_LIMIT_HASHES(&tls->conf, hashes);
    mbedtls_ssl_conf_cert_profile(&tls->conf, &mbedtls_x509_crt_profile_next);
    mbedtls_ssl_conf_rng(&tls->conf, tls_random, NULL);
    mbedtls_ssl_conf_authmode(&tls->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_verify(&tls->conf, on_verify, tls);
    mbedtls_ssl_conf_ciphersuites(&tls->conf, suites);
    mbedtls_ssl_conf_ca_chain(&tls->conf, &tls->files.ca,
                              tls->paths.crl ? &tls->files.crl : NULL);
    if (tls->paths.cert)
        rc = mbedtls_ssl_conf_own_cert(&tls->conf, &tls->files.cert,
                                       &tls->files.key);
    if (!rc)
        rc = mbedtls_ssl_setup(&tls->ssl, &tls->conf);
    if (!rc)
        rc = mbedtls_ssl_set_hostname(&tls->ssl, tls->server_name);
    if (rc)
        return tls_explain_code(err, "TLS cannot be set up", rc);
    mbedtls_ssl_set_bio(&tls->ssl, tls, socket_send, socket_recv, NULL);
    return TS_OK;
}

static void forget_session(struct tls *tls) {
    mbedtls_ssl_session_free(&tls->saved);
    mbedtls_ssl_session_init(&tls->saved);
    tls->has_saved = false;
}

void tls_set_server_name(struct tls *tls, const char *name) {
    char *old = tls->server_name;

    if (old && !strcmp(old, name))
        return;
    tls->server_name = ts_strdup(name);
    free(old);
    forget_session(tls);
}

/* No certificate is seen when a session is taken up, so what would be found
 * then is looked for before: other files (a new CA, list or identity), and an
 * end that has come since. */
static bool session_fits(const struct tls *tls) {
    const mbedtls_x509_crt *peer = TLS_FIELD(&tls->saved, peer_cert);
    struct ts_wall at = effective_time(tls);
    char now[TS_TIME_TEXT];

    ts_wall_text(now, at);
    /* The session holds the peer's own certificate, not those above it. */
    return peer && at.unix_ms <= tls->end.unix_ms &&
           !time_flags(tls, peer, now) &&
           ts_clock_mono(tls->clock).ms - tls->saved_at.ms < SESSION_KEPT_MS &&
           !memcmp(tls->saved_digest, tls->files.digest, TLS_DIGEST);
}

enum ts_status tls_begin(struct tls *tls, int fd, struct ts_err *err) {
    enum ts_status status;

    tls_end(tls);
    context_init(tls);
    tls->fd = fd;
    status = tls_files_load(&tls->files, &tls->paths, err);
    if (status == TS_OK)
        status = configure(tls, err);
    if (status != TS_OK) {
        tls_end(tls);
        return status;
    }
    if (tls->has_saved &&
        (!session_fits(tls) || mbedtls_ssl_set_session(&tls->ssl, &tls->saved)))
        forget_session(tls);
    return TS_OK;
}

static enum ts_status fail_alert(struct tls *tls, struct ts_err *err) {
    return tls_explain_alert(err, TLS_FIELD(&tls->ssl, in_msg)[1],
                             tls->paths.cert);
}

/* What a certificate may be used for is checked behind on_verify. */
static enum ts_status fail_certificate(struct tls *tls, struct ts_err *err) {
    const uint32_t usage = MBEDTLS_X509_BADCERT_EXT_KEY_USAGE |
                           MBEDTLS_X509_BADCERT_KEY_USAGE |
                           MBEDTLS_X509_BADCERT_NS_CERT_TYPE;
    uint32_t flags = mbedtls_ssl_get_verify_result(&tls->ssl);

    /* All ones: nothing was verified. */
    if (!tls->problem[0])
        note_problem(tls, NULL, 0, flags == UINT32_MAX ? 0 : flags & usage);
    return ts_fail(err, TS_DENIED, "%s", tls->problem);
}

static enum ts_status fail_handshake(struct tls *tls, int rc,
                                     struct ts_err *err) {
    forget_session(tls);
    if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || rc == TLS_BAD_CERTIFICATE)
        return fail_certificate(tls, err);
    if (tls->foreign)
        return tls_explain_foreign(err,
                                   ts_slice_of(tls->first, sizeof tls->first));
    if (rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        return fail_alert(tls, err);
    if (tls->received > HANDSHAKE_MAX)
        return ts_fail(err, TS_INVALID,
                       "the peer's TLS handshake has no end (%d KiB so far); "
                       "check that host and port are the broker's",
                       HANDSHAKE_MAX / 1024);
    return tls_explain_handshake(err, rc);
}

static void keep_session(struct tls *tls) {
    tls->resumed = tls->has_saved && !tls->verified;
    forget_session(tls);
    tls->has_saved = mbedtls_ssl_get_session(&tls->ssl, &tls->saved) == 0;
    if (!tls->resumed)
        tls->saved_at = ts_clock_mono(tls->clock);
    memcpy(tls->saved_digest, tls->files.digest, TLS_DIGEST);
    tls->done = true;
}

enum ts_status tls_handshake(struct tls *tls, struct ts_err *err) {
    int rc = mbedtls_ssl_handshake(&tls->ssl);

    tls->wants_write = rc == MBEDTLS_ERR_SSL_WANT_WRITE;
    if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE)
        return TS_AGAIN;
    if (rc)
        return fail_handshake(tls, rc, err);
    keep_session(tls);
    return TS_OK;
}

static enum ts_status fail_data(struct tls *tls, int rc, struct ts_err *err) {
    if (rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        forget_session(tls);
        return fail_alert(tls, err);
    }
    if (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return ts_fail(err, TS_CLOSED, "the broker closed the connection");
    /* 0: an end without close_notify. */
    if (rc == 0 || rc == MBEDTLS_ERR_SSL_CONN_EOF ||
        rc == MBEDTLS_ERR_NET_CONN_RESET)
        return ts_fail(err, TS_CLOSED, "the connection was cut");
    forget_session(tls);
    (void)tls_explain_code(err, "the TLS session broke", rc);
    return TS_CLOSED;
}

enum ts_status tls_read(struct tls *tls, uint8_t *out, size_t size, size_t *got,
                        struct ts_err *err) {
    int rc = mbedtls_ssl_read(&tls->ssl, out, size);

    if (rc > 0) {
        *got = (size_t)rc;
        return TS_OK;
    }
    if (rc == MBEDTLS_ERR_SSL_WANT_READ)
        return TS_AGAIN;
    if (rc == MBEDTLS_ERR_SSL_WANT_WRITE) {
        tls->wants_write = true;
        return TS_AGAIN;
    }
    return fail_data(tls, rc, err);
}

enum ts_status tls_write(struct tls *tls, struct ts_slice bytes, size_t *sent,
                         struct ts_err *err) {
    int rc = mbedtls_ssl_write(&tls->ssl, bytes.data, bytes.len);

    tls->wants_write = rc == MBEDTLS_ERR_SSL_WANT_WRITE;
    if (rc >= 0) {
        *sent = (size_t)rc;
        return TS_OK;
    }
    if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE)
        return TS_AGAIN;
    return fail_data(tls, rc, err);
}

enum ts_status tls_close_notify(struct tls *tls) {
    int rc;

    if (!tls->active || !tls->done)
        return TS_OK;
    rc = mbedtls_ssl_close_notify(&tls->ssl);
    tls->wants_write = rc == MBEDTLS_ERR_SSL_WANT_WRITE;
    return tls->wants_write ? TS_AGAIN : TS_OK;
}
