/* foresight.h - the files of the last run looked at before the listing names them.
 *
 * The first pages of a listing take several answers of the server, while this process would wait. In an unchanged dataset the local manifest
 * tells what will be listed, in which order: so its files are looked at meanwhile, and an object that comes as foreseen costs no
 * system call any more. What comes otherwise is looked at when it comes; the first that comes before it was foreseen ends the
 * foreseeing. Reads only the manifest's own plain text (as manifest_local_write makes it, names without escapes), up to some
 * 250,000 files. Two threads: one foresees, one takes. */
#ifndef JOBS_FETCH_FORESIGHT_H
#define JOBS_FETCH_FORESIGHT_H

#include "jobs/fetch/dataset.h"

typedef struct Foresight Foresight;

/* NULL: out of memory. */
Foresight *foresight_new(void);
void foresight_free(Foresight *foresight); /* after both threads are done with it */
DEFINE_FREEP(Foresight, foresight_free)

/* On the one thread: looks at file after file of the dataset's manifest, until its end, its first oddity, or foresight_end. What cannot
 * be read or looked at is nothing foreseen: whoever needs it says why. */
void foresight_look(Foresight *foresight, Dataset *dataset);

/* On the other, for each object in the order of the listing: true when what lies under its name is known. */
bool foresight_take(Foresight *foresight, Str name, uint64_t size_bytes, FileState *ret_state);
/* Nothing more is asked; foresight_look ends soon. */
void foresight_end(Foresight *foresight);

/* When both are done: the names and sizes taken so far are, in their order, all that the manifest says, byte for byte. */
bool foresight_was_whole(const Foresight *foresight);

#endif
