#include "drivers/port/port_faulty.h"

#include "drivers/port/port_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static enum ts_status faulty_open(struct port *port, const char *path,
                                  const struct port_line *line,
                                  struct ts_err *err) {
    const struct port_faulty *faulty = port->ctx;

    (void)line;
    if (faulty->open_with != TS_OK)
        return ts_fail(err, faulty->open_with, "%s does not open", path);
    port->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    return port->fd < 0 ? port_fail(err, path, errno, "eventfd") : TS_OK;
}

static void step_next(struct port_faulty *faulty) {
    faulty->step++;
    faulty->used = 0;
}

static enum ts_status give(struct port_faulty *faulty, uint8_t *out, size_t cap,
                           size_t *got) {
    const struct port_fault_step *step = &faulty->steps[faulty->step];
    size_t len = step->bytes.len - faulty->used;

    if (len > cap)
        len = cap;
    if (step->count && len > step->count)
        len = step->count;
    memcpy(out, step->bytes.data + faulty->used, len);
    *got = len;
    faulty->used += len;
    if (faulty->used == step->bytes.len)
        step_next(faulty);
    return TS_OK;
}

static enum ts_status faulty_read(struct port *port, uint8_t *out, size_t cap,
                                  size_t *got, struct ts_err *err) {
    struct port_faulty *faulty = port->ctx;

    while (faulty->step < faulty->count) {
        const struct port_fault_step *step = &faulty->steps[faulty->step];
        if (step->what == PORT_FAULT_HANGUP)
            return port_fail(err, port->path, EIO, "read");
        if (step->what == PORT_FAULT_GIVE && step->bytes.len)
            return give(faulty, out, cap, got);
        if (faulty->used++ < step->count)
            return step->what == PORT_FAULT_IO
                       ? port_fail(err, port->path, ETIMEDOUT, "read")
                       : TS_AGAIN;
        step_next(faulty);
    }
    return TS_AGAIN;
}

static enum ts_status faulty_write(struct port *port, struct ts_slice bytes,
                                   size_t *written, struct ts_err *err) {
    struct port_faulty *faulty = port->ctx;

    if (faulty->writes_full) {
        faulty->writes_full--;
        return TS_AGAIN;
    }
    if (faulty->write_max && bytes.len > faulty->write_max)
        bytes.len = faulty->write_max;
    if (ts_buf_add(&faulty->written, bytes) != TS_OK)
        return port_fail(err, port->path, ENOSPC, "write");
    *written = bytes.len;
    return TS_OK;
}

static void faulty_close(struct port *port) {
    (void)close(port->fd);
    port->fd = -1;
}

const struct port_backend port_faulty = {
    .name = "faulty",
    .open = faulty_open,
    .read = faulty_read,
    .write = faulty_write,
    .close = faulty_close,
};
