/* For calls that cannot fail here, such as an append to a buffer without a
 * ceiling. */
#ifndef TS_HUB_SURE_H
#define TS_HUB_SURE_H

#include "base/status.h"

#include <assert.h>

static inline void sure(enum ts_status status) {
    assert(status == TS_OK);
    (void)status;
}

#endif
