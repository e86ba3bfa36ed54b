/* shards.h - elements into Parquet files of bounded size, and which documents those files hold already.
 *
 * A shard is "part-00000.parquet" (with --shard I/N "part-I-of-N-00000.parquet"), created once and never changed. Its footer's key-value
 * "quern.documents" lists the documents it holds in the order of their keys: [key, version, options that made the rows], and for one of which not
 * all could be read the reason too. (An older program wrote key and version alone, which is taken for made as is asked for.)
 * That list is what makes them done. Since
 * every run adds in key order, the lists are merged with the listing of the source: only shards whose range of keys the plan
 * is in are held in memory. Adding belongs to the commit thread, asking to the planner. */
#ifndef JOBS_INGEST_SHARDS_H
#define JOBS_INGEST_SHARDS_H

#include "base/log.h"
#include "document/element.h"
#include "document/element_select.h"
#include "jobs/options/options.h"
#include "store/store.h"

typedef struct Shards Shards;

/* What there is of a document already, wherever its elements go. */
typedef enum OutputState { OUTPUT_ABSENT, OUTPUT_WHOLE, OUTPUT_PART } OutputState;

/* A document on its way into a shard. */
typedef struct ShardDocument {
    Str key, url, version;
    Str part; /* why these rows are not all; "": they are */
    const DocumentInfo *info;
    const Elements *elements;
    const ElementSelection *selection; /* of the metadata column; may be NULL */
} ShardDocument;

/* Reads the footers of what is below `output`, which outlives this as do `shown_place`, its name in the log, and `made_with`, a hash of the
 * options that shape rows. Errors: CORRUPT (a shard of ours that cannot be read). */
MUST_USE Error *shards_new(Store *output, Str shown_place, Str made_with, const Cancel *cancel, OptionShard shard,
                           Log *log, Shards **ret_shards);
void shards_free(Shards *shards); /* what is not published is lost */
DEFINE_FREEP(Shards, shards_free)

/* Planner, with keys in ascending order: is this version of the document, as these options make it, in a shard? `*ret_part`: the reason where it is
 * there in part; valid until the next call. */
MUST_USE Error *shards_have(Shards *shards, Str key, Str version, OutputState *ret_state, Str *ret_part);
/* Commit thread: the rows of one document, which may be none. On failure none of them stay. Once a shard could not be written, this and
 * shards_finish return that error. */
MUST_USE Error *shards_add(Shards *shards, const ShardDocument *document);
/* Publishes the last shard. Errors: LOCKED (another run writes here), those of store_put. */
MUST_USE Error *shards_finish(Shards *shards);
/* Commit thread: is every document that was added in a published shard (`*ret_safe`)? Errors: why those that are not are lost. */
MUST_USE Error *shards_settle(const Shards *shards, bool *ret_safe);
/* Documents that shards_have found in another version or made with other options, whose rows stay in an older shard. */
uint64_t shards_superseded(const Shards *shards);
uint64_t shards_rows(const Shards *shards); /* published */

#endif
