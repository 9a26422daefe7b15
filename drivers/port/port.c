#include "drivers/port/port.h"

#include "drivers/port/port_holder.h"
#include "drivers/port/port_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel lists it as a serial port; it lists no pseudo-terminals. */
static bool is_serial_device(const char *path) {
    static const char dev[] = "/dev/";
    enum { DEV = sizeof dev - 1 };
    char entry[PORT_PATH_TEXT + 32];
    struct stat st;

    if (strncmp(path, dev, DEV) != 0 || stat(path, &st) != 0 ||
        !S_ISCHR(st.st_mode))
        return false;
    (void)snprintf(entry, sizeof entry, "%s/%s", port_roots_system.tty,
                   path + DEV);
    return access(entry, F_OK) == 0;
}

static enum ts_status line_check(const struct port_line *line,
                                 struct ts_err *err) {
    if (line->baud < 300 || line->baud > 4000000)
        return ts_fail(err, TS_INVALID,
                       "baud %u is not between 300 and 4000000", line->baud);
    if (line->data_bits != 7 && line->data_bits != 8)
        return ts_fail(err, TS_INVALID, "data bits are 7 or 8, not %u",
                       line->data_bits);
    if (line->parity != 'N' && line->parity != 'E' && line->parity != 'O')
        return ts_fail(err, TS_INVALID, "parity is N, E or O");
    if (line->stop_bits != 1 && line->stop_bits != 2)
        return ts_fail(err, TS_INVALID, "stop bits are 1 or 2, not %u",
                       line->stop_bits);
    return TS_OK;
}

/* brltty takes these adapters for Braille displays half a second after they
 * are plugged in. */
static bool is_brltty_bait(const char *usb) {
    return strcmp(usb, "1a86:7523") == 0 || strcmp(usb, "10c4:ea60") == 0;
}

/* Says more of a port that is lost when it has just been opened. */
static enum ts_status port_lost(const struct port *port, struct ts_err *err) {
    int64_t lived = ts_clock_mono(ts_clock_system()).ms - port->opened_at.ms;

    if (lived >= PORT_TAKEN_MS || !is_brltty_bait(port->usb))
        return TS_CLOSED;
    return ts_fail(err, TS_CLOSED,
                   "%s vanished a moment after it was opened: brltty takes "
                   "%s adapters for Braille displays%s; remove that package",
                   port->path, port->usb,
                   port_program_runs("brltty") ? ", and it runs" : "");
}

static void port_identify(struct port *port) {
    struct port_info info;
    const char *base = strrchr(port->path, '/');

    if (base && port_info_read(&info, &port_roots_system, base + 1))
        (void)snprintf(port->usb, sizeof port->usb, "%s", info.usb);
}

enum ts_status port_open(struct port **out, const char *name,
                         const struct port_line *line, struct ts_err *err) {
    char path[PORT_PATH_TEXT];
    enum ts_status status = port_find(path, name, &port_roots_system, err);

    if (status != TS_OK)
        return status;
    const struct port_backend *backend =
        is_serial_device(path) ? &port_serial : &port_tty;
    return port_open_with(out, backend, NULL, path, line, err);
}

enum ts_status port_open_with(struct port **out,
                              const struct port_backend *backend, void *ctx,
                              const char *path, const struct port_line *line,
                              struct ts_err *err) {
    enum ts_status status = line_check(line, err);

    if (status != TS_OK)
        return status;
    if (strlen(path) >= PORT_PATH_TEXT)
        return ts_fail(err, TS_INVALID, "the port's path is over %d bytes",
                       PORT_PATH_TEXT - 1);
    struct port *port = ts_alloc(sizeof *port);
    port->backend = backend;
    port->ctx = ctx;
    port->fd = -1;
    (void)snprintf(port->path, sizeof port->path, "%s", path);
    status = backend->open(port, path, line, err);
    if (status != TS_OK) {
        free(port);
        return status;
    }
    port->opened_at = ts_clock_mono(ts_clock_system());
    if (backend == &port_serial)
        port_identify(port);
    *out = port;
    return TS_OK;
}

void port_close(struct port *port) {
    if (!port)
        return;
    port->backend->close(port);
    free(port);
}

int port_fd(const struct port *port) { return port->fd; }

enum ts_status port_read(struct port *port, uint8_t *out, size_t cap,
                         size_t *got, struct ts_err *err) {
    enum ts_status status = port->backend->read(port, out, cap, got, err);

    return status == TS_CLOSED ? port_lost(port, err) : status;
}

enum ts_status port_write(struct port *port, struct ts_slice bytes,
                          size_t *written, struct ts_err *err) {
    *written = 0;
    if (bytes.len == 0)
        return TS_OK;
    enum ts_status status = port->backend->write(port, bytes, written, err);

    return status == TS_CLOSED ? port_lost(port, err) : status;
}

enum ts_status port_list(const char *root,
                         void (*found)(void *ctx, const struct port_info *),
                         void *ctx, struct ts_err *err) {
    char tty[PORT_PATH_TEXT];
    char dev[PORT_PATH_TEXT];
    char by_id[PORT_PATH_TEXT];
    const struct port_roots roots = {.tty = tty, .dev = dev, .by_id = by_id};

    if (strlen(root) > PORT_PATH_TEXT / 4)
        return ts_fail(err, TS_INVALID, "%s: the path is too long", root);
    (void)snprintf(tty, sizeof tty, "%s%s", root, port_roots_system.tty);
    (void)snprintf(dev, sizeof dev, "%s%s", root, port_roots_system.dev);
    (void)snprintf(by_id, sizeof by_id, "%s%s", root, port_roots_system.by_id);
    return port_list_in(&roots, found, ctx, err);
}

void port_stable_name(char out[PORT_NAME_TEXT], const struct port_info *info) {
    if (info->by_id[0])
        (void)snprintf(out, PORT_NAME_TEXT, "%s", info->by_id);
    else if (info->usb[0])
        (void)snprintf(out, PORT_NAME_TEXT, "usb:%s%s%s", info->usb,
                       info->serial[0] ? ":" : "", info->serial);
    else
        (void)snprintf(out, PORT_NAME_TEXT, "%s", info->path);
}

const char *port_backend_name(const struct port *port) {
    return port->backend->name;
}
