/* download_file.h - the temporary file that a download fills, from its creation to its final name. One thread at a time. */
#ifndef STORE_DOWNLOAD_FILE_H
#define STORE_DOWNLOAD_FILE_H

#include "base/buffer.h"
#include "store/checksum.h"
#include "store/file_dirs.h"
#include "store/file_path.h"

typedef struct DownloadFile {
    FileDirs *dirs;
    FileDir *dir;            /* NULL: nothing is open */
    char name[NAME_MAX + 1]; /* the final one; "": it is a directory, and there is no file */
    char temp[NAME_MAX + 1]; /* "": not on disk (any more), as the next */
    char state[NAME_MAX + 1];
    int fd, state_fd; /* -1: closed */
} DownloadFile;

/* Finds and makes the directory of `path`, below the root of `dirs`. Errors: INVALID (no file can have the path), DENIED (a link in
 * the way), NO_SPACE; download_file_done in every case. */
MUST_USE Error *download_file_init(DownloadFile *file, FileDirs *dirs, Str path, bool escape);
/* Closes; what is on disk stays. Copes with a zeroed one that had download_file_init. */
void download_file_done(DownloadFile *file);

/* A new temporary file for `size_bytes`, named with `number`. Errors: NO_SPACE (seen before anything is transferred), DENIED. */
MUST_USE Error *download_file_create(DownloadFile *file, uint32_t number, uint64_t size_bytes);
/* The one of an earlier run with this number and its record, or new ones; `*ret_found` tells. They are locked while they are open. Errors: as before;
 * LOCKED (another process is at it). */
MUST_USE Error *download_file_continue(DownloadFile *file, uint32_t number, uint64_t size_bytes, bool *ret_found);

MUST_USE Error *download_file_write(DownloadFile *file, uint64_t offset_bytes, Bytes data);
/* What the record says; and: empties it, for a beginning from the first byte. */
MUST_USE Error *download_file_read_record(const DownloadFile *file, Buffer *out);
MUST_USE Error *download_file_reset_record(DownloadFile *file);
/* Appends to the record. */
MUST_USE Error *download_file_note(DownloadFile *file, Bytes line);
/* The checksum of a piece that is in the file; and: adds a piece to one that was begun. Errors: CORRUPT (the file ends before). */
MUST_USE Error *download_file_checksum(const DownloadFile *file, uint64_t offset_bytes, uint64_t length_bytes,
                                       ChecksumKind kind, Checksum *ret_checksum);
MUST_USE Error *download_file_digest(const DownloadFile *file, uint64_t offset_bytes, uint64_t length_bytes,
                                     ChecksumState *state);
/* Starts writing a piece to the disk and, with `drop`, waits for that and lets the system forget it: a file larger than memory should not push
 * everything else out of it. */
void download_file_write_back(const DownloadFile *file, uint64_t offset_bytes, uint64_t length_bytes, bool drop);
/* Closes it, and with it the lock; it can still be published or removed. */
void download_file_close(DownloadFile *file);
/* All is written: gives it its time (0: leaves that alone) and closes it. Errors: NO_SPACE. */
MUST_USE Error *download_file_settle(DownloadFile *file, int64_t modified_us);

/* Its data is on disk. */
MUST_USE Error *download_file_sync(const DownloadFile *file);
/* Renames it and removes the record. Errors: INVALID (a directory has the name). */
MUST_USE Error *download_file_publish(DownloadFile *file);
/* Removes what is on disk. */
void download_file_remove(DownloadFile *file);

#endif
