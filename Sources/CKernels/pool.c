#define _GNU_SOURCE
#include "kernels.h"
#include "pause.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// A job is open while the caller is in kernel_pool_run and tasks may be left. A thread joins an open job by raising
// the count of active threads and leaves by lowering it; the caller closes the job when no task is left and waits only
// for those that joined. So a thread that the system has not woken yet never delays a job.
//
// `state` holds the job's number (upper half), whether it is open (bit 31) and the active threads (the rest).

#define OPEN ((uint64_t)1 << 31)
#define ACTIVE (OPEN - 1)
#define SPINS 2000

struct kernel_pool {
    _Alignas(64) _Atomic uint64_t state;
    _Alignas(64) _Atomic size_t next;
    // Raised when a job opens and when the pool stops; threads sleep on it.
    _Alignas(64) _Atomic uint32_t signal;
    _Atomic uint32_t sleepers;
    _Atomic bool stops;
    // The number of the last closed job that all threads have left; the caller sleeps on it.
    _Alignas(64) _Atomic uint32_t finished;
    _Atomic bool is_caller_asleep;
    // Written by the caller while no thread is active.
    _Alignas(64) kernel_task task;
    void *context;
    size_t tasks;
    size_t workers;
    pthread_t *threads;
};

typedef struct {
    kernel_pool *pool;
    size_t thread;
} worker_start;

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static void take_tasks(kernel_pool *pool, size_t thread) {
    size_t task;
    while ((task = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) < pool->tasks)
        pool->task(pool->context, task, thread);
}

static void leave(kernel_pool *pool) {
    uint64_t state = atomic_fetch_sub(&pool->state, 1) - 1;
    if (state & (OPEN | ACTIVE)) return;
    atomic_store(&pool->finished, (uint32_t)(state >> 32));
    if (atomic_load(&pool->is_caller_asleep)) futex_wake(&pool->finished, 1);
}

/// Joins the open job unless it is the one numbered `seen`; true when it did.
static bool join(kernel_pool *pool, uint32_t *seen) {
    uint64_t state = atomic_load(&pool->state);
    while ((state & OPEN) && (uint32_t)(state >> 32) != *seen) {
        if (atomic_compare_exchange_weak(&pool->state, &state, state + 1)) {
            *seen = (uint32_t)(state >> 32);
            return true;
        }
    }
    return false;
}

static void await_signal(kernel_pool *pool, uint32_t signal) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load_explicit(&pool->signal, memory_order_relaxed) != signal) return;
        pause_briefly();
    }
    atomic_fetch_add(&pool->sleepers, 1);
    if (atomic_load(&pool->signal) == signal) futex_wait(&pool->signal, signal);
    atomic_fetch_sub(&pool->sleepers, 1);
}

static void *work(void *argument) {
    worker_start start = *(worker_start *)argument;
    free(argument);
    prctl(PR_SET_NAME, "engine", 0, 0, 0);
    kernel_pool *pool = start.pool;
    uint32_t seen = 0;
    while (true) {
        uint32_t signal = atomic_load(&pool->signal);
        if (atomic_load(&pool->stops)) return NULL;
        if (join(pool, &seen)) {
            take_tasks(pool, start.thread);
            leave(pool);
        } else {
            await_signal(pool, signal);
        }
    }
}

static bool start_worker(kernel_pool *pool) {
    worker_start *start = malloc(sizeof *start);
    if (!start) return false;
    *start = (worker_start){pool, pool->workers + 1};
    if (pthread_create(&pool->threads[pool->workers], NULL, work, start) != 0) {
        free(start);
        return false;
    }
    pool->workers++;
    return true;
}

kernel_pool *kernel_pool_create(size_t threads) {
    kernel_pool *pool = aligned_alloc(64, sizeof *pool);
    if (!pool) return NULL;
    *pool = (kernel_pool){.threads = calloc(threads, sizeof(pthread_t))};
    if (!pool->threads) {
        free(pool);
        return NULL;
    }
    while (pool->workers + 1 < threads) {
        if (!start_worker(pool)) {
            kernel_pool_destroy(pool);
            return NULL;
        }
    }
    return pool;
}

/// Waits until every thread that joined the job with this number has left it.
static void await_finish(kernel_pool *pool, uint32_t number) {
    for (int spin = 0; spin < SPINS; spin++) {
        if (atomic_load(&pool->finished) == number) return;
        pause_briefly();
    }
    atomic_store(&pool->is_caller_asleep, true);
    uint32_t finished;
    while ((finished = atomic_load(&pool->finished)) != number) futex_wait(&pool->finished, finished);
    atomic_store(&pool->is_caller_asleep, false);
}

void kernel_pool_run(kernel_pool *pool, size_t tasks, kernel_task task, void *context) {
    if (pool->workers == 0 || tasks < 2) {
        for (size_t index = 0; index < tasks; index++) task(context, index, 0);
        return;
    }
    pool->task = task;
    pool->context = context;
    pool->tasks = tasks;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    // Zero is the number that a new thread has seen.
    uint32_t number = (uint32_t)(atomic_load(&pool->state) >> 32) + 1;
    if (number == 0) number = 1;
    atomic_store(&pool->state, (uint64_t)number << 32 | OPEN);
    atomic_fetch_add(&pool->signal, 1);
    if (atomic_load(&pool->sleepers) > 0) {
        size_t helpers = tasks - 1 < pool->workers ? tasks - 1 : pool->workers;
        futex_wake(&pool->signal, (int)helpers);
    }
    take_tasks(pool, 0);
    uint64_t state = atomic_fetch_and(&pool->state, ~OPEN);
    if (state & ACTIVE) await_finish(pool, number);
}

void kernel_pool_destroy(kernel_pool *pool) {
    atomic_store(&pool->stops, true);
    atomic_fetch_add(&pool->signal, 1);
    futex_wake(&pool->signal, (int)pool->workers);
    for (size_t index = 0; index < pool->workers; index++) pthread_join(pool->threads[index], NULL);
    free(pool->threads);
    free(pool);
}
