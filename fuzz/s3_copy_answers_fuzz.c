/* What an S3 server says of copies, tags and checksums. What is accepted comes out the same when it is read again. */
#include "store/s3/copy_parts.h"
#include "store/s3/tags.h"

static void read_tags(Str text, Arena *arena)
{
    Str tags, again;
    Error *error = s3_tags_read(text, arena, &tags);
    if (!error) {
        error = s3_tags_normalise(tags, arena, &again);
        ASSERT(!error);
        ASSERT(str_equal(tags, again));
    }
    error_free(error);
    error = s3_tags_normalise(text, arena, &tags);
    if (!error) {
        error = s3_tags_normalise(tags, arena, &again);
        ASSERT(!error);
        ASSERT(str_equal(tags, again));
    }
    error_free(error);
}

static void read_checksums(Str text)
{
    Checksum checksum, again;
    char out[CHECKSUM_TEXT_MAX_BYTES + 8];
    for (ChecksumKind kind = CHECKSUM_NONE; kind <= CHECKSUM_SHA256; kind++) {
        if (!checksum_parse(kind, text, &checksum))
            continue;
        checksum_text(&checksum, out);
        ASSERT(checksum_parse(kind, str_of(out), &again));
        ASSERT(checksum_equal(&checksum, &again));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const roots[] = {"CopyObjectResult", "CopyPartResult", "CompleteMultipartUploadResult"};
    CLEANUP(arena_freep) Arena *arena = arena_new(8 * MIB);
    Str text = str_from(size ? (const char *)data : "", size);
    for (size_t i = 0; i < ARRAY_COUNT(roots); i++) {
        S3CopyAnswer answer;
        Error *error = s3_copy_answer(text, str_of(roots[i]), arena, &answer);
        ASSERT(error || answer.etag.len > 0);
        error_free(error);
    }
    read_tags(text, arena);
    read_checksums(text);
    return 0;
}
