/* Preloaded into a program: it stays readable for a test of the same user.
 * The programs forbid that (base/process.h). */
#include <linux/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libc declares the last four as "...". */
int prctl(int option, unsigned long a, unsigned long b, unsigned long c,
          unsigned long d);

int prctl(int option, unsigned long a, unsigned long b, unsigned long c,
          unsigned long d) {
    if (option == PR_SET_DUMPABLE)
        return 0;
    return (int)syscall(SYS_prctl, option, a, b, c, d);
}
