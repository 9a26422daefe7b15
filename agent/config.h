/* The agent's settings: one file, checked whole before anything starts. */
#ifndef TS_AGENT_CONFIG_H
#define TS_AGENT_CONFIG_H

#include "base/settings.h"
#include "base/token.h"
#include "drivers/driver.h"
#include "drivers/port/port.h"
#include "drivers/code/shop.h"

#define AGENT_CONFIG_PATH "/etc/tessera/agent.conf"

extern const struct ts_setting agent_config_table[];

enum { AGENT_READERS_MAX = 16 };

struct agent_config_reader {
    const char *name, *port, *driver, *profile;
    struct port_line line; /* the profile's, with what the file sets */
    unsigned repeat_ms;
    enum driver_tone tones[OUTCOMES];
};

/* Texts are borrowed from `settings`. */
struct agent_config {
    struct ts_settings *settings;
    struct shop *shop;
    struct ts_keys *keys;
    struct agent_config_reader readers[AGENT_READERS_MAX];
    size_t reader_count;
};

/* Everything wrong with the file, the key file and the readers is in
 * `problems`, one a line. */
enum ts_status agent_config_load(struct agent_config *out, const char *path,
                                 struct ts_buf *problems) TS_MUST_USE;
void agent_config_fini(struct agent_config *config);

#endif
