/* Who else has a device open, for the text of an error. */
#ifndef TS_DRIVERS_PORT_PORT_HOLDER_H
#define TS_DRIVERS_PORT_PORT_HOLDER_H

#include <stdbool.h>

enum { PORT_HOLDER_TEXT = 64 };

/* "ModemManager (pid 612)"; false when /proc does not tell. */
bool port_holder(char out[PORT_HOLDER_TEXT], const char *path);
/* A process of that name runs. */
bool port_program_runs(const char *name);

#endif
