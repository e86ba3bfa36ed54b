/* zip_reader.h - the members of a zip file in memory, by name: Office files, EPUB, ODT, archives. One thread.
 *
 * By libzip, out of memory: it opens no file and writes none. How many members and directories there can be is counted before it may take
 * memory for them. Stored and deflated members are read; other methods are refused by name, also those that libzip knows. It makes dates
 * of local time: where files cannot be opened, TZ must be set and tzset() have run (sandbox/serve.c does).
 * Sources: APPNOTE 6.3.10; RFC 1951; spec/security.md 4.3 for the limits. */
#ifndef DOCUMENT_ZIP_READER_H
#define DOCUMENT_ZIP_READER_H

#include "base/buffer.h"
#include "document/partition.h"

typedef struct ZipReader ZipReader;

/* `input` and `expansion` must outlive the reader. A zip behind other bytes is found too. Errors: CORRUPT (no zip, cut off, a name that is said
 * to be UTF-8 and is not), LIMIT (more members than `expansion` has left, those of stored zips in it included), NO_MEMORY. */
MUST_USE Error *zip_reader_new(Bytes input, Expansion *expansion, ZipReader **ret_reader);
void zip_reader_free(ZipReader *reader); /* NULL is allowed */
DEFINE_FREEP(ZipReader, zip_reader_free)

size_t zip_reader_count(const ZipReader *reader);
/* UTF-8, zero bytes in it are spaces; lives as long as the reader. Never a path: a name may hold "..", a leading slash, anything. Names that are
 * neither UTF-8 nor said to be are code page 437's. Folders end in "/". */
Str zip_reader_name(const ZipReader *reader, size_t index);
/* Whether there is a member `name`, exactly or but for the case of its letters, and which: of several the last. */
bool zip_reader_find(const ZipReader *reader, Str name, size_t *ret_index);

/* Appends a member's content to `out`, taking it from the expansion's budget before memory is taken for it. What the member says of its size
 * is its bound: one with more in it is corrupt. Errors: LIMIT naming which; CORRUPT (checksum, size, cut off); UNSUPPORTED (encrypted,
 * method); NO_MEMORY. On failure `out` holds what it held before. */
MUST_USE Error *zip_reader_read(ZipReader *reader, size_t index, Buffer *out);
/* By name. Errors: NOT_FOUND besides. */
MUST_USE Error *zip_reader_read_name(ZipReader *reader, Str name, Buffer *out);

#endif
