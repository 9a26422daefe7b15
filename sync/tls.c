#include "sync/tls.h"

#include "base/ids.h"

#include <mbedtls/error.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/oid.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_AHEAD = 16384, FILE_MAX = 4 * 1024 * 1024, TIME_TEXT = 20 };

/* The adapter between the two mbedTLS generations. */
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#define FIELD(object, name) ((object)->MBEDTLS_PRIVATE(name))
#define KEY_PARSE(pk, text, size)                                              \
    mbedtls_pk_parse_key(pk, text, size, NULL, 0, random_bytes, NULL)
#define KEY_CHECK(cert, key)                                                   \
    mbedtls_pk_check_pair(cert, key, random_bytes, NULL)
#define LIMIT_VERSION(conf)                                                    \
    do {                                                                       \
        (void)psa_crypto_init();                                               \
        mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);    \
        mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);    \
    } while (0)
#else
#define FIELD(object, name)       ((object)->name)
#define KEY_PARSE(pk, text, size) mbedtls_pk_parse_key(pk, text, size, NULL, 0)
#define KEY_CHECK(cert, key)      mbedtls_pk_check_pair(cert, key)
#define LIMIT_VERSION(conf)                                                    \
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,            \
                                 MBEDTLS_SSL_MINOR_VERSION_3)
#endif

struct tls {
    char *ca_file, *crl_file, *cert_file, *key_file, *server_name, *own_name;
    const struct ts_clock *clock;
    struct ts_wall floor;
    struct ts_wall end; /* of what was verified last; 0: nothing yet */

    mbedtls_ssl_session saved;
    bool has_saved;
    uint64_t bytes_in, bytes_out;

    /* Of one connection. */
    bool active, verified, resumed, wants_write, swallow, done;
    bool first_seen, foreign; /* the peer's first byte is no TLS record */
    int fd;
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config conf;
    mbedtls_x509_crt ca, cert;
    mbedtls_x509_crl crl;
    mbedtls_pk_context key;
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

static char *dup_or_null(const char *text) {
    return text ? ts_strdup(text) : NULL;
}

struct tls *tls_new(const struct tls_options *options) {
    struct tls *tls = ts_alloc(sizeof *tls);

