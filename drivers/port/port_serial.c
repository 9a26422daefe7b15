/* libserialport 0.1.1 and what it leaves undone: see serial_settle. */
#include "drivers/port/port_parts.h"

#include <errno.h>
#include <libserialport.h>
#include <termios.h>

static enum ts_status serial_fail(struct ts_err *err, const char *path,
                                  enum sp_return code, const char *what) {
    if (code == SP_ERR_FAIL)
        return port_fail(err, path, sp_last_error_code(), what);
    if (code == SP_ERR_ARG)
        return ts_fail(err, TS_INVALID,
                       "%s: %s: not a serial port that libserialport knows",
                       path, what);
    return ts_fail(err, TS_IO, "%s: %s: %s", path, what,
                   code == SP_ERR_SUPP ? "the device does not support it"
                                       : "out of memory");
}

static enum sp_parity parity_of(char parity) {
    if (parity == 'E')
        return SP_PARITY_EVEN;
    return parity == 'O' ? SP_PARITY_ODD : SP_PARITY_NONE;
}

/* Each one explicitly: after sp_open alone XON and XOFF stay special and two
 * byte values vanish. DTR and RTS go up together, some readers need both. */
static enum ts_status serial_configure(struct sp_port *sp, const char *path,
                                       const struct port_line *line,
                                       struct ts_err *err) {
    struct step {
        const char *what;
        enum sp_return code;
    };
    const struct step steps[] = {
        {"baud", sp_set_baudrate(sp, (int)line->baud)},
        {"data bits", sp_set_bits(sp, (int)line->data_bits)},
        {"parity", sp_set_parity(sp, parity_of(line->parity))},
        {"stop bits", sp_set_stopbits(sp, (int)line->stop_bits)},
        {"flow control", sp_set_flowcontrol(sp, SP_FLOWCONTROL_NONE)},
        {"XON/XOFF", sp_set_xon_xoff(sp, SP_XONXOFF_DISABLED)},
        {"DTR", sp_set_dtr(sp, SP_DTR_ON)},
        {"RTS", sp_set_rts(sp, SP_RTS_ON)},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].code != SP_OK)
            return serial_fail(err, path, steps[i].code, steps[i].what);
    }
    return TS_OK;
}

enum {
    INPUT_MANGLERS = IXON | IXOFF | IXANY | ICRNL | INLCR | IGNCR | ISTRIP |
                     PARMRK | IGNPAR | IUCLC,
    LOCAL_MANGLERS = ICANON | ECHO | ECHONL | ISIG | IEXTEN
};

static void termios_want(struct termios *tio, const struct port_line *line) {
    /* Without IGNPAR a framing error reads as NUL, so that a wrong speed is
     * seen as garbage instead of silence. */
    tio->c_iflag &= (tcflag_t)~INPUT_MANGLERS;
    tio->c_lflag &= (tcflag_t)~LOCAL_MANGLERS;
    tio->c_oflag &= (tcflag_t)~OPOST;
    if (line->parity != 'N')
        tio->c_iflag |= INPCK;
    /* libserialport 0.1.1 puts CRTSCTS into the wrong word. */
    if (line->rts_cts)
        tio->c_cflag |= CRTSCTS;
    else
        tio->c_cflag &= (tcflag_t)~CRTSCTS;
}

static const char *termios_wrong(const struct termios *tio,
                                 const struct port_line *line) {
    tcflag_t bits = line->data_bits == 7 ? CS7 : CS8;

    if (tio->c_iflag & INPUT_MANGLERS || tio->c_lflag & LOCAL_MANGLERS)
        return "raw input";
    if ((tio->c_cflag & CSIZE) != bits)
        return "data bits";
    if (!(tio->c_cflag & PARENB) != (line->parity == 'N') ||
        (line->parity != 'N' &&
         !(tio->c_cflag & PARODD) != (line->parity == 'E')))
        return "parity";
    if (!(tio->c_cflag & CSTOPB) != (line->stop_bits == 1))
        return "stop bits";
    if (!(tio->c_cflag & CRTSCTS) == line->rts_cts)
        return "RTS/CTS";
    return NULL;
}

