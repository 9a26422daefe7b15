#include "base/process.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void ts_process_seal(void) {
    static const struct rlimit none = {0, 0};

    /* Both: a core that is piped to a collector heeds no limit. */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)umask(077);
}

void ts_process_stay_small(void) {
    enum { LARGE_BYTES = 64 * 1024 };

    (void)mallopt(M_ARENA_MAX, 1);
    /* Set, it no longer grows with the blocks that are freed. */
    (void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    (void)mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
}

/* A segment that cannot be written is what its file says: nothing is lost. */
static int drop_segments(struct dl_phdr_info *object, size_t size, void *arg) {
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    (void)size;
    (void)arg;
    for (unsigned i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        uintptr_t start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;

        if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
            (void)madvise((void *)start, end - start, MADV_DONTNEED);
    }
    return 0;
}

void ts_process_rest(void) {
    (void)malloc_trim(0);
    (void)dl_iterate_phdr(drop_segments, NULL);
}
