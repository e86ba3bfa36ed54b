/* verdicts.h - which documents nobody here can read (a type that is not supported, a password, a picture without OCR), as earlier runs found, so
 * that no run fetches them again for nothing.
 *
 * A verdict is about one version of an object, key and ETag, and about what judged it: options, rules, parser. An object without an ETag gets none.
 * They are kept in JOURNAL.verdicts, JSON lines under the journal's lock, without keys; the last about a document counts. It is a cache: lines that
 * are not understood are passed over, and a file that has grown too large begins anew. Any number of threads. */
#ifndef JOBS_INGEST_VERDICTS_H
#define JOBS_INGEST_VERDICTS_H

#include "base/buffer.h"
#include "base/error.h"
#include "store/store.h"

typedef struct Verdicts Verdicts;

/* Reads what earlier runs left. `journal_path` "": remembers nothing. `judge` is copied: what tells verdicts of other options, or of another parser.
 * Errors: NO_MEMORY, those of the file system. */
MUST_USE Error *verdicts_new(const char *journal_path, Str judge, Verdicts **ret_verdicts);
void verdicts_free(Verdicts *verdicts); /* NULL is allowed */
DEFINE_FREEP(Verdicts, verdicts_free)

/* Why it cannot be read, as long as `verdicts`; "" when nobody has said so. */
Str verdicts_find_view(Verdicts *verdicts, const ObjectInfo *document);
/* It cannot be read, for this `reason`, as people may see it; "": it can after all. */
MUST_USE Error *verdicts_put(Verdicts *verdicts, const ObjectInfo *document, Str reason);

#endif
