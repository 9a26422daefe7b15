#include "drivers/port/port_parts.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

const struct port_roots port_roots_system = {
    .tty = "/sys/class/tty",
    .dev = "/dev",
    .by_id = "/dev/serial/by-id",
};

enum { PORT_NAME_MAX = 64 };

/* First line of a small file, without its end; "" when there is none. */
static void file_line(char *out, size_t size, const char *folder,
                      const char *name) {
    char path[2 * PORT_PATH_TEXT];

    out[0] = 0;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    if (fgets(out, (int)size, file))
        out[strcspn(out, "\n")] = 0;
    (void)fclose(file);
}

/* The USB device's folder above a tty's, by its idVendor file. */
static bool usb_folder(char *folder) {
    char vendor[8];

    for (;;) {
        file_line(vendor, sizeof vendor, folder, "idVendor");
        if (vendor[0])
            return true;
        char *slash = strrchr(folder, '/');
        if (!slash || slash == folder)
            return false;
        *slash = 0;
    }
}

static void usb_read(struct port_info *info, char *folder) {
    char vendor[8];
    char product[8];
    char maker[48];
    char name[64];

    if (!usb_folder(folder))
        return;
    file_line(vendor, sizeof vendor, folder, "idVendor");
    file_line(product, sizeof product, folder, "idProduct");
    (void)snprintf(info->usb, sizeof info->usb, "%.4s:%.4s", vendor, product);
    file_line(info->serial, sizeof info->serial, folder, "serial");
    file_line(maker, sizeof maker, folder, "manufacturer");
    file_line(name, sizeof name, folder, "product");
    (void)snprintf(info->description, sizeof info->description, "%s%s%s", maker,
                   maker[0] && name[0] ? " " : "", name);
}

/* The stable name that udev gave to `path`. */
static void by_id_find(struct port_info *info, const char *by_id) {
    DIR *links = opendir(by_id);

    if (!links)
        return;
    for (struct dirent *entry = readdir(links); entry && !info->by_id[0];
         entry = readdir(links)) {
        char link[2 * PORT_PATH_TEXT];
        (void)snprintf(link, sizeof link, "%s/%s", by_id, entry->d_name);
        char *target = realpath(link, NULL);
        if (target && strcmp(target, info->path) == 0 &&
            strlen(link) < sizeof info->by_id)
            memcpy(info->by_id, link, strlen(link) + 1);
        free(target);
    }
    (void)closedir(links);
}

/* A row of /sys/class/tty that is a port of the machine: it has a device, and
 * an 8250 that is not wired (type 0) does not count. */
bool port_info_read(struct port_info *info, const struct port_roots *roots,
                    const char *name) {
    char entry[PORT_PATH_TEXT];
    char device[PORT_PATH_TEXT + 8];
    char type[8];

    if (strlen(name) > PORT_NAME_MAX)
        return false;
    *info = (struct port_info){.path = ""};
    (void)snprintf(entry, sizeof entry, "%.150s/%.64s", roots->tty, name);
    (void)snprintf(device, sizeof device, "%s/device", entry);
    file_line(type, sizeof type, entry, "type");
    char *folder = realpath(device, NULL);
    if (!folder || strcmp(type, "0") == 0) {
        free(folder);
        return false;
    }
    (void)snprintf(info->path, sizeof info->path, "%.60s/%.64s", roots->dev,
                   name);
    usb_read(info, folder);
    free(folder);
    by_id_find(info, roots->by_id);
    return true;
}

static int no_dots(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

enum ts_status port_list_in(const struct port_roots *roots,
                            void (*found)(void *ctx,
                                          const struct port_info *info),
                            void *ctx, struct ts_err *err) {
    struct dirent **names;
    int count = scandir(roots->tty, &names, no_dots, versionsort);

    if (count < 0)
        return ts_fail(err, TS_IO, "%s: %s", roots->tty, strerror(errno));
    for (int i = 0; i < count; i++) {
        struct port_info info;
        if (port_info_read(&info, roots, names[i]->d_name))
            found(ctx, &info);
        free(names[i]);
    }
    free(names);
    return TS_OK;
}

/* "usb:VVVV:PPPP" with an optional ":SERIAL". */
struct usb_wanted {
    char usb[16];
    const char *serial; /* or NULL: any */
    char path[PORT_PATH_TEXT];
    char others[128]; /* serials of all that fit, for the text */
    size_t count;
};

static bool usb_parse(struct usb_wanted *out, const char *name) {
    enum { IDS = 9 };
    const char *ids = name + strlen("usb:");

    *out = (struct usb_wanted){.serial = NULL};
    for (size_t i = 0; i < IDS; i++) {
        bool fits = i == 4 ? ids[i] == ':' : isxdigit((unsigned char)ids[i]);
        if (!fits)
            return false;
    }
    memcpy(out->usb, ids, IDS);
    if (ids[IDS] == ':' && ids[IDS + 1])
        out->serial = ids + IDS + 1;
    else if (ids[IDS])
        return false;
    return true;
}

static void usb_match(void *ctx, const struct port_info *info) {
    struct usb_wanted *wanted = ctx;
    size_t used = strlen(wanted->others);

    if (strcasecmp(info->usb, wanted->usb) != 0 ||
        (wanted->serial && strcmp(info->serial, wanted->serial) != 0))
        return;
    wanted->count++;
    (void)snprintf(wanted->path, sizeof wanted->path, "%s", info->path);
    (void)snprintf(wanted->others + used, sizeof wanted->others - used,
                   "%s%s (serial %.24s)", used ? ", " : "", info->path,
                   info->serial[0] ? info->serial : "none");
}

static enum ts_status usb_find(char out[PORT_PATH_TEXT], const char *name,
                               const struct port_roots *roots,
                               struct ts_err *err) {
    struct usb_wanted wanted;

    if (!usb_parse(&wanted, name))
        return ts_fail(err, TS_INVALID,
                       "\"%s\" is not a USB identity: write "
                       "usb:VVVV:PPPP or usb:VVVV:PPPP:SERIAL, four hex "
                       "digits each, as `tessera ports` prints them",
                       name);
    enum ts_status status = port_list_in(roots, usb_match, &wanted, err);
    if (status != TS_OK)
        return status;
    if (wanted.count == 0)
        return ts_fail(err, TS_CLOSED,
                       "no device %s is plugged in; `tessera ports` lists "
                       "what is",
                       name);
    if (wanted.count > 1)
        return ts_fail(err, TS_DENIED,
                       "%zu ports fit %s: %s; add the serial number, or use "
                       "the name under /dev/serial/by-id",
                       wanted.count, name, wanted.others);
    memcpy(out, wanted.path, PORT_PATH_TEXT);
    return TS_OK;
}

enum ts_status port_find(char out[PORT_PATH_TEXT], const char *name,
                         const struct port_roots *roots, struct ts_err *err) {
    if (strncmp(name, "usb:", 4) == 0)
        return usb_find(out, name, roots, err);
    if (!name[0])
        return ts_fail(err, TS_INVALID,
                       "the port has no name: `tessera ports` lists them");
    /* libserialport 0.1.1 refuses symbolic links. */
    char *real = realpath(name, NULL);
    if (!real)
        return port_fail(err, name, errno, "look-up");
    size_t len = strlen(real);
    if (len < PORT_PATH_TEXT)
        memcpy(out, real, len + 1);
    free(real);
    return len < PORT_PATH_TEXT
               ? TS_OK
               : ts_fail(err, TS_INVALID, "%s: the path is too long", name);
}
