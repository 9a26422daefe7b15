#include "sync/tls_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum ts_status tls_explain_code(struct ts_err *err, const char *what, int rc) {
    char text[160];

    mbedtls_strerror(rc, text, sizeof text);
    return ts_fail(err, TS_INVALID, "%s (%s)", what, text);
}

void tls_add_name(char *out, size_t size, const mbedtls_x509_buf *name) {
    size_t len = strlen(out);

    (void)snprintf(out + len, size - len, "%s%.*s", len ? ", " : "",
                   (int)(name->len > 80 ? 80 : name->len),
                   (const char *)name->p);
}

void tls_mask_unprintable(char *text) {
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
            *c = '?';
}

void tls_time_text(char out[TLS_TIME_TEXT], const mbedtls_x509_time *at) {
    (void)snprintf(out, TLS_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d",
                   at->year, at->mon, at->day, at->hour, at->min, at->sec);
}

static void add_address(char *out, size_t size, const mbedtls_x509_buf *name) {
    char text[INET6_ADDRSTRLEN] = "an address";
    size_t len = strlen(out);

    (void)inet_ntop(name->len == 4 ? AF_INET : AF_INET6, name->p, text,
                    sizeof text);
    (void)snprintf(out + len, size - len, "%s%s", len ? ", " : "", text);
}

/* The names that the certificate is for, as the check sees them. RFC 5280
 * section 4.2.1.6 numbers the kinds. */
static void certificate_names(char *out, size_t size,
                              const mbedtls_x509_crt *crt) {
    enum { DNS_NAME = 2, IP_ADDRESS = 7, TAG_NUMBER = 0x1f };

    out[0] = 0;
    for (const mbedtls_x509_sequence *san = &crt->subject_alt_names; san;
         san = san->next) {
        int kind = san->buf.tag & TAG_NUMBER;
        if (san->buf.p && kind == DNS_NAME)
            tls_add_name(out, size, &san->buf);
        else if (san->buf.p && kind == IP_ADDRESS &&
                 (san->buf.len == 4 || san->buf.len == 16))
            add_address(out, size, &san->buf);
    }
    if (!out[0] && tls_common_name(crt))
        tls_add_name(out, size, tls_common_name(crt));
    if (!out[0])
        (void)snprintf(out, size, "no name at all");
    tls_mask_unprintable(out);
}

