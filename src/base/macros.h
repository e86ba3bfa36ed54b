/* macros.h - attributes, cleanup, assertion, checked sizes. */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>

#define MUST_USE __attribute__((warn_unused_result))
#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define PRINTF_LIKE(format_index, first_index) __attribute__((format(printf, format_index, first_index)))
#define RETURNS_NONNULL __attribute__((returns_nonnull))
#define NORETURN __attribute__((noreturn))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* Our own mistakes end the program, in release builds too. Input, networks and disks never trip one. */
NORETURN void assert_failed(const char *condition, const char *file, int line);
#define ASSERT(condition)                                                                                              \
    do {                                                                                                               \
        if (UNLIKELY(!(condition)))                                                                                    \
            assert_failed(#condition, __FILE__, __LINE__);                                                             \
    } while (0)

/* Defines `x_freep`, which CLEANUP wants: it gets the address of the variable. */
#define DEFINE_FREEP(type, free_function)                                                                              \
    __attribute__((unused)) static inline void free_function##p(type **object)                                         \
    {                                                                                                                  \
        free_function(*object);                                                                                        \
    }

/* For CLEANUP on plain memory and descriptors. */
void cleanup_free(void *pointer_address);
void cleanup_close(int *fd); /* -1 is allowed */

#endif
