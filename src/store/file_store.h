/* file_store.h - a directory as a store: keys are paths below it, objects are files.
 *
 * A put writes ".NAME.RANDOM.part" beside the final name, flushes it (StoreOptions.sync), and renames. An ETag is made of the
 * file's time of change, size and inode. Symbolic links below the root are never followed and never listed. A key that ends in a
 * slash makes a directory when it is empty, and cannot have content. A URL that names a regular file opens its directory with
 * the file's name as the prefix, and nothing but this file is listed. */
#ifndef STORE_FILE_STORE_H
#define STORE_FILE_STORE_H

#include "store/options.h"
#include "store/store.h"

/* Errors: NO_MEMORY, INVALID. */
MUST_USE Error *file_store_new(Str path, const StoreOptions *options, Store **ret_store);

#endif
