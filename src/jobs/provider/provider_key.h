/* provider_key.h - the media title and the provider that a key names, and the key with its provider put in. Source: spec/impresso.md 4.3-4.5. */
#ifndef JOBS_PROVIDER_PROVIDER_KEY_H
#define JOBS_PROVIDER_PROVIDER_KEY_H

#include "base/buffer.h"
#include "jobs/provider/provider_map.h"

/* What add-provider does with a key. */
typedef enum KeyKind {
    KEY_PARTITION, /* the partition itself */
    KEY_FOLDER,    /* another folder marker */
    KEY_OTHER,     /* not ".jsonl.bz2", ".txt" or ".jsonl.bz2.log.gz", or a description of topics */
    KEY_DATA,
} KeyKind;
KeyKind key_kind(Str key, Str partition);

typedef struct MediaTitle {
    Str alias;    /* in `scratch` of key_media_title */
    Str provider; /* of the map, or as  */
    bool in_path; /* the key has its provider already */
} MediaTitle;

/* `scratch` holds the key without its partition, which the result points into. Errors: INVALID (no alias at its place, an alias that is unknown or
 * disabled). */
MUST_USE Error *key_media_title(const ProviderMap *map, Str key, Str partition, Buffer *scratch, MediaTitle *ret_title);

/* Appends the key with the provider behind `partition`, which `to_partition` replaces. Both without a slash at the end, as key_partition makes them. */
MUST_USE Error *key_with_provider(Str key, Str partition, Str to_partition, const MediaTitle *title, Buffer *out);

/* Without its trailing slashes. */
Str key_partition(Str path);

#endif
