/* quern/arrow.h - the Arrow C data and stream interfaces, as the Arrow columnar format specification defines them.
 *
 * Tables go in and out of quern in these structures. The guard macros are the specification's: a program that includes
 * another project's copy of the same definitions keeps one of them. Whoever holds a structure calls its `release` once;
 * a released structure has `release` NULL. */
#ifndef QUERN_ARROW_H
#define QUERN_ARROW_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    /* what the type is */
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;

    /* how it is released */
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    /* the data */
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;

    /* how it is released */
    void (*release)(struct ArrowArray *);
    void *private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
    /* 0 or an errno value; the schema is the caller's */
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    /* 0 or an errno value; the array is the caller's, a released one marks the end */
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    /* why the last call failed, until the next call; NULL when nothing is known */
    const char *(*get_last_error)(struct ArrowArrayStream *);

    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

#ifdef __cplusplus
}
#endif

#endif
