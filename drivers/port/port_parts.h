/* What the port back ends share. Only port_*.c and its tests look in here. */
#ifndef TS_DRIVERS_PORT_PORT_PARTS_H
#define TS_DRIVERS_PORT_PORT_PARTS_H

#include "base/time.h"
#include "drivers/port/port.h"

enum { PORT_PATH_TEXT = 256, PORT_USB_TEXT = 16 };

/* A port that is lost sooner was taken, not unplugged. */
enum { PORT_TAKEN_MS = 3000 };

struct port {
    const struct port_backend *backend;
    void *ctx;               /* the back end's own */
    int fd;                  /* what the loop waits for; -1: closed */
    char usb[PORT_USB_TEXT]; /* "VVVV:PPPP", or "" */
    struct ts_mono opened_at;
    char path[PORT_PATH_TEXT];
};

extern const struct port_backend port_serial;
extern const struct port_backend port_tty;

/* One read that tells silence from a hang-up: a port that is gone reads as
 * "ready, 0 bytes" for ever. */
enum ts_status port_fd_read(int fd, const char *path, uint8_t *out, size_t cap,
                            size_t *got, struct ts_err *err) TS_MUST_USE;
enum ts_status port_fd_write(int fd, const char *path, struct ts_slice bytes,
                             size_t *written, struct ts_err *err) TS_MUST_USE;

/* Takes the port for this process alone: flock, close-on-exec, and TIOCEXCL
 * where that ends with the process. */
enum ts_status port_fd_claim(int fd, const char *path,
                             struct ts_err *err) TS_MUST_USE;

/* Turns errno of a failed open or transfer into a status and a text that says
 * what to do. */
enum ts_status port_fail(struct ts_err *err, const char *path, int error,
                         const char *what);

/* Where the kernel and udev show devices; tests pass a tree of their own. */
struct port_roots {
    const char *tty;   /* "/sys/class/tty" */
    const char *dev;   /* "/dev" */
    const char *by_id; /* "/dev/serial/by-id" */
};
extern const struct port_roots port_roots_system;

/* Resolves what port_open takes to the path of a device. */
enum ts_status port_find(char out[PORT_PATH_TEXT], const char *name,
                         const struct port_roots *roots,
                         struct ts_err *err) TS_MUST_USE;
/* What is known of `name`, a row of `tty`; false: it is no port. */
bool port_info_read(struct port_info *info, const struct port_roots *roots,
                    const char *name);
enum ts_status port_list_in(const struct port_roots *roots,
                            void (*found)(void *ctx,
                                          const struct port_info *info),
                            void *ctx, struct ts_err *err) TS_MUST_USE;

#endif
