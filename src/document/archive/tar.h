/* tar.h - the members of a tar file in memory. Sources: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Extended Header"; GNU tar manual,
 * "Basic Tar Format". A name is data, never a path; nothing says of a link where it leads. */
#ifndef DOCUMENT_ARCHIVE_TAR_H
#define DOCUMENT_ARCHIVE_TAR_H

#include "base/arena.h"
#include "base/reader.h"

/* What a member is, as far as anybody here cares. */
typedef enum TarKind {
    TAR_FILE,
    TAR_SPARSE, /* a file with holes, whose content is not read */
    TAR_OTHER   /* a folder, a link, a device */
} TarKind;

typedef struct TarMember {
    Str name; /* UTF-8, in the arena */
    TarKind kind;
    Bytes content; /* points into the input */
} TarMember;

typedef struct TarReader {
    Reader in;
    Arena *arena; /* of names */
} TarReader;

/* Whether a tar file begins here, by the checksum of its first header. */
bool tar_begins(Bytes input);

/* The next member; `*ret_more` false at the end. Errors: CORRUPT with the offset, LIMIT, NO_MEMORY. */
MUST_USE Error *tar_next(TarReader *tar, TarMember *ret_member, bool *ret_more);

#endif
