#pragma once

// The Linux calls that Swift's Glibc module does not export.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <stdbool.h>
#include <stddef.h>

/// Names the calling thread; Linux keeps the first 15 bytes. `prctl` is variadic, which Swift cannot call.
void linux_set_thread_name(const char *_Nonnull name);

/// The symbol of an error number, such as "EADDRINUSE"; null when the C library does not know it.
const char *_Nullable linux_error_name(int code);

/// How many CPUs the scheduler may run this process on, or 0 when it does not say. `CPU_COUNT` is a macro.
int linux_affinity_count(void);

/// `accept4` without the peer's address: a descriptor that does not block and does not survive exec, or -1.
int linux_accept(int listener);

/// Where `needle` first begins in `bytes` (`memmem`); null when it does not.
const void *_Nullable linux_find(const void *_Nonnull bytes, size_t count, const void *_Nonnull needle,
                                 size_t needle_count);

/// Gives memory that was freed back to the system (malloc_trim(3)).
void linux_release_freed(void);

/// Keeps the allocator to two arenas, and large blocks out of them, so that what is freed goes back to the system.
void linux_bound_allocator(void);

/// A new file of `folder` that has no name, to write to (`O_TMPFILE`, which needs `_GNU_SOURCE`); -1 where there is no such thing.
int linux_open_nameless(const char *_Nonnull folder);

/// Whether the kernel knows that something keeps its clock right (adjtimex(2)): 1, 0, or -1 when it does not say.
int linux_clock_is_synchronized(void);

/// Gives a file or folder a name that nothing has (EEXIST), or changes two names for each other, in one step (renameat2, which
/// needs `_GNU_SOURCE`); 0, or -1. EINVAL where the file system has no such thing.
int linux_rename(const char *_Nonnull source, const char *_Nonnull target, bool exchanging);
