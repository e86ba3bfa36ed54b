/* Any bytes as a tar file and as what each unpacker takes; members are partitioned, without poppler. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const filetypes[] = {"application/x-tar", "application/gzip", "application/x-bzip2",
                                            "application/zstd", "application/zip"};
    Error *error = partition_warm_up();
    ASSERT(!error);
    if (size == 0)
        return 0;
    fuzz_partition(partition_archive, str_of(filetypes[data[0] % ARRAY_COUNT(filetypes)]), data + 1, size - 1);
    return 0;
}
