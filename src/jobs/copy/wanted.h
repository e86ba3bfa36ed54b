/* wanted.h - what an object's copy is to carry beside its content, and how that differs from what it carries.
 * Source: spec/impresso.md 5.1 and 5.2. */
#ifndef JOBS_COPY_WANTED_H
#define JOBS_COPY_WANTED_H

#include "store/store.h"

typedef enum MetadataMode {
    METADATA_VERBATIM,
    METADATA_RCLONE,
    METADATA_NONE
} MetadataMode; /* as the option's choices */

typedef struct Wanted {
    ObjectHeaders headers;
    Metadata metadata;
} Wanted;

/* What a copy of `from` is to have. VERBATIM: all of it. RCLONE: what `rclone copy --metadata` sends: `md5chksum` left out, `mtime` and `btime`
 * put in, the headers that it knows. NONE: the headers without which the content cannot be read. Strings live in `arena` and `from`. */
MUST_USE Error *wanted_of(const ObjectInfo *from, MetadataMode mode, Arena *arena, Wanted *ret_wanted);
/* Without what one service alone can mean: keys of encryption, locks. */
void wanted_for_another_service(Wanted *wanted);

/* Has `has` all of it and nothing else? `local`: a directory holds it, which keeps the content's headers only. Storage class, encryption and locks are not
 * compared: the service changes them by itself. */
bool wanted_equals(const Wanted *wanted, const ObjectInfo *has, bool local);
/* Appends "name 'before' -> 'after', ..." for each that differs; `has` NULL: nothing is there. */
MUST_USE Error *wanted_append_differences(const Wanted *wanted, const ObjectInfo *has, bool local, Buffer *out);

/* Appends the names, "cache-control, foo", of what is wanted and `has` lacks or says otherwise; what it has beyond that is no loss, nor is the metadata
 * `except`. */
MUST_USE Error *wanted_append_losses(const Wanted *wanted, const ObjectInfo *has, Str except, Buffer *out);

/* Nanoseconds since the Unix epoch of rclone's `mtime`: seconds as a decimal number with up to 9 decimals. False for anything else. */
bool mtime_parse(Str text, int64_t *ret_ns);
enum { MTIME_TEXT_BYTES = 32 };
Str mtime_text(int64_t ns, char out[MTIME_TEXT_BYTES]);

#endif
