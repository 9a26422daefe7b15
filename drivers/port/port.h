/* A port moves bytes between a device and the loop. Back ends: libserialport
 * for a real serial port, plain termios for a pty or a file, a faulty one for
 * tests. */
#ifndef TS_DRIVERS_PORT_PORT_H
#define TS_DRIVERS_PORT_PORT_H

#include "base/bytes.h"

struct port_line {
    unsigned baud;      /* 300 to 4,000,000; ignored by CDC devices */
    unsigned data_bits; /* 7 or 8 */
    char parity;        /* 'N', 'E', 'O' */
    unsigned stop_bits; /* 1 or 2 */
    bool rts_cts;
};

struct port;

/* How a back end works; a table row a back end. */
struct port_backend {
    const char *name;
    enum ts_status (*open)(struct port *port, const char *path,
                           const struct port_line *line, struct ts_err *err);
    enum ts_status (*read)(struct port *port, uint8_t *out, size_t cap,
                           size_t *got, struct ts_err *err);
    enum ts_status (*write)(struct port *port, struct ts_slice bytes,
                            size_t *written, struct ts_err *err);
    void (*close)(struct port *port);
};

/* `name`: a path (/dev/serial/by-id/... preferred), or "usb:VVVV:PPPP" with
 * optional ":SERIAL". The back end follows from what the path is. TS_CLOSED:
 * not there (yet), try again with backoff; TS_DENIED: no permission or in use
 * by another program; the text says what to do. */
enum ts_status port_open(struct port **out, const char *name,
                         const struct port_line *line,
                         struct ts_err *err) TS_MUST_USE;
/* The same with a back end of the caller's, for tests. */
enum ts_status port_open_with(struct port **out,
                              const struct port_backend *backend, void *ctx,
                              const char *path, const struct port_line *line,
                              struct ts_err *err) TS_MUST_USE;
void port_close(struct port *port);

/* For the loop; non-blocking, close-on-exec. */
int port_fd(const struct port *port);
/* TS_OK with got > 0; TS_AGAIN: nothing now; TS_CLOSED: unplugged or at the
 * end. Never 0 bytes with TS_OK. */
enum ts_status port_read(struct port *port, uint8_t *out, size_t cap,
                         size_t *got, struct ts_err *err) TS_MUST_USE;
/* TS_OK: all or part written, see `written`; TS_AGAIN: the device is full. */
enum ts_status port_write(struct port *port, struct ts_slice bytes,
                          size_t *written, struct ts_err *err) TS_MUST_USE;

/* One port that is plugged in, for `tessera ports`. */
struct port_info {
    char path[128];
    char by_id[192]; /* stable name, or "" */
    char usb[16];    /* "VVVV:PPPP", or "" */
    char serial[64];
    char description[128];
};
/* Calls `found` for each port of the machine; `root` stands before /sys and
 * /dev: "" but for tests. */
enum ts_status port_list(const char *root,
                         void (*found)(void *ctx, const struct port_info *),
                         void *ctx, struct ts_err *err) TS_MUST_USE;
/* What to write as `port = "..."`: it stays the same when the device comes
 * back under another number. */
enum { PORT_NAME_TEXT = 224 };
void port_stable_name(char out[PORT_NAME_TEXT], const struct port_info *info);
/* Which back end works: "libserialport", "termios", ... */
const char *port_backend_name(const struct port *port);

#endif
