/* Between sync/tls*.c alone: mbedTLS, and all that differs between its 2.28 and
 * 3.6. */
#ifndef TS_SYNC_TLS_PRIVATE_H
#define TS_SYNC_TLS_PRIVATE_H

#include "sync/tls.h"

#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/oid.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>

#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#define TLS_FIELD(object, name) ((object)->MBEDTLS_PRIVATE(name))
#define TLS_KEY_PARSE(pk, text, size)                                          \
    mbedtls_pk_parse_key(pk, text, size, NULL, 0, tls_random, NULL)
#define TLS_KEY_CHECK(cert, key)                                               \
    mbedtls_pk_check_pair(cert, key, tls_random, NULL)
#define TLS_LIMIT_VERSION(conf)                                                \
    do {                                                                       \
        (void)psa_crypto_init();                                               \
        mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);    \
        mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);    \
    } while (0)
#define TLS_CURVES                                                             \
    {                                                                          \
        MBEDTLS_SSL_IANA_TLS_GROUP_X25519,                                     \
            MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,                              \
            MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,                              \
            MBEDTLS_SSL_IANA_TLS_GROUP_NONE                                    \
    }
typedef uint16_t tls_curve;
#define TLS_LIMIT_CURVES(conf, curves) mbedtls_ssl_conf_groups(conf, curves)
/* TLS 1.2 signs with SHA-256 and better by itself here. */
#define TLS_LIMIT_HASHES(conf, hashes) ((void)(hashes))
#define TLS_BAD_CERTIFICATE            MBEDTLS_ERR_SSL_BAD_CERTIFICATE
#define TLS_BAD_VERSION                MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION
#define TLS_BAD_HELLO                  MBEDTLS_ERR_SSL_DECODE_ERROR
#define TLS_BAD_KEY                    MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER
#else
#define TLS_FIELD(object, name) ((object)->name)
#define TLS_KEY_PARSE(pk, text, size)                                          \
    mbedtls_pk_parse_key(pk, text, size, NULL, 0)
#define TLS_KEY_CHECK(cert, key) mbedtls_pk_check_pair(cert, key)
#define TLS_LIMIT_VERSION(conf)                                                \
    mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,            \
                                 MBEDTLS_SSL_MINOR_VERSION_3)
#define TLS_CURVES                                                             \
    {                                                                          \
        MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1,                   \
            MBEDTLS_ECP_DP_SECP384R1, MBEDTLS_ECP_DP_NONE                      \
    }
typedef mbedtls_ecp_group_id tls_curve;
#define TLS_LIMIT_CURVES(conf, curves) mbedtls_ssl_conf_curves(conf, curves)
#define TLS_LIMIT_HASHES(conf, hashes) mbedtls_ssl_conf_sig_hashes(conf, hashes)
#define TLS_BAD_CERTIFICATE            MBEDTLS_ERR_SSL_BAD_HS_CERTIFICATE
#define TLS_BAD_VERSION                MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION
#define TLS_BAD_HELLO                  MBEDTLS_ERR_SSL_BAD_HS_SERVER_HELLO
#define TLS_BAD_KEY                    MBEDTLS_ERR_SSL_BAD_HS_SERVER_KEY_EXCHANGE
#endif

enum { TLS_DIGEST = 32 };

/* sync/tls_files.c */
struct tls_paths {
    char *ca, *crl, *cert, *key; /* NULL where tls_options may have NULL */
    char *own_name;
};

struct tls_files {
    mbedtls_x509_crt ca, cert;
    mbedtls_x509_crl crl;
    mbedtls_pk_context key;
    uint8_t digest[TLS_DIGEST]; /* of CA, list and own certificate */
};

int tls_random(void *ctx, unsigned char *out, size_t len);
void tls_files_init(struct tls_files *files);
void tls_files_fini(struct tls_files *files);
enum ts_status tls_files_load(struct tls_files *files,
                              const struct tls_paths *paths,
                              struct ts_err *err) TS_MUST_USE;
const mbedtls_x509_buf *tls_common_name(const mbedtls_x509_crt *crt);

/* sync/tls_explain.c: failures in words. */
enum { TLS_TIME_TEXT = 32 };

/* What a certificate is judged by. */
struct tls_terms {
    const struct tls_paths *paths;
    const char *server_name;
    struct ts_wall now;
};

void tls_time_text(char out[TLS_TIME_TEXT], const mbedtls_x509_time *at);
/* `flags` are MBEDTLS_X509_BAD...; `crt` may be NULL when they do not tell of
 * its time, signer or name. */
void tls_explain_certificate(char *out, size_t size,
                             const struct tls_terms *terms,
                             const mbedtls_x509_crt *crt, int depth,
                             uint32_t flags);
enum ts_status tls_explain_alert(struct ts_err *err, uint8_t alert,
                                 const char *cert_file);
enum ts_status tls_explain_handshake(struct ts_err *err, int rc);
enum ts_status tls_explain_code(struct ts_err *err, const char *what, int rc);
/* The peer's first bytes are no TLS record: who else may speak so? */
enum ts_status tls_explain_foreign(struct ts_err *err, struct ts_slice first);
/* "a, b" of what an untrusted text says, printable. */
void tls_add_name(char *out, size_t size, const mbedtls_x509_buf *name);
void tls_mask_unprintable(char *text);

#endif
