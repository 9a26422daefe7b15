/* A real mosquitto for a test: on 127.0.0.1, a free port, its own folder,
 * ended by its process id. Failures end the test program with a text. */
#ifndef TS_SUPPORT_BROKER_H
#define TS_SUPPORT_BROKER_H

#include <stdint.h>

struct broker;

/* A new folder under TMPDIR or /tmp; the caller frees the text. */
char *test_folder_new(const char *name);
void test_folder_free(char *folder);
/* Runs tests/support/make-certs for `folder`. */
void test_certs_make(const char *folder);
/* Adds the odd ones to a folder that has the others. */
void test_certs_make_odd(const char *folder);
uint16_t test_port_free(void);

/* `settings` are lines of mosquitto.conf behind the listener's. Returns when
 * the port answers. */
struct broker *broker_start(const char *folder, uint16_t port,
                            const char *settings);
/* The listener's lines for mutual TLS: names of make-certs, `crl` may be
 * NULL. The caller frees the text. */
char *broker_tls_settings(const char *certs, const char *server,
                          const char *crl);
uint16_t broker_port(const struct broker *broker);
/* The broker's log so far; the caller frees the text. */
char *broker_log(const struct broker *broker);
/* SIGTERM, and SIGKILL for broker_kill; both wait for the end and free. */
void broker_stop(struct broker *broker);
void broker_kill(struct broker *broker);
/* SIGHUP: the access list is read again. */
void broker_reload(struct broker *broker);
/* SIGSTOP and SIGCONT. */
void broker_freeze(struct broker *broker);
void broker_thaw(struct broker *broker);

#endif
