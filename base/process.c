#include "base/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

void ts_process_seal(void) {
    static const struct rlimit none = {0, 0};

    /* Both: a core that is piped to a collector heeds no limit. */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)umask(077);
}
