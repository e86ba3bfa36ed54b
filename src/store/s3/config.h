/* config.h - the settings of an S3 store, found once when it is opened: options, environment, profile, default (spec/s3.md 2.1).
 *
 * Who asks is another matter, of identity.h, and found at the first request. */
#ifndef STORE_S3_CONFIG_H
#define STORE_S3_CONFIG_H

#include "store/options.h"

/* When a checksum that nobody must have is sent, or verified. */
typedef enum ChecksumWish { CHECKSUM_WHEN_SUPPORTED, CHECKSUM_WHEN_REQUIRED } ChecksumWish;

typedef struct S3Config {
    Str endpoint_url; /* "": AWS */
    Str region;
    bool region_chosen; /* by the user; else the default */
    Str ca_file;        /* "": the system's */
    StoreAddressing addressing;
    bool dualstack, fips, accelerate; /* of AWS's own hosts */
    unsigned attempts_max;            /* 0: nothing said */
    ChecksumWish request_checksum, response_checksum;
    ChecksumKind checksum_chosen; /* of what is written, whatever the two say; NONE: nobody chose */

    /* What the profile's `s3` block says to aws-cli about transfers; 0: nothing. */
    unsigned concurrent_requests_max;
    uint64_t multipart_threshold_bytes, multipart_part_bytes;
    uint64_t bandwidth_max_bytes_s;
} S3Config;

/* Text lives in `arena`. Errors: INVALID (a malformed file with its line, an unknown profile, a value that cannot be, a CA file that
 * cannot be read). */
MUST_USE Error *s3_config_load(const StoreOptions *options, Arena *arena, S3Config *ret_config);

#endif
