/* job.h - inside the copy job: what its files share. */
#ifndef JOBS_COPY_JOB_H
#define JOBS_COPY_JOB_H

#include <stdatomic.h>

#include "jobs/copy/copy.h"
#include "jobs/copy/room.h"
#include "jobs/copy/wanted.h"
#include "jobs/old_versions.h"
#include "jobs/provider/provider_key.h"

#define STREAMED_BYTES_MAX ((uint64_t)40 * MIB) /* of an item's content in memory: the rest is in a file */

typedef enum VerifyBy { BY_NOTHING, BY_SIZE, BY_ETAG, BY_CHECKSUM } VerifyBy; /* as the option's choices */

typedef struct Copy {
    /* Fixed before the run. */
    const JobEnv *env;
    Place source;
    Buffer folder_text; /* of the keys that are meant: "a/b/"; "" for a whole bucket or directory */
    bool single;        /* the source is one object, whose key is `folder_text` */
    size_t key_base;    /* bytes of a source's key before its relative part */
    Store *target;
    Str target_url;    /* as the user gave it */
    Buffer own_prefix; /* of keys that are the target's, where it lies in the source */
    bool source_local, target_local;
    bool other_settings;         /* the target is asked with settings of its own ... */
    StoreOptions target_options; /* ... which are these */
    KeyFilter *filter;
    ProviderMap *providers; /* NULL: keys stay as they are */
    MetadataMode mode;
    VerifyBy verify;
    struct {
        bool size, mtime, etag;
    } compare;
    bool sync_metadata, force, dry_run, differences;
    StrList required;
    uint64_t multipart_from_bytes;
    Buffer state_dir;
    const char *scratch[SCRATCH_DIRECTORIES];

    bool streams; /* all content passes through this machine, and the items' sizes say so */
    Room room;    /* ... and otherwise for items whose content does all the same */

    /* Planner. */
    uint64_t seen;
    uint64_t manifests; /* data manifests among them that go to another bucket */

    /* Any thread. */
    _Atomic uint64_t copied, rewritten, lacking;
    _Atomic uint64_t under_way_bytes; /* of items that have not ended */
    OldVersions old;                  /* at the target, of rewritten metadata */
    _Atomic uint64_t plain;           /* copies that could be made by what the listing says */
    atomic_bool
        looks_at_source;     /* the buckets' settings or a sample have shown that the listing is not enough here ... */
    atomic_bool tags_untold; /* that tags cannot be read has been said */
    atomic_bool replaces;    /* ... and that the server's copy loses headers or metadata, which are given to it */
} Copy;

typedef enum TargetState { TARGET_UNKNOWN, TARGET_ABSENT, TARGET_THERE } TargetState;

/* The job's part of an Item. */
typedef struct CopyItem {
    Arena *arena; /* of all texts below, and of what is asked for later */
    Str target_key;
    ObjectInfo source, target; /* as listed, and whole once `*_whole` */
    TargetState state;
    bool source_whole, target_whole;
} CopyItem;

/* What is being done with one item, on its worker's thread. */
typedef struct Work {
    Copy *copy;
    const Cancel *cancel;
    Item *item;
    CopyItem *own;
    bool plain;   /* copied by what the listing says, and not looked at ... */
    bool sampled; /* ... or looked at all the same, and compared in everything */
    bool proven;  /* the answer to the copy says that its content is the source's */

    unsigned ways;        /* that its content goes one after the other; 0: one */
    uint64_t moved_bytes; /* of its content, for progress */
} Work;

/* Planner: lists both sides, and pushes what is meant. */
MUST_USE Error *copy_plan(void *context, Plan *plan);

/* Worker: decides, and does it. */
MUST_USE Error *copy_work(void *context, Worker *worker, Item *item);

/* For progress: so much of the content has gone one of its ways. The item's thread. */
void work_moved(Work *work, uint64_t bytes);
StoreMeter work_meter(Work *work); /* tells it */

/* Fill in what the listing does not tell, once. Errors: CHANGED (the source is no more what was listed). A target that is gone becomes ABSENT. */
MUST_USE Error *work_know_source(Work *work);
MUST_USE Error *work_know_target(Work *work);

/* by_service.c: before the first object: do the buckets have what the listing does not tell of their objects? */
MUST_USE Error *copy_ask_buckets(Copy *copy, const Cancel *cancel);
/* The service's own copy. UNSUPPORTED and DENIED: it has to go through this machine. */
MUST_USE Error *work_copy_by_service(Work *work);
/* What a sample shows of the service, and mends what this copy has lost. */
MUST_USE Error *work_check_sample(Work *work, const ObjectInfo *target);
/* How the target may be written: only if it is what was found. */
void work_choose_put(const Work *work, PutMode *ret_mode, Str *ret_if_etag);

/* move.c: content and metadata, within the service where it can, else through this machine. */
MUST_USE Error *work_copy(Work *work);
MUST_USE Error *work_rewrite_metadata(Work *work);
/* Both sides' tags are equal, as far as the services say how many there are; of as many that may not be read, one warning a run. */
MUST_USE Error *work_tags_equal(Work *work, bool *ret_equal);
/* "tags 'BEFORE' -> 'AFTER'" where a copy would change them. */
MUST_USE Error *work_append_tag_difference(Work *work, Buffer *out);
/* The result against the source, by --verify. */
MUST_USE Error *work_verify(Work *work);

/* Content by its ETags or checksums: proven equal, proven different, or neither. Both sides are known whole where `whole`. */
typedef enum Sameness { SAME, DIFFERENT, UNPROVEN } Sameness;
Sameness copy_same_by_etag(const Copy *copy, const ObjectInfo *a, const ObjectInfo *b, bool whole);
Sameness copy_same_by_checksum(const ObjectInfo *a, const ObjectInfo *b);

#endif
