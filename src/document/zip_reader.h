/* zip_reader.h - the members of a zip file in memory, by name: Office files, EPUB, ODT, archives. On libzip. One thread.
 * Sources: APPNOTE 6.3.10; spec/security.md 4.3 for the limits. */
#ifndef DOCUMENT_ZIP_READER_H
#define DOCUMENT_ZIP_READER_H

#include "base/buffer.h"
#include "document/partition.h"

typedef struct ZipReader ZipReader;

/* `input` and `expansion` must outlive the reader. Errors: CORRUPT (no zip, or cut off), LIMIT (members), NO_MEMORY. */
MUST_USE Error *zip_reader_new(Bytes input, Expansion *expansion, ZipReader **ret_reader);
void zip_reader_free(ZipReader *reader); /* NULL is allowed */
DEFINE_FREEP(ZipReader, zip_reader_free)

size_t zip_reader_count(const ZipReader *reader);
/* As it stands in the file, UTF-8; lives as long as the reader. Never a path: a name may hold "..", a leading slash, anything. "" when it
 * cannot be told. Folders end in "/". */
Str zip_reader_name(const ZipReader *reader, size_t index);
/* Whether there is a member `name`, exactly or but for the case of its letters, and which. */
bool zip_reader_find(const ZipReader *reader, Str name, size_t *ret_index);

/* Appends a member's content to `out`, taking it from the expansion's budget: what the member says of its size is not believed, what comes
 * out is counted. Errors: LIMIT naming which; CORRUPT (checksum, cut off, unknown method); UNSUPPORTED (encrypted); NO_MEMORY. */
MUST_USE Error *zip_reader_read(ZipReader *reader, size_t index, Buffer *out);
/* By name. Errors: NOT_FOUND besides. */
MUST_USE Error *zip_reader_read_name(ZipReader *reader, Str name, Buffer *out);

#endif
