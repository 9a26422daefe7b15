#include "tests/unit/hub/engines.h"

#include "base/ids.h"
#include "base/time.h"

#include <libpq-fe.h>

#include <arpa/inet.h>
#include <glob.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READY_S = 60 };

struct engines {
    char folder[64];
    char bin[128]; /* of PostgreSQL */
    char url[256];
    unsigned made;
    int port;
    pid_t server;
};

static void die(const char *what) {
    (void)fprintf(stderr, "engines: %s\n", what);
    exit(1);
}

static int free_port(void) {
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) ||
        getsockname(fd, (struct sockaddr *)&at, &len))
        die("no free port");
    close(fd);
    return ntohs(at.sin_port);
}

static void find_bin(struct engines *engines) {
    glob_t found;

    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found))
        die("PostgreSQL is not installed (package postgresql-15)");
    (void)snprintf(engines->bin, sizeof engines->bin, "%.*s",
                   (int)(strlen(found.gl_pathv[0]) - strlen("/initdb")),
                   found.gl_pathv[0]);
    globfree(&found);
}

/* PostgreSQL refuses to run as root. */
static void become_postgres(void) {
    const struct passwd *user = getpwnam("postgres");

    if (geteuid())
        return;
    if (!user || setgid(user->pw_gid) || setuid(user->pw_uid))
        die("no user postgres");
}

static pid_t spawn(const struct engines *engines, char *argv[]) {
    char program[192], log[128];
    pid_t child = fork();

    if (child)
        return child;
    become_postgres();
    (void)snprintf(program, sizeof program, "%s/%s", engines->bin, argv[0]);
    (void)snprintf(log, sizeof log, "%s/pg/log", engines->folder);
    if (!freopen(log, "a", stdout) || dup2(1, 2) < 0)
        die("no log");
    argv[0] = program; /* its companions stand beside it */
    execv(program, argv);
    die("cannot run PostgreSQL");
    return -1;
}

static void wait_ready(struct engines *engines) {
    char url[128];

    (void)snprintf(url, sizeof url,
                   "postgresql://postgres@127.0.0.1:%d/postgres",
                   engines->port);
    for (int i = 0; i < READY_S * 20; i++) {
        PGPing answer = PQping(url);
        if (answer == PQPING_OK)
            return;
        if (waitpid(engines->server, NULL, WNOHANG) == engines->server)
            die("PostgreSQL ended at its start");
        (void)poll(NULL, 0, 50);
    }
    die("PostgreSQL does not answer");
}

static void server_start(struct engines *engines) {
    char data[96], port[12];
    char *argv[] = {"postgres", "-D", data, "-h", "127.0.0.1",           "-p",
                    port,       "-k", "",   "-c", "shared_buffers=16MB", NULL};

    (void)snprintf(data, sizeof data, "%s/pg/data", engines->folder);
    (void)snprintf(port, sizeof port, "%d", engines->port);
    engines->server = spawn(engines, argv);
    wait_ready(engines);
}

static void server_make(struct engines *engines) {
    const struct passwd *user = getpwnam("postgres");
    char folder[96], data[112];
    char *argv[] = {"initdb",           "-D",           data,         "-U",
                    "postgres",         "--auth=trust", "--encoding", "UTF8",
                    "--locale=C.UTF-8", "--no-sync",    NULL};
    int status = -1;
    pid_t child;

    (void)snprintf(folder, sizeof folder, "%s/pg", engines->folder);
    (void)snprintf(data, sizeof data, "%s/data", folder);
    if (mkdir(folder, 0700) ||
        (!geteuid() && (!user || chown(folder, user->pw_uid, user->pw_gid))))
        die("no folder for PostgreSQL");
    child = spawn(engines, argv);
    if (waitpid(child, &status, 0) != child || status)
        die("initdb failed");
}

struct engines *engines_start(void) {
    struct engines *engines = ts_alloc(sizeof *engines);

    *engines = (struct engines){0};
    (void)snprintf(engines->folder, sizeof engines->folder,
                   "/tmp/tessera-test-XXXXXX");
    if (!mkdtemp(engines->folder) || chmod(engines->folder, 0755))
        die("no folder");
    find_bin(engines);
    engines->port = free_port();
    server_make(engines);
    server_start(engines);
    return engines;
}

void engines_stop(struct engines *engines) {
    char command[96];

    kill(engines->server, SIGQUIT);
    (void)waitpid(engines->server, NULL, 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", engines->folder);
    if (system(command)) /* NOLINT(cert-env33-c): a path of our own making */
        die("the folder stays");
    free(engines);
}

const char *engines_folder(const struct engines *engines) {
    return engines->folder;
}

const char *engines_sqlite(struct engines *engines) {
    (void)snprintf(engines->url, sizeof engines->url, "sqlite:%s/hub-%u.db",
                   engines->folder, ++engines->made);
    return engines->url;
}

const char *engines_postgres(struct engines *engines) {
    char sql[64];
    PGconn *handle;
    PGresult *result;

    (void)snprintf(engines->url, sizeof engines->url,
                   "postgresql://postgres@127.0.0.1:%d/postgres",
                   engines->port);
    handle = PQconnectdb(engines->url);
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE hub_%u", ++engines->made);
    result = PQexec(handle, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        die(PQerrorMessage(handle));
    PQclear(result);
    PQfinish(handle);
    (void)snprintf(engines->url, sizeof engines->url,
                   "postgresql://postgres@127.0.0.1:%d/hub_%u", engines->port,
                   engines->made);
    return engines->url;
}

void engines_restart_postgres(struct engines *engines) {
    kill(engines->server, SIGQUIT);
    (void)waitpid(engines->server, NULL, 0);
    server_start(engines);
}
