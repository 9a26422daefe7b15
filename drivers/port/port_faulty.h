/* A port that plays bytes and faults from a script, for tests. */
#ifndef TS_DRIVERS_PORT_PORT_FAULTY_H
#define TS_DRIVERS_PORT_PORT_FAULTY_H

#include "drivers/port/port.h"

enum port_fault {
    PORT_FAULT_GIVE,   /* `bytes` come, at most `count` a read (0: all) */
    PORT_FAULT_AGAIN,  /* `count` reads find nothing */
    PORT_FAULT_IO,     /* `count` reads fail with an input/output error */
    PORT_FAULT_HANGUP, /* unplugged; the rest of the script never comes */
};

struct port_fault_step {
    enum port_fault what;
    unsigned count;
    struct ts_slice bytes;
};

/* The caller's; passed as `ctx` to port_open_with. */
struct port_faulty {
    const struct port_fault_step *steps;
    size_t count;
    size_t write_max;         /* bytes that one write takes; 0: all */
    unsigned writes_full;     /* so many writes find the device full first */
    enum ts_status open_with; /* what opening answers */
    /* Its own. */
    size_t step;
    size_t used;
    struct ts_buf written; /* owned by the caller: ts_buf_fini */
};

extern const struct port_backend port_faulty;

#endif
