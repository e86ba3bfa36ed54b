/* ole_reader.h - the storages and streams of an OLE compound file in memory: legacy Office files, Outlook messages. One thread.
 *
 * A sector belongs to one stream: one that a second stream, or the same one again, leads to is CORRUPT. So loops end, and all
 * streams together take no more time and memory than the file has bytes.
 * Source: [MS-CFB] 2.1-2.6; spec/security.md 4.3 for the limits. */
#ifndef DOCUMENT_OLE_READER_H
#define DOCUMENT_OLE_READER_H

#include "base/error.h"
#include "base/str.h"

typedef struct OleReader OleReader;

enum { OLE_ROOT = 0 }; /* the entry that has all others below it */
#define OLE_NONE UINT32_MAX

typedef struct OleEntry {
    Str name;                           /* UTF-8; never a path: it may hold anything. Lives as long as the reader */
    bool is_storage;                    /* or a stream */
    uint32_t first_child, next_sibling; /* OLE_NONE: none; in no particular order */
    uint64_t size_bytes;                /* as the file claims */
} OleEntry;

/* `input` must outlive the reader. The directory is read, streams are not yet. Errors: CORRUPT (no compound file, cut off, tables or
 * directory that loop), LIMIT, NO_MEMORY. */
MUST_USE Error *ole_reader_new(Bytes input, OleReader **ret_reader);
void ole_reader_free(OleReader *reader); /* NULL is allowed */
DEFINE_FREEP(OleReader, ole_reader_free)

/* The entry `index`, which a find or another entry gave. */
const OleEntry *ole_reader_entry(const OleReader *reader, uint32_t index);

/* The entry `path` below the storage `storage`: names with `/` between, exactly or but for the case of ASCII letters. */
bool ole_reader_find(const OleReader *reader, uint32_t storage, Str path, uint32_t *ret_index);

/* The content of a stream, in the input or the reader: it lives as long as the shorter of the two. May be asked again.
 * Errors: CORRUPT (cut off, shorter than its size, shares sectors), INVALID (a storage), LIMIT, NO_MEMORY. */
MUST_USE Error *ole_reader_stream(OleReader *reader, uint32_t index, Bytes *ret_bytes);
/* By path. Errors: NOT_FOUND besides. */
MUST_USE Error *ole_reader_stream_at(OleReader *reader, uint32_t storage, Str path, Bytes *ret_bytes);

#endif
