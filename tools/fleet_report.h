/* What several processes saw becomes one report, and the report a judgement
 * for people and for programs. */
#ifndef TS_TOOLS_FLEET_REPORT_H
#define TS_TOOLS_FLEET_REPORT_H

#include "base/json.h"

#include <stdio.h>

/* Adds what another process saw, as fleet_result and fleet_audit tell it:
 * counts add up, of times the longest stands. */
void fleet_report_join(json_t *report, const json_t *other);
/* Percentiles, peaks and bytes an event in place of their raw material, and
 * `ok` with `broken`, the reasons why not. */
void fleet_report_finish(json_t *report);
bool fleet_report_ok(const json_t *report);
void fleet_report_print(const json_t *report, FILE *out);

#endif