static enum ts_status serial_settle(int fd, const char *path,
                                    const struct port_line *line,
                                    struct ts_err *err) {
    struct termios tio;

    if (tcgetattr(fd, &tio) != 0)
        return port_fail(err, path, errno, "tcgetattr");
    termios_want(&tio, line);
    if (tcsetattr(fd, TCSANOW, &tio) != 0 || tcgetattr(fd, &tio) != 0)
        return port_fail(err, path, errno, "tcsetattr");
    const char *wrong = termios_wrong(&tio, line);
    if (wrong)
        return ts_fail(err, TS_IO,
                       "%s does not take the setting \"%s\": choose another "
                       "in the reader's section, or another adapter",
                       path, wrong);
    (void)tcflush(fd, TCIFLUSH);
    /* Last, and seen by who plays a device: from here on nothing is lost. A
     * read without bytes says so instead of looking like an unplugged port. */
    tio.c_cc[VMIN] = 1;
    return tcsetattr(fd, TCSANOW, &tio) == 0
               ? TS_OK
               : port_fail(err, path, errno, "tcsetattr");
}

/* A port keeps its settings when it is closed, and libserialport refuses to
 * raise RTS while CRTSCTS of an earlier opening stands. */
static enum ts_status serial_forget(int fd, const char *path,
                                    struct ts_err *err) {
    struct termios tio;

    if (tcgetattr(fd, &tio) != 0)
        return port_fail(err, path, errno, "tcgetattr");
    tio.c_cflag &= (tcflag_t)~CRTSCTS;
    return tcsetattr(fd, TCSANOW, &tio) == 0
               ? TS_OK
               : port_fail(err, path, errno, "tcsetattr");
}

static enum ts_status serial_setup(struct port *port, struct sp_port *sp,
                                   const struct port_line *line,
                                   struct ts_err *err) {
    enum sp_return code = sp_get_port_handle(sp, &port->fd);

    if (code != SP_OK)
        return serial_fail(err, port->path, code, "handle");
    enum ts_status status = port_fd_claim(port->fd, port->path, err);
    if (status == TS_OK)
        status = serial_forget(port->fd, port->path, err);
    if (status == TS_OK)
        status = serial_configure(sp, port->path, line, err);
    if (status == TS_OK)
        status = serial_settle(port->fd, port->path, line, err);
    return status;
}

static enum ts_status serial_open(struct port *port, const char *path,
                                  const struct port_line *line,
                                  struct ts_err *err) {
    struct sp_port *sp;
    enum sp_return code = sp_get_port_by_name(path, &sp);

    if (code != SP_OK)
        return serial_fail(err, path, code, "look-up");
    code = sp_open(sp, SP_MODE_READ_WRITE);
    if (code != SP_OK) {
        enum ts_status failed = serial_fail(err, path, code, "open");
        sp_free_port(sp);
        return failed;
    }
    port->ctx = sp;
    enum ts_status status = serial_setup(port, sp, line, err);
    if (status != TS_OK)
        port->backend->close(port);
    return status;
}

static enum ts_status serial_read(struct port *port, uint8_t *out, size_t cap,
                                  size_t *got, struct ts_err *err) {
    return port_fd_read(port->fd, port->path, out, cap, got, err);
}

static enum ts_status serial_write(struct port *port, struct ts_slice bytes,
                                   size_t *written, struct ts_err *err) {
    enum sp_return sent =
        sp_nonblocking_write(port->ctx, bytes.data, bytes.len);

    if (sent > 0) {
        *written = (size_t)sent;
        return TS_OK;
    }
    if (sent == 0 || (sent == SP_ERR_FAIL && sp_last_error_code() == EAGAIN))
        return TS_AGAIN;
    return serial_fail(err, port->path, sent, "write");
}

static void serial_close(struct port *port) {
    (void)sp_close(port->ctx);
    sp_free_port(port->ctx);
    port->fd = -1;
}

const struct port_backend port_serial = {
    .name = "libserialport",
    .open = serial_open,
    .read = serial_read,
    .write = serial_write,
    .close = serial_close,
};