static void describe_time(char *out, size_t size, const struct tls_terms *terms,
                          const mbedtls_x509_crt *crt, uint32_t flags) {
    char from[TLS_TIME_TEXT];
    char to[TLS_TIME_TEXT];
    char now[TS_TIME_TEXT];

    tls_time_text(from, &crt->valid_from);
    tls_time_text(to, &crt->valid_to);
    ts_wall_text(now, terms->now);
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

static bool self_signed(const mbedtls_x509_crt *crt) {
    return crt->issuer_raw.len == crt->subject_raw.len &&
           !memcmp(crt->issuer_raw.p, crt->subject_raw.p, crt->issuer_raw.len);
}

/* The setting's name first: a page may have room for no more. */
static void describe_trust(char *out, size_t size,
                           const struct tls_terms *terms,
                           const mbedtls_x509_crt *crt, uint32_t flags) {
    const struct tls_paths *paths = terms->paths;
    char names[160];

    certificate_names(names, sizeof names, crt);
    if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
        (void)snprintf(out, size,
                       "%sis not signed by the CA in ca_file (%s); install the "
                       "CA that signed it, if this is the right broker (it "
                       "calls itself %s)",
                       self_signed(crt) ? "is self-signed, and " : "",
                       paths->ca, names);
    else if (flags & MBEDTLS_X509_BADCERT_REVOKED)
        (void)snprintf(out, size,
                       "is revoked by the list in crl_file (%s); give the "
                       "broker a new certificate",
                       paths->crl ? paths->crl : "");
    else
        (void)snprintf(out, size,
                       "has the wrong host name: wanted %s, but it is for %s; "
                       "correct host or server_name, or issue a certificate "
                       "with this name; if the host is right, look what the "
                       "name servers answer for it",
                       terms->server_name, names);
}

struct flag_text {
    uint32_t flag;
    const char *text;
};

static const struct flag_text list_flags[] = {
    {MBEDTLS_X509_BADCRL_EXPIRED,
     "is out of date; install a current one, or set the clock right"},
    {MBEDTLS_X509_BADCRL_FUTURE,
     "is dated in the future; install a current one, or set the clock right"},
    {MBEDTLS_X509_BADCRL_NOT_TRUSTED,
     "is not signed by the CA in ca_file; install the list of this CA"},
    {MBEDTLS_X509_BADCRL_BAD_MD | MBEDTLS_X509_BADCRL_BAD_PK |
         MBEDTLS_X509_BADCRL_BAD_KEY,
     "has a weak signature; issue it again with SHA-256"},
};

static const struct flag_text other_flags[] = {
    {MBEDTLS_X509_BADCERT_BAD_MD,
     "is signed with a weak hash (SHA-1 or MD5); issue it again with SHA-256"},
    {MBEDTLS_X509_BADCERT_BAD_KEY | MBEDTLS_X509_BADCERT_BAD_PK,
     "has a weak key, or its CA has (RSA below 2048 bits, EC below 256); issue "
     "it again with EC P-256"},
    {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE | MBEDTLS_X509_BADCERT_NS_CERT_TYPE,
     "is not a server's (extended key usage), but perhaps a terminal's: find "
     "out who answers there; issue the broker's with serverAuth"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE,
     "may not be used for TLS (key usage); issue it again with "
     "digitalSignature"},
};

static const char *flag_text(const struct flag_text *rows, size_t count,
                             uint32_t flags) {
    for (size_t i = 0; i < count; i++)
        if (rows[i].flag & flags)
            return rows[i].text;
    return NULL;
}

static void describe_other(char *out, size_t size,
                           const struct tls_terms *terms, uint32_t flags) {
    const char *list =
        flag_text(list_flags, sizeof list_flags / sizeof *list_flags, flags);
    const char *text =
        flag_text(other_flags, sizeof other_flags / sizeof *other_flags, flags);

    if (list)
        (void)snprintf(out, size,
                       "cannot be checked: the revocation list in crl_file "
                       "(%s) %s",
                       terms->paths->crl ? terms->paths->crl : "", list);
    else if (text)
        (void)snprintf(out, size, "%s", text);
    else
        (void)snprintf(out, size,
                       "fails its check (flags 0x%x); issue it again as a "
                       "server certificate",
                       (unsigned)flags);
}

void tls_explain_certificate(char *out, size_t size,
                             const struct tls_terms *terms,
                             const mbedtls_x509_crt *crt, int depth,
                             uint32_t flags) {
    enum {
        TIME = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE,
        UNTRUSTED =
            MBEDTLS_X509_BADCERT_NOT_TRUSTED | MBEDTLS_X509_BADCERT_REVOKED
    };
    char why[TS_ERR_TEXT - 48];

    /* Who signed it matters before what it says about itself. */
    if ((flags & TIME) && !(flags & UNTRUSTED))
        describe_time(why, sizeof why, terms, crt, flags);
    else if (flags & (UNTRUSTED | MBEDTLS_X509_BADCERT_CN_MISMATCH))
        describe_trust(why, sizeof why, terms, crt, flags);
    else
        describe_other(why, sizeof why, terms, flags);
    (void)snprintf(out, size, "%s %s",
                   depth ? "the CA certificate above the broker's"
                         : "the broker's certificate",
                   why);
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
     "it knows, or shares no cipher with us (TLS 1.2, ECDHE); check cert_file "
     "and the broker's "
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

enum ts_status tls_explain_alert(struct ts_err *err, uint8_t alert,
                                 const char *cert_file) {
    if (!cert_file && tells_missing_certificate(alert))
        return ts_fail(err, TS_DENIED,
                       "the broker demands a client certificate and we have "
                       "none; install one and set cert_file and key_file (TLS "
                       "alert %u)",
                       alert);
    for (size_t i = 0; i < sizeof alerts / sizeof *alerts; i++)
        if (alerts[i].alert == alert)
            return ts_fail(
                err, alerts[i].status, "%s (TLS alert %u; own certificate: %s)",
                alerts[i].text, alert, cert_file ? cert_file : "none");
    return ts_fail(err, TS_DENIED,
                   "the broker ended the session with TLS alert %u; its log "
                   "tells why",
                   alert);
}

struct code_text {
    int rc;
    enum ts_status status;
    const char *text;
};

static const struct code_text codes[] = {
    {MBEDTLS_ERR_SSL_CONN_EOF, TS_CLOSED,
     "the peer closed the connection during the TLS handshake without a "
     "reason; check that this port is the broker's TLS listener, and the "
     "broker's log"},
    {TLS_BAD_VERSION, TS_INVALID,
     "the broker speaks an older TLS than 1.2 alone; enable TLS 1.2 there"},
    {TLS_BAD_HELLO, TS_INVALID,
     "the broker's hello is broken, or chooses what we did not offer; enable "
     "ECDHE with AES-GCM or "
     "ChaCha20-Poly1305 and TLS 1.2 there"},
    {TLS_BAD_KEY, TS_INVALID,
     "the broker's key exchange is weak or broken; have it use X25519 or P-256 "
     "with SHA-256"},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, TS_INVALID,
     "what the peer sends is no TLS; check that host and port are the broker's "
     "TLS listener"},
};

enum ts_status tls_explain_handshake(struct ts_err *err, int rc) {
    if (rc == MBEDTLS_ERR_NET_CONN_RESET ||
        rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        rc = MBEDTLS_ERR_SSL_CONN_EOF;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].rc == rc)
            return ts_fail(err, codes[i].status, "%s", codes[i].text);
    return tls_explain_code(err,
                            "the TLS handshake failed; check the broker's TLS "
                            "settings",
                            rc);
}

enum ts_status tls_explain_foreign(struct ts_err *err, struct ts_slice first) {
    bool http = first.len >= 4 && !memcmp(first.data, "HTTP", 4);

    return ts_fail(err, TS_INVALID,
                   "the peer %s; check that host and port are the broker's TLS "
                   "listener%s, and in a browser here whether a captive portal "
                   "holds the network back",
                   http ? "answers with HTTP and does not speak TLS"
                        : "does not speak TLS",
                   http ? ", set proxy if this is an HTTP proxy" : "");
}
