#include "tests/support/broker.h"

#include "base/bytes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 1500, TRY_MS = 10 };

struct broker {
    pid_t pid;
    uint16_t port;
    char log[512];
};

static void give_up(const char *what) {
    (void)fprintf(stderr, "test support: %s\n", what);
    exit(1);
}

char *test_folder_new(const char *name) {
    const char *base = getenv("TMPDIR");
    struct ts_buf path = {0};

    if (ts_buf_printf(&path, "%s/%s-XXXXXX", base ? base : "/tmp", name) !=
            TS_OK ||
        !mkdtemp((char *)(uintptr_t)ts_buf_text(&path)))
        give_up("no folder for the test");
    return (char *)path.data;
}

static int remove_one(const char *path, const struct stat *info, int kind,
                      struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void test_folder_free(char *folder) {
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

static pid_t spawn(char *const argv[], const char *log) {
    pid_t pid = fork();

    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
            _exit(126);
        (void)execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static void make_certs(const char *folder, char *more) {
    char script[] = TESSERA_SOURCE_DIR "/tests/support/make-certs";
    char *argv[] = {script, (char *)(uintptr_t)folder, more, NULL};
    int status = 0;
    pid_t pid = spawn(argv, "/dev/null");

    if (waitpid(pid, &status, 0) != pid || status)
        give_up("make-certs failed; is openssl installed?");
}

void test_certs_make(const char *folder) { make_certs(folder, NULL); }

void test_certs_make_odd(const char *folder) {
    char odd[] = "odd";

    make_certs(folder, odd);
}

static struct sockaddr_in loopback(uint16_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return to;
}

uint16_t test_port_free(void) {
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        give_up("no free port");
    (void)close(fd);
    return ntohs(at.sin_port);
}

static int answers(uint16_t port) {
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int ok = fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;

    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static void wait_until_up(struct broker *broker) {
    struct timespec pause = {.tv_nsec = TRY_MS * 1000000L};

    for (int i = 0; i < START_TRIES; i++) {
        if (answers(broker->port))
            return;
        if (waitpid(broker->pid, NULL, WNOHANG) == broker->pid) {
            (void)fprintf(stderr, "%s", broker_log(broker));
            give_up("mosquitto ended at its start");
        }
        (void)nanosleep(&pause, NULL);
    }
    give_up("mosquitto does not answer");
}

struct broker *broker_start(const char *folder, uint16_t port,
                            const char *settings) {
    struct broker *broker = ts_alloc(sizeof *broker);
    char config[512];
    char program[] = "/usr/sbin/mosquitto";
    char option[] = "-c";
    char *argv[] = {program, option, config, NULL};
    FILE *file;

    broker->port = port ? port : test_port_free();
    (void)snprintf(config, sizeof config, "%s/mosquitto-%u.conf", folder,
                   broker->port);
    (void)snprintf(broker->log, sizeof broker->log, "%s/mosquitto-%u.log",
                   folder, broker->port);
    file = fopen(config, "we");
    if (!file ||
        fprintf(file,
                "%sallow_anonymous true\npersistence false\n"
                "set_tcp_nodelay true\nlog_type all\n"
                "listener %u 127.0.0.1\n%s\n",
                geteuid() ? "" : "user root\n", broker->port, settings) < 0 ||
        fclose(file))
        give_up("mosquitto.conf cannot be written");
    broker->pid = spawn(argv, broker->log);
    wait_until_up(broker);
    return broker;
}

char *broker_tls_settings(const char *certs, const char *server,
                          const char *crl) {
    struct ts_buf text = {0};

    if (ts_buf_printf(&text,
                      "cafile %s/ca.crt\ncertfile %s/%s.crt\n"
                      "keyfile %s/%s.key\nrequire_certificate true\n"
                      "use_identity_as_username true\ntls_version tlsv1.2\n",
                      certs, certs, server, certs, server) != TS_OK ||
        (crl && ts_buf_printf(&text, "crlfile %s/%s\n", certs, crl) != TS_OK))
        give_up("settings");
    (void)ts_buf_text(&text);
    return (char *)text.data;
}

uint16_t broker_port(const struct broker *broker) { return broker->port; }

char *broker_log(const struct broker *broker) {
    struct ts_buf text = {0};

    if (ts_file_read(&text, broker->log, 67108864, NULL) != TS_OK ||
        ts_buf_add_text(&text, "") != TS_OK)
        give_up("the broker's log cannot be read");
    (void)ts_buf_text(&text);
    return text.data ? (char *)text.data : ts_strdup("");
}

static void end(struct broker *broker, int signal_number) {
    const struct timespec pause = {.tv_nsec = 10000000};

    if (!broker)
        return;
    (void)kill(broker->pid, SIGCONT);
    /* mosquitto forgets a signal that comes before its loop has begun. */
    for (unsigned turn = 0; waitpid(broker->pid, NULL, WNOHANG) == 0; turn++) {
        if (turn % 100 == 0)
            (void)kill(broker->pid, signal_number);
        (void)nanosleep(&pause, NULL);
    }
    free(broker);
}

void broker_stop(struct broker *broker) { end(broker, SIGTERM); }
void broker_kill(struct broker *broker) { end(broker, SIGKILL); }
void broker_reload(struct broker *broker) { (void)kill(broker->pid, SIGHUP); }
void broker_freeze(struct broker *broker) { (void)kill(broker->pid, SIGSTOP); }
void broker_thaw(struct broker *broker) { (void)kill(broker->pid, SIGCONT); }
