/* job.h - inside the ingest job: what its files share. */
#ifndef JOBS_INGEST_JOB_H
#define JOBS_INGEST_JOB_H

#include "document/element_json.h"
#include "jobs/ingest/company.h"
#include "jobs/ingest/ingest.h"
#include "jobs/ingest/parser.h"
#include "jobs/ingest/quarantine.h"
#include "jobs/ingest/shards.h"
#include "jobs/ingest/verdicts.h"

typedef enum OutputFormat { OUTPUT_JSON, OUTPUT_NDJSON, OUTPUT_PARQUET } OutputFormat; /* as the option's choices */

/* Constant once the run has begun, but for what is marked. */
typedef struct Ingest {
    const JobEnv *env;
    const IngestRoles *roles;
    Place source;
    Store *output;    /* NULL with a writer of the caller's, or --download-only */
    Store *downloads; /* NULL: documents pass through memory alone */
    bool keep_downloads, read_downloads;
    KeyFilter *filter;
    Buffer own_prefix_text; /* of keys that are our own output, when the target lies in the source */
    Str own_prefix;
    DocumentParser *parser; /* NULL with a processor of the caller's, as the next three */
    Company *company;       /* of documents in parsers: one that has killed its parser is parsed alone */
    Quarantine *quarantine;
    Verdicts *verdicts;
    _Atomic uint64_t left_unread; /* documents that a verdict spoke of; workers */
    OutputFormat format;
    Shape shape;
    char options_hash[SHAPE_HASH_BYTES]; /* of what makes other elements of the same document */
    bool relative_names, force, dry_run;
    uint64_t document_max_bytes;
    Shards *shards;    /* parquet: commit thread; its list of done documents: planner */
    StoreBatch *batch; /* --download-only: the one thread that downloads, as `ready` */
    struct Document *ready;
    uint64_t matched;                /* planner, as the next two */
    uint64_t left_out[KEY_VERDICTS]; /* objects, by what left them out */
    uint64_t no_documents;           /* markers of folders, outputs of our own */
    Buffer state_dir;
    const char *scratch[SCRATCH_DIRECTORIES]; /* for outputs too large for memory */
} Ingest;

/* The job's part of an Item. */
typedef struct Document {
    ObjectInfo info; /* texts live in `arena` */
    Str part;        /* why its output has not all of it; "": there is none, or it is not looked at yet */
    bool stays;      /* what is there already is all there will be: nothing is to be written */
    Arena *arena;
    Elements elements; /* what waits for the commit thread */
    DocumentInfo about;
    /* --download-only */
    StoreFetch fetch;
    struct Document *next_ready; /* those that needed no request */
    Item *item;
} Document;

/* Planner: lists the source and pushes what is meant. */
MUST_USE Error *ingest_plan(void *context, Plan *plan);
void ingest_clear(void *context, Item *item);

/* Writes the document's JSON below its output's key, "<key>.json". `part`: as ingest_part_text says; "": it is all of the document. */
MUST_USE Error *ingest_put_json(const Ingest *ingest, const Cancel *cancel, const Document *document, Str part);
/* Is its output there? One that is not empty is done, whoever wrote it; unless it is of another version of the document, or of other
 * options. `*ret_part`: the reason where it is of a part; in the document's arena. */
MUST_USE Error *ingest_has_json(const Ingest *ingest, const Cancel *cancel, const Document *document,
                                OutputState *ret_state, Str *ret_part);

/* Why an output has not all of its document, as the output itself keeps it: the error's code and message in printable ASCII, bounded. */
MUST_USE Error *ingest_part_text(const Error *error, Buffer *out);
/* The error again; never NULL. */
MUST_USE Error *ingest_part_error(Str text);
/* Whether the download directory has a copy that is not empty and not older than the object: what was copied before the object changed is
 * another version. */
MUST_USE Error *ingest_has_copy(const Ingest *ingest, const Cancel *cancel, const Document *document, bool *ret_has);
/* GET with the listing's ETag, or the local copy. */
MUST_USE Error *ingest_read(const Ingest *ingest, const Cancel *cancel, const Document *document, Buffer *body);
/* A download's key may not leave the directory; where it goes is `<download-dir>/<key>`. */
MUST_USE Error *ingest_keep_download(const Ingest *ingest, const Cancel *cancel, const Document *document, Bytes body);
void ingest_drop_download(const Ingest *ingest, const Cancel *cancel, Str key);

/* The whole URL of a key of the source. */
MUST_USE Error *ingest_url(const Ingest *ingest, Str key, Buffer *out);

extern const Job ingest_job;          /* documents to outputs */
extern const Job ingest_download_job; /* --download-only */

#endif
