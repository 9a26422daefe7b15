/* One scan as the JSON object that `tessera decode` prints. */
#ifndef TS_TOOLS_DESCRIBE_H
#define TS_TOOLS_DESCRIBE_H

#include "base/json.h"
#include "drivers/code/code.h"

/* `driver` names the protocol. Of a payment card nothing but the fact. */
json_t *describe_scan(const char *driver, const struct scan *scan,
                      const struct code *code, const struct code_rules *rules);

/* {"kind": kind} */
json_t *describe_kind(const char *kind);
void describe_set(json_t *object, const char *member, json_t *value);
void describe_set_text(json_t *object, const char *member, const char *text);
json_t *describe_hex(struct ts_slice data);

#endif
