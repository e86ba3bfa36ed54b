/* Office files with a password: a compound file around a package that only the password opens. Source: [MS-OFFCRYPTO] 1.3.2. */
#include "document/partition.h"

Error *partition_encrypted(Bytes input, Str filetype, const PartitionOptions *options, const PartitionWatch *watch,
                           Elements *elements)
{
    (void)input, (void)filetype, (void)options, (void)watch, (void)elements;
    return FAIL(UNSUPPORTED, "encrypted: the file opens only with its password; save it without one");
}
