#pragma once

// The Linux calls that Swift's Glibc module does not export.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

/// Names the calling thread; Linux keeps the first 15 bytes. `prctl` is variadic, which Swift cannot call.
void linux_set_thread_name(const char *_Nonnull name);
