/* lock.h - a process that gives up everything but computing. Worker side only. */
#ifndef SANDBOX_LOCK_H
#define SANDBOX_LOCK_H

#include <stdint.h>
#include <sys/types.h>

#include "base/macros.h"

/* Address sanitizer and its relatives map terabytes of shadow and call the kernel more than a parser does. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LOCK_SANITIZED 1
#endif
#endif
#ifndef LOCK_SANITIZED
#define LOCK_SANITIZED 0
#endif

typedef struct LockLimits {
    uint64_t memory_max_bytes; /* address space */
    uint64_t cpu_max_s;        /* SIGXCPU; SIGKILL 5 s later */
    unsigned descriptors_max;  /* those below are kept, none can be added */
    int data_fd, errors_fd;    /* the only ones that may be read (data) and written (both) */
} LockLimits;

typedef struct LockResult {
    uint32_t layers; /* of Layer: what the kernel really took */
    uint32_t landlock_abi;
} LockResult;

/* Applies every layer the kernel has, for good, in the order each needs. The process must have one thread and is
 * expected to have closed what it does not need. Never fails: what is missing in the result is missing. */
LockResult lock_process(const LockLimits *limits);

#endif
