// Runs many short jobs on thread pools. What the tasks write is plain memory, handed from job to job and from thread to
// thread, so that under ThreadSanitizer every way into and out of a job must order it.
#define _GNU_SOURCE
#include "kernels.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { most_threads = 5, most_tasks = 23 };

static atomic_int failures;

/// What one job works on. `runs` belongs to the tasks, `load` to the threads, a cache line each.
typedef struct {
    size_t runs[most_tasks];
    struct {
        _Alignas(64) size_t tasks;
    } load[most_threads];
    size_t threads;
} work;

static void fail(const char *what, size_t threads, size_t tasks) {
    printf("%zu threads, %zu tasks: %s\n", threads, tasks, what);
    atomic_fetch_add(&failures, 1);
}

static void count(void *context, size_t task, size_t thread) {
    work *w = context;
    if (thread >= w->threads) fail("a thread number beyond the last", w->threads, task);
    w->runs[task]++;
    w->load[thread].tasks++;
    // Tasks of unequal length, so that threads come and go in every order.
    for (volatile size_t spin = task * 40; spin > 0; spin--) continue;
}

/// Runs jobs of every size on a pool; pauses now and then until its threads sleep.
static void run_jobs(kernel_pool *pool, size_t threads, size_t jobs, unsigned seed) {
    work w = {.threads = threads};
    size_t expected[most_tasks] = {0}, total = 0;
    for (size_t job = 0; job < jobs; job++) {
        size_t tasks = (size_t)rand_r(&seed) % (most_tasks + 1);
        kernel_pool_run(pool, tasks, count, &w);
        for (size_t task = 0; task < tasks; task++) expected[task]++;
        total += tasks;
        if (job % 64 == 63) usleep(200);
    }
    for (size_t task = 0; task < most_tasks; task++)
        if (w.runs[task] != expected[task]) fail("a task did not run once", threads, task);
    for (size_t thread = 0; thread < threads; thread++) total -= w.load[thread].tasks;
    if (total != 0) fail("a task was counted on no thread or on two", threads, total);
}

/// One of several owners that have pools at the same time.
static void *own_pools(void *argument) {
    const size_t owner = (size_t)(uintptr_t)argument;
    for (size_t threads = 1; threads <= most_threads; threads++) {
        kernel_pool *pool = kernel_pool_create(threads);
        if (!pool) {
            fail("no pool", threads, 0);
            continue;
        }
        run_jobs(pool, threads, 4000, (unsigned)(owner * 100 + threads));
        kernel_pool_destroy(pool);
    }
    // Threads that are told to stop before they have started, in their first job, and asleep.
    for (size_t round = 0; round < 60; round++) {
        const size_t threads = 1 + round % most_threads;
        kernel_pool *pool = kernel_pool_create(threads);
        if (!pool) {
            fail("no pool", threads, 0);
            continue;
        }
        if (round % 3 > 0) run_jobs(pool, threads, round % 3, (unsigned)round);
        if (round % 7 == 0) usleep(500);
        kernel_pool_destroy(pool);
    }
    return NULL;
}

int main(void) {
    pthread_t owners[3];
    for (size_t i = 0; i < 3; i++)
        if (pthread_create(&owners[i], NULL, own_pools, (void *)(uintptr_t)i) != 0) return 1;
    for (size_t i = 0; i < 3; i++) pthread_join(owners[i], NULL);
    printf("pool: %d failures\n", atomic_load(&failures));
    return atomic_load(&failures) > 0;
}
