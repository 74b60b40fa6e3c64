#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <unistd.h>

void linux_set_thread_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

const char *linux_error_name(int code) { return strerrorname_np(code); }

int linux_affinity_count(void) {
    // The kernel refuses a set smaller than its own; grow until it fits.
    for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (!set) return 0;
        const size_t size = CPU_ALLOC_SIZE(cpus);
        const int failed = sched_getaffinity(0, size, set);
        const int count = failed ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (!failed) return count;
    }
    return 0;
}

int linux_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

const void *linux_find(const void *bytes, size_t count, const void *needle, size_t needle_count) {
    return memmem(bytes, count, needle, needle_count);
}

void linux_release_freed(void) { malloc_trim(0); }

void linux_bound_allocator(void) {
    // One for each thread that may run at once, and one for those that wait: fewer would have them wait for each other.
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    mallopt(M_ARENA_MAX, processors < 1 ? 2 : processors > 7 ? 8 : (int)processors + 1);
    mallopt(M_MMAP_THRESHOLD, 256 * 1024);
    mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
}

int linux_open_nameless(const char *folder) { return open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644); }

int linux_clock_is_synchronized(void) {
    struct timex clock = {0};
    const int state = adjtimex(&clock);
    if (state < 0) return -1;
    return state != TIME_ERROR && !(clock.status & STA_UNSYNC);
}

int linux_rename(const char *source, const char *target, bool exchanging) {
    return renameat2(AT_FDCWD, source, AT_FDCWD, target, exchanging ? RENAME_EXCHANGE : RENAME_NOREPLACE);
}
