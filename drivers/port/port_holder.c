#include "drivers/port/port_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COMM_TEXT = 32 };

static bool process_has_open(const char *pid, const char *path) {
    char folder[64];
    char link[320];
    char target[512];
    bool found = false;

    (void)snprintf(folder, sizeof folder, "/proc/%.20s/fd", pid);
    DIR *fds = opendir(folder);
    if (!fds)
        return false;
    for (struct dirent *entry = readdir(fds); entry && !found;
         entry = readdir(fds)) {
        (void)snprintf(link, sizeof link, "%s/%s", folder, entry->d_name);
        ssize_t len = readlink(link, target, sizeof target - 1);
        if (len > 0) {
            target[len] = 0;
            found = strcmp(target, path) == 0;
        }
    }
    (void)closedir(fds);
    return found;
}

static void comm_read(char out[COMM_TEXT], const char *pid) {
    char file[64];

    (void)snprintf(out, COMM_TEXT, "a program");
    (void)snprintf(file, sizeof file, "/proc/%.20s/comm", pid);
    FILE *comm = fopen(file, "re");
    if (!comm)
        return;
    if (fgets(out, COMM_TEXT, comm))
        out[strcspn(out, "\n")] = 0;
    (void)fclose(comm);
}

static void process_name(char out[PORT_HOLDER_TEXT], const char *pid) {
    char name[COMM_TEXT];

    comm_read(name, pid);
    (void)snprintf(out, PORT_HOLDER_TEXT, "%s (pid %.20s)", name, pid);
}

bool port_program_runs(const char *name) {
    DIR *processes = opendir("/proc");
    bool found = false;

    if (!processes)
        return false;
    for (struct dirent *entry = readdir(processes); entry && !found;
         entry = readdir(processes)) {
        char comm[COMM_TEXT];
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        comm_read(comm, entry->d_name);
        found = strcmp(comm, name) == 0;
    }
    (void)closedir(processes);
    return found;
}

bool port_holder(char out[PORT_HOLDER_TEXT], const char *path) {
    DIR *processes = opendir("/proc");
    bool found = false;

    if (!processes)
        return false;
    for (struct dirent *entry = readdir(processes); entry && !found;
         entry = readdir(processes)) {
        if (!isdigit((unsigned char)entry->d_name[0]) ||
            strtol(entry->d_name, NULL, 10) == (long)getpid())
            continue;
        found = process_has_open(entry->d_name, path);
        if (found)
            process_name(out, entry->d_name);
    }
    (void)closedir(processes);
    return found;
}
