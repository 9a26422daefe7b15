/* `tessera ports --try`: hears what readers send and tells how to set them
 * up. Nothing is sent, and no character of a code is shown. */
#ifndef TS_TOOLS_LISTEN_H
#define TS_TOOLS_LISTEN_H

#include "drivers/port/devices.h"
#include "drivers/port/port.h"

enum { LISTEN_PORTS_MAX = 16 };

struct listen_target {
    char name[PORT_NAME_TEXT];   /* as port_open takes it */
    const struct device *device; /* what the USB identity says */
    bool has_speed;              /* the line setting means something */
};

struct listen_options {
    struct listen_target targets[LISTEN_PORTS_MAX];
    size_t count;
    unsigned baud;    /* to begin with */
    unsigned seconds; /* then it gives up */
    bool json;
};

/* `info` is NULL for a port that is not in the list of the machine. What is
 * beyond LISTEN_PORTS_MAX is left out, with a word on standard error. */
void listen_add(struct listen_options *options, const char *name,
                const struct port_info *info);
/* An exit code. */
int listen_run(const struct listen_options *options);

#endif
