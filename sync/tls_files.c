#include "sync/tls_private.h"

#include "base/ids.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 4 * 1024 * 1024, RSA_BITS_MIN = 2048 };

int tls_random(void *ctx, unsigned char *out, size_t len) {
    (void)ctx;
    ts_random(out, len);
    return 0;
}

void tls_files_init(struct tls_files *files) {
    mbedtls_x509_crt_init(&files->ca);
    mbedtls_x509_crt_init(&files->cert);
    mbedtls_x509_crl_init(&files->crl);
    mbedtls_pk_init(&files->key);
    memset(files->digest, 0, sizeof files->digest);
}

void tls_files_fini(struct tls_files *files) {
    mbedtls_x509_crt_free(&files->ca);
    mbedtls_x509_crt_free(&files->cert);
    mbedtls_x509_crl_free(&files->crl);
    mbedtls_pk_free(&files->key);
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

/* A session that was made under other files than these is not taken up. */
static void mix_in(struct tls_files *files, const struct ts_buf *buf) {
    const mbedtls_md_info_t *sha = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    uint8_t both[2 * TLS_DIGEST];

    memcpy(both, files->digest, TLS_DIGEST);
    if (mbedtls_md(sha, buf->data, buf->len, both + TLS_DIGEST) ||
        mbedtls_md(sha, both, sizeof both, files->digest))
        abort();
}

static enum ts_status load_chain(struct tls_files *files, mbedtls_x509_crt *crt,
                                 const char *what, const char *path,
                                 struct ts_err *err) {
    struct ts_buf buf;
    enum ts_status status = read_file(&buf, what, path, err);

    if (status == TS_OK) {
        int rc;
        mix_in(files, &buf);
        rc = mbedtls_x509_crt_parse(crt, buf.data, buf.len + 1);
        if (rc) {
            status =
                tls_explain_code(err, "no PEM certificate can be read from it",
                                 rc > 0 ? MBEDTLS_ERR_X509_INVALID_FORMAT : rc);
            (void)ts_wrap(err, "%s: %s", what, path);
        }
    }
    wipe_file(&buf);
    return status;
}

/* mbedTLS takes a line behind the last list for a broken one. */
static void trim_pem(struct ts_buf *buf) {
    if (!strstr(ts_buf_text(buf), "-----END"))
        return;
    while (buf->len && strchr(" \t\r\n", buf->data[buf->len - 1]))
        buf->len--;
    (void)ts_buf_text(buf);
}

static enum ts_status load_crl(struct tls_files *files, const char *path,
                               struct ts_err *err) {
    struct ts_buf buf;
    enum ts_status status;

    if (!path)
        return TS_OK;
    status = read_file(&buf, "revocation list (crl_file)", path, err);
    if (status == TS_OK) {
        mix_in(files, &buf);
        trim_pem(&buf);
        int rc = mbedtls_x509_crl_parse(&files->crl, buf.data, buf.len + 1);
        if (rc) {
            status =
                tls_explain_code(err, "no PEM CRL can be read from it", rc);
            (void)ts_wrap(err, "revocation list (crl_file): %s", path);
        }
    }
    wipe_file(&buf);
    return status;
}

static enum ts_status load_key(struct tls_files *files, const char *path,
                               struct ts_err *err) {
    struct ts_buf buf = {0};
    enum ts_status status = ts_file_private(path, 07, err);

    if (status == TS_OK)
        status = read_file(&buf, "private key (key_file)", path, err);
    else
        (void)ts_wrap(err, "private key (key_file)");

    if (status == TS_OK) {
        int rc = TLS_KEY_PARSE(&files->key, buf.data, buf.len + 1);
        if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED)
            status = ts_fail(err, TS_INVALID,
                             "private key (key_file): %s is protected by a "
                             "passphrase; install it without one, mode 0600",
                             path);
        else if (rc) {
            status = tls_explain_code(
                err, "no PEM private key can be read from it", rc);
            (void)ts_wrap(err, "private key (key_file): %s", path);
        }
    }
    wipe_file(&buf);
    return status;
}

const mbedtls_x509_buf *tls_common_name(const mbedtls_x509_crt *crt) {
    for (const mbedtls_x509_name *part = &crt->subject; part; part = part->next)
        if (part->oid.p && !MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid))
            return &part->val;
    return NULL;
}

/* The broker names us by our certificate: with another machine's we would be
 * that machine, and every publish of ours would be refused. */
static enum ts_status check_own_name(const struct tls_files *files,
                                     const struct tls_paths *paths,
                                     struct ts_err *err) {
    const mbedtls_x509_buf *name = tls_common_name(&files->cert);
    char text[96] = "";

    if (!paths->own_name || (name && name->len == strlen(paths->own_name) &&
                             !memcmp(name->p, paths->own_name, name->len)))
        return TS_OK;
    if (name)
        tls_add_name(text, sizeof text, name);
    tls_mask_unprintable(text);
    return ts_fail(err, TS_DENIED,
                   "cert_file %s is the certificate of %s, this terminal is "
                   "%s; install its own certificate and key",
                   paths->cert, text[0] ? text : "nobody", paths->own_name);
}

/* As the broker's is judged; a broker refuses it without saying why. */
static enum ts_status check_strength(const struct tls_files *files,
                                     const struct tls_paths *paths,
                                     struct ts_err *err) {
    size_t bits = mbedtls_pk_get_bitlen(&files->key);

    if (!mbedtls_pk_can_do(&files->key, MBEDTLS_PK_RSA) || bits >= RSA_BITS_MIN)
        return TS_OK;
    return ts_fail(err, TS_INVALID,
                   "private key (key_file): %s has %zu bits, too few for RSA; "
                   "issue key and certificate again with EC P-256",
                   paths->key, bits);
}

static enum ts_status load_own(struct tls_files *files,
                               const struct tls_paths *paths,
                               struct ts_err *err) {
    enum ts_status status = load_chain(
        files, &files->cert, "own certificate (cert_file)", paths->cert, err);

    if (status == TS_OK)
        status = load_key(files, paths->key, err);
    if (status == TS_OK && TLS_KEY_CHECK(&files->cert.pk, &files->key))
        status = ts_fail(err, TS_INVALID,
                         "private key %s does not belong to certificate %s; "
                         "install the key that was made with this certificate",
                         paths->key, paths->cert);
    if (status == TS_OK)
        status = check_strength(files, paths, err);
    if (status == TS_OK)
        status = check_own_name(files, paths, err);
    return status;
}

enum ts_status tls_files_load(struct tls_files *files,
                              const struct tls_paths *paths,
                              struct ts_err *err) {
    enum ts_status status = load_chain(
        files, &files->ca, "CA certificate (ca_file)", paths->ca, err);

    if (status == TS_OK)
        status = load_crl(files, paths->crl, err);
    if (status == TS_OK && paths->cert)
        status = load_own(files, paths, err);
    return status;
}
