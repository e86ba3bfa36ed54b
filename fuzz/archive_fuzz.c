/* Any bytes as a tar file, with the checksums of its headers put right, and as what each unpacker takes; members are partitioned, without
 * poppler. */
#include <stdio.h>

#include "document/detect.h"
#include "partition_fuzz.h"

Error *partition_pdf(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                     Elements *elements)
{
    (void)input;
    (void)options;
    (void)watch;
    (void)elements;
    return FAIL(UNSUPPORTED, "unsupported type: " STR_FMT, STR_ARG(filetype));
}

enum { TAR_BLOCK = 512, TAR_CHECKSUM_AT = 148, TAR_CHECKSUM_BYTES = 8, TAR_MAGIC_AT = 257 };

/* The checksum of every block that says "ustar": no fuzzer would guess it. */
static void mend_checksums(Buffer *tar)
{
    for (size_t at = 0; at + TAR_BLOCK <= tar->len; at += TAR_BLOCK) {
        uint8_t *block = tar->data + at;
        if (!str_equal(str_from(block + TAR_MAGIC_AT, 5), STR("ustar")))
            continue;
        unsigned sum = 0;
        char text[TAR_CHECKSUM_BYTES + 1];
        memset(block + TAR_CHECKSUM_AT, ' ', TAR_CHECKSUM_BYTES);
        for (size_t i = 0; i < TAR_BLOCK; i++)
            sum += block[i];
        snprintf(text, sizeof text, "%06o", sum);
        memcpy(block + TAR_CHECKSUM_AT, text, TAR_CHECKSUM_BYTES - 1); /* the last one stays a space */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const filetypes[] = {"application/x-tar", "application/gzip", "application/x-bzip2",
                                            "application/zstd", "application/zip"};
    CLEANUP(buffer_done) Buffer tar = {0};
    Error *error = partition_warm_up();
    ASSERT(!error);
    if (size == 0)
        return 0;
    Bytes input = bytes_from(data + 1, size - 1);
    if (data[0] % ARRAY_COUNT(filetypes) == 0) {
        error_free(buffer_append_str(&tar, bytes_str(input)));
        mend_checksums(&tar);
        input = buffer_bytes(&tar);
    }
    fuzz_partition(partition_archive, str_of(filetypes[data[0] % ARRAY_COUNT(filetypes)]), input.data, input.len);
    return 0;
}
