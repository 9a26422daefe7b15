/* What stays of an erased row behind its deletion: pages in the log of the
 * file, and files that damage set aside. Private to agent/journal*.c. */
#ifndef TS_AGENT_JOURNAL_SCRUB_H
#define TS_AGENT_JOURNAL_SCRUB_H

#include "agent/journal_store.h"

/* Removes it for good. Not TS_OK: not all is gone, try again; the text says
 * what stands in the way. */
enum ts_status scrub_file(struct journal_store *store,
                          struct ts_err *err) TS_MUST_USE;

#endif