    tls->ca_file = ts_strdup(options->ca_file);
    tls->crl_file = dup_or_null(options->crl_file);
    tls->cert_file = dup_or_null(options->cert_file);
    tls->key_file = dup_or_null(options->key_file);
    tls->server_name = dup_or_null(options->server_name);
    tls->own_name = dup_or_null(options->own_name);
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
    free(tls->ca_file);
    free(tls->crl_file);
    free(tls->cert_file);
    free(tls->key_file);
    free(tls->server_name);
    free(tls->own_name);
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

static int random_bytes(void *ctx, unsigned char *out, size_t len) {
    (void)ctx;
    ts_random(out, len);
    return 0;
}

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

static void first_bytes_look(struct tls *tls) {
    tls->first_seen = true;
    tls->foreign = tls->ahead[0] < 0x14 || tls->ahead[0] > 0x17;
}

static int socket_fill(struct tls *tls) {
    ssize_t got = recv(tls->fd, tls->ahead, sizeof tls->ahead, 0);

    if (got > 0) {
        tls->bytes_in += (uint64_t)got;
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

static enum ts_status fail_code(struct ts_err *err, const char *what, int rc) {
    char text[160];

    mbedtls_strerror(rc, text, sizeof text);
    return ts_fail(err, TS_INVALID, "%s (%s)", what, text);
}

static enum ts_status read_file(struct ts_buf *buf, const char *what,
                                const char *path, struct ts_err *err) {
    ts_buf_init(buf, FILE_MAX);
    if (ts_file_read(buf, path, FILE_MAX - 1, err) != TS_OK)
        return ts_wrap(err, "%s", what);
    if (!buf->len)
        return ts_fail(err, TS_INVALID, "%s: %s is empty; install it again",
                       what, path);
    (void)ts_buf_text(buf);
    return TS_OK;
}

static void wipe_file(struct ts_buf *buf) {
    if (buf->data)
        mbedtls_platform_zeroize(buf->data, buf->cap);
    ts_buf_fini(buf);
}

static enum ts_status load_chain(mbedtls_x509_crt *crt, const char *what,
                                 const char *path, struct ts_err *err) {
    struct ts_buf buf;
    enum ts_status status = read_file(&buf, what, path, err);

    if (status == TS_OK) {
        int rc = mbedtls_x509_crt_parse(crt, buf.data, buf.len + 1);
        if (rc) {
            status = fail_code(err, "no PEM certificate can be read from it",
                               rc > 0 ? MBEDTLS_ERR_X509_INVALID_FORMAT : rc);
            (void)ts_wrap(err, "%s: %s", what, path);
        }
    }
    wipe_file(&buf);
    return status;
}

static enum ts_status load_crl(struct tls *tls, struct ts_err *err) {
    struct ts_buf buf;
    enum ts_status status;

    if (!tls->crl_file)
        return TS_OK;
    status = read_file(&buf, "revocation list (crl_file)", tls->crl_file, err);
    if (status == TS_OK) {
        int rc = mbedtls_x509_crl_parse(&tls->crl, buf.data, buf.len + 1);
        if (rc) {
            status = fail_code(err, "no PEM CRL can be read from it", rc);
            (void)ts_wrap(err, "revocation list (crl_file): %s", tls->crl_file);
        }
    }
    wipe_file(&buf);
    return status;
}

static enum ts_status load_key(struct tls *tls, struct ts_err *err) {
    struct ts_buf buf;
    enum ts_status status =
        read_file(&buf, "private key (key_file)", tls->key_file, err);

    if (status == TS_OK) {
        int rc = KEY_PARSE(&tls->key, buf.data, buf.len + 1);
        if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
            status = ts_fail(err, TS_INVALID,
                             "private key (key_file): %s is protected by a "
                             "passphrase; install it without one, mode 0600",
                             tls->key_file);
        else if (rc) {
            status =
                fail_code(err, "no PEM private key can be read from it", rc);
            (void)ts_wrap(err, "private key (key_file): %s", tls->key_file);
        }
    }
    wipe_file(&buf);
    return status;
}

static void add_name(char *out, size_t size, const mbedtls_x509_buf *name) {
    size_t len = strlen(out);

    (void)snprintf(out + len, size - len, "%s%.*s", len ? ", " : "",
                   (int)(name->len > 80 ? 80 : name->len),
                   (const char *)name->p);
}

static void mask_unprintable(char *text) {
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            *c = '?';
}

static const mbedtls_x509_buf *common_name(const mbedtls_x509_crt *crt) {
    for (const mbedtls_x509_name *part = &crt->subject; part; part = part->next)
        if (part->oid.p && !MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid))
            return &part->val;
    return NULL;
}

/* The broker names us by our certificate: with another machine's we would be
 * that machine, and every publish of ours would be refused. */
static enum ts_status check_own_name(const struct tls *tls,
                                     struct ts_err *err) {
    const mbedtls_x509_buf *name = common_name(&tls->cert);
    char text[96] = "";

    if (!tls->own_name || (name && name->len == strlen(tls->own_name) &&
                           !memcmp(name->p, tls->own_name, name->len)))
        return TS_OK;
    if (name)
        add_name(text, sizeof text, name);
    mask_unprintable(text);
    return ts_fail(err, TS_DENIED,
                   "cert_file %s is the certificate of %s, this terminal is "
                   "%s; install its own certificate and key",
                   tls->cert_file, text[0] ? text : "nobody", tls->own_name);
}

static enum ts_status load_own(struct tls *tls, struct ts_err *err) {
    enum ts_status status = load_chain(
        &tls->cert, "own certificate (cert_file)", tls->cert_file, err);

    if (status == TS_OK)
        status = load_key(tls, err);
    if (status == TS_OK && KEY_CHECK(&tls->cert.pk, &tls->key))
        status = ts_fail(err, TS_INVALID,
                         "private key %s does not belong to certificate %s; "
                         "install the key that was made with this certificate",
                         tls->key_file, tls->cert_file);
    if (status == TS_OK)
        status = check_own_name(tls, err);
    return status;
}

static enum ts_status load_files(struct tls *tls, struct ts_err *err) {
    enum ts_status status =
        load_chain(&tls->ca, "CA certificate (ca_file)", tls->ca_file, err);

    if (status == TS_OK)
        status = load_crl(tls, err);
    if (status == TS_OK && tls->cert_file)
        status = load_own(tls, err);
    return status;
}

static void context_init(struct tls *tls) {
    mbedtls_ssl_init(&tls->ssl);
    mbedtls_ssl_config_init(&tls->conf);
    mbedtls_x509_crt_init(&tls->ca);
    mbedtls_x509_crt_init(&tls->cert);
    mbedtls_x509_crl_init(&tls->crl);
    mbedtls_pk_init(&tls->key);
    tls->active = true;
    tls->verified = tls->resumed = tls->wants_write = tls->done = false;
    tls->swallow = tls->first_seen = tls->foreign = false;
    tls->problem[0] = 0;
    tls->ahead_at = tls->ahead_len = 0;
}

void tls_end(struct tls *tls) {
    if (!tls->active)
        return;
    mbedtls_ssl_free(&tls->ssl);
    mbedtls_ssl_config_free(&tls->conf);
    mbedtls_x509_crt_free(&tls->ca);
    mbedtls_x509_crt_free(&tls->cert);
    mbedtls_x509_crl_free(&tls->crl);
    mbedtls_pk_free(&tls->key);
    tls->active = false;
    tls->fd = -1;
}

enum ts_status tls_check_files(struct tls *tls, struct ts_err *err) {
    enum ts_status status;

    tls_end(tls);
    context_init(tls);
    status = load_files(tls, err);
    tls_end(tls);
    return status;
}

static void time_text(char out[32], const mbedtls_x509_time *at) {
    (void)snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d", at->year, at->mon,
                   at->day, at->hour, at->min, at->sec);
}

/* Below, at or above zero as strcmp; both texts have one form. */
static int time_order(const mbedtls_x509_time *at, const char *now) {
    char text[32];

    time_text(text, at);
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
    char text[36];
    struct ts_wall end;

    time_text(text, at);
    (void)strcat(text, "Z");
    if (ts_wall_parse(&end, ts_slice_text(text)) == TS_OK &&
        (!tls->end.unix_ms || end.unix_ms < tls->end.unix_ms))
        tls->end = end;
}

static uint32_t time_flags(struct tls *tls, const mbedtls_x509_crt *crt,
                           const char *now) {
    bool dead = clock_is_dead(tls);
    uint32_t flags = 0;

    end_by(tls, &crt->valid_to);
    if (time_order(&crt->valid_to, now) < 0)
        flags |= MBEDTLS_X509_BADCERT_EXPIRED;
    if (!dead && time_order(&crt->valid_from, now) > 0)
        flags |= MBEDTLS_X509_BADCERT_FUTURE;
    for (const mbedtls_x509_crl *crl = &tls->crl; crl; crl = crl->next) {
        if (!crl->raw.p || !same_bytes(&crl->issuer_raw, &crt->issuer_raw))
            continue;
        if (crl->next_update.year)
            end_by(tls, &crl->next_update);
        if (crl->next_update.year && time_order(&crl->next_update, now) < 0)
            flags |= MBEDTLS_X509_BADCRL_EXPIRED;
        if (!dead && time_order(&crl->this_update, now) > 0)
            flags |= MBEDTLS_X509_BADCRL_FUTURE;
    }
    return flags;
}

/* The names that the certificate is for, as the check sees them. */
static void certificate_names(char *out, size_t size,
                              const mbedtls_x509_crt *crt) {
    enum { DNS_NAME = 2, TAG_NUMBER = 0x1f };

    out[0] = 0;
    for (const mbedtls_x509_sequence *san = &crt->subject_alt_names; san;
         san = san->next)
        if (san->buf.p && (san->buf.tag & TAG_NUMBER) == DNS_NAME)
            add_name(out, size, &san->buf);
    if (!out[0] && common_name(crt))
        add_name(out, size, common_name(crt));
    if (!out[0])
        (void)snprintf(out, size, "no name at all");
    mask_unprintable(out);
}

static void describe_time(const struct tls *tls, char *out, size_t size,
                          const mbedtls_x509_crt *crt, uint32_t flags) {
    char from[32];
    char to[32];
    char now[TS_TIME_TEXT];

    time_text(from, &crt->valid_from);
    time_text(to, &crt->valid_to);
    ts_wall_text(now, effective_time(tls));
    if (flags & MBEDTLS_X509_BADCERT_EXPIRED)
        (void)snprintf(out, size,
                       "expired on %sZ (time used here: %s); renew it, or set "
                       "this machine's clock right",
                       to, now);
    else
        (void)snprintf(out, size,
                       "is not valid before %sZ (time used here: %s); set this "
                       "machine's clock right, or issue the certificate again",
                       from, now);
}

static void describe_trust(const struct tls *tls, char *out, size_t size,
                           const mbedtls_x509_crt *crt, uint32_t flags) {
    char names[160];

    certificate_names(names, sizeof names, crt);
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
        (void)snprintf(out, size,
                       "is not signed by the CA in %s; is this the right "
                       "broker? If so, install the CA that signed its "
                       "certificate as ca_file",
                       tls->ca_file);
    else if (flags & MBEDTLS_X509_BADCERT_REVOKED)
        (void)snprintf(out, size,
                       "is revoked by the list in %s; give the broker a new "
                       "certificate",
                       tls->crl_file ? tls->crl_file : "crl_file");
    else
        (void)snprintf(out, size,
                       "has the wrong host name: wanted %s, but it is for %s; "
                       "correct host or server_name, or issue a certificate "
                       "with this name",
                       tls->server_name, names);
}

static void describe_other(const struct tls *tls, char *out, size_t size,
                           uint32_t flags) {
    enum {
        CRL_TIME = MBEDTLS_X509_BADCRL_EXPIRED | MBEDTLS_X509_BADCRL_FUTURE
    };

    if (flags & CRL_TIME)
        (void)snprintf(out, size,
                       "cannot be checked: the revocation list %s is %s; "
                       "install a current one, or set the clock right",
                       tls->crl_file ? tls->crl_file : "crl_file",
                       flags & MBEDTLS_X509_BADCRL_EXPIRED
                           ? "out of date"
                           : "dated in the future");
    else if (flags & MBEDTLS_X509_BADCRL_NOT_TRUSTED)
        (void)snprintf(out, size,
                       "cannot be checked: the revocation list %s is not "
                       "signed by the CA in %s; install the list of this CA",
                       tls->crl_file ? tls->crl_file : "crl_file",
                       tls->ca_file);
    else
        (void)snprintf(out, size,
                       "is not fit for a server (check flags 0x%x: key usage, "
                       "hash or key size); issue it again as a server "
                       "certificate",
                       (unsigned)flags);
}

static void describe_problem(struct tls *tls, const mbedtls_x509_crt *crt,
                             int depth, uint32_t flags) {
    enum {
        TIME = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE,
        UNTRUSTED =
            MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_REVOKED
    };
    char why[TS_ERR_TEXT - 64];

    /* Who signed it matters before what it says about itself. */
    if ((flags & TIME) && !(flags & UNTRUSTED))
        describe_time(tls, why, sizeof why, crt, flags);
    else if (flags & (UNTRUSTED | MBEDTLS_X509_BADCERT_CN_MISMATCH))
        describe_trust(tls, why, sizeof why, crt, flags);
    else
        describe_other(tls, why, sizeof why, flags);
    (void)snprintf(tls->problem, sizeof tls->problem, "%s %s",
                   depth ? "the CA certificate above the broker's"
                         : "the broker's certificate",
                   why);
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
    ts_wall_text(now, effective_time(tls));
    *flags = (*flags & ~(uint32_t)TIME) | time_flags(tls, crt, now);
    if (*flags && !tls->problem[0])
        describe_problem(tls, crt, depth, *flags);
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
        return fail_code(err, "TLS cannot be set up", rc);
    LIMIT_VERSION(&tls->conf);
    mbedtls_ssl_conf_rng(&tls->conf, random_bytes, NULL);
    mbedtls_ssl_conf_authmode(&tls->conf, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_verify(&tls->conf, on_verify, tls);
    mbedtls_ssl_conf_ciphersuites(&tls->conf, suites);
    mbedtls_ssl_conf_ca_chain(&tls->conf, &tls->ca,
                              tls->crl_file ? &tls->crl : NULL);
    if (tls->cert_file)
        rc = mbedtls_ssl_conf_own_cert(&tls->conf, &tls->cert, &tls->key);
    if (!rc)
        rc = mbedtls_ssl_setup(&tls->ssl, &tls->conf);
    if (!rc)
        rc = mbedtls_ssl_set_hostname(&tls->ssl, tls->server_name);
    if (rc)
        return fail_code(err, "TLS cannot be set up", rc);
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

enum ts_status tls_begin(struct tls *tls, int fd, struct ts_err *err) {
    enum ts_status status;

    tls_end(tls);
    context_init(tls);
    tls->fd = fd;
    status = load_files(tls, err);
    if (status == TS_OK)
        status = configure(tls, err);
    if (status != TS_OK) {
        tls_end(tls);
        return status;
    }
    if (tls->has_saved && mbedtls_ssl_set_session(&tls->ssl, &tls->saved))
        forget_session(tls);
    return TS_OK;
}

struct alert_text {
    uint8_t alert;
    enum ts_status status;
    const char *text;
};

/* RFC 5246 section 7.2, RFC 8446 section 6.2. */
static const struct alert_text alerts[] = {
    {40, TS_DENIED,
     "the broker refused the handshake: it requires a client certificate that "
     "it knows, or shares no cipher with us; check cert_file and the broker's "
     "TLS settings"},
    {42, TS_DENIED,
     "the broker cannot use our certificate (bad certificate); issue it again"},
    {43, TS_DENIED,
     "the broker does not support our kind of certificate; issue it again "
     "with an EC P-256 or RSA key"},
    {44, TS_DENIED,
     "the broker says that our certificate is revoked; enroll this machine "
     "again"},
    {45, TS_DENIED,
     "the broker says that our certificate is expired; renew it"},
    {46, TS_DENIED,
     "the broker does not accept our certificate; issue it "
     "again with the CA that the broker trusts"},
    {48, TS_DENIED,
     "the broker does not know the CA of our certificate; install one that "
     "was signed by the CA that the broker trusts"},
    {49, TS_DENIED,
     "the broker denies access to our certificate; check its "
     "list of permitted machines"},
    {51, TS_DENIED,
     "the broker could not check our signature; check that "
     "cert_file and key_file belong together"},
    {70, TS_INVALID, "the broker does not speak TLS 1.2; enable it there"},
    {71, TS_INVALID,
     "the broker asks for stronger ciphers than we offer; enable "
     "ECDHE with AES-GCM or ChaCha20-Poly1305 there"},
    {112, TS_INVALID,
     "the broker does not know the name that we asked for; "
     "correct host or server_name"},
    {116, TS_DENIED,
     "the broker requires a client certificate; check cert_file"},
};

/* certificate_required came with TLS 1.3; before it each broker took another
 * alert, OpenSSL's handshake_failure. */
static bool tells_missing_certificate(uint8_t alert) {
    enum { CERTIFICATE_REQUIRED = 116 };

    return alert == MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE ||
           alert == MBEDTLS_SSL_ALERT_MSG_BAD_CERT ||
           alert == CERTIFICATE_REQUIRED;
}

static enum ts_status fail_alert(const struct tls *tls, struct ts_err *err) {
    uint8_t alert = FIELD(&tls->ssl, in_msg)[1];

    if (!tls->cert_file && tells_missing_certificate(alert))
        return ts_fail(err, TS_DENIED,
                       "the broker demands a client certificate and we have "
                       "none; install one and set cert_file and key_file (TLS "
                       "alert %u)",
                       alert);
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        if (alerts[i].alert == alert)
            return ts_fail(err, alerts[i].status,
                           "%s (TLS alert %u; own certificate: %s)",
                           alerts[i].text, alert,
                           tls->cert_file ? tls->cert_file : "none");
    return ts_fail(err, TS_DENIED,
                   "the broker ended the session with TLS alert %u; its log "
                   "tells why",
                   alert);
}

static enum ts_status fail_handshake(struct tls *tls, int rc,
                                     struct ts_err *err) {
    forget_session(tls);
    if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED)
        return ts_fail(err, TS_DENIED, "%s",
                       tls->problem[0] ? tls->problem
                                       : "the broker's certificate fails its "
                                         "check; issue it again");
    if (tls->foreign)
        return ts_fail(err, TS_INVALID,
                       "the peer does not speak TLS; check that host and port "
                       "are the broker's TLS listener, and in a browser here "
                       "whether a captive portal holds the network back");
    if (rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        return fail_alert(tls, err);
    if (rc == MBEDTLS_ERR_SSL_CONN_EOF || rc == MBEDTLS_ERR_NET_CONN_RESET ||
        rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return ts_fail(err, TS_CLOSED,
                       "the peer closed the connection during the TLS "
                       "handshake without a reason; check that this port is "
                       "the broker's TLS listener, and the broker's log");
    (void)fail_code(err,
                    "the TLS handshake failed; check the broker's TLS "
                    "settings",
                    rc);
    return TS_INVALID;
}

static void keep_session(struct tls *tls) {
    tls->resumed = tls->has_saved && !tls->verified;
    forget_session(tls);
    tls->has_saved = mbedtls_ssl_get_session(&tls->ssl, &tls->saved) == 0;
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
    if (rc == 0 || rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return ts_fail(err, TS_CLOSED, "the broker closed the connection");
    if (rc == MBEDTLS_ERR_SSL_CONN_EOF || rc == MBEDTLS_ERR_NET_CONN_RESET)
        return ts_fail(err, TS_CLOSED, "the connection was cut");
    forget_session(tls);
    (void)fail_code(err, "the TLS session broke", rc);
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
