/* rows.h - what the files of rows share: sets of commands, common texts, and the group of rows that each file gives to table.c. */
#ifndef JOBS_OPTIONS_TABLE_ROWS_H
#define JOBS_OPTIONS_TABLE_ROWS_H

#include "jobs/options/options.h"

typedef struct OptionRows {
    const OptionDef *rows;
    size_t count;
} OptionRows;

extern const OptionRows OPTIONS_FETCH, OPTIONS_INGEST, OPTIONS_LOAD, OPTIONS_INSPECT, OPTIONS_SET_TIMESTAMP,
    OPTIONS_ADD_PROVIDER, OPTIONS_COPY, OPTIONS_RUN, OPTIONS_S3, OPTIONS_GENERAL;

#define FETCH COMMAND_BIT(COMMAND_FETCH)
#define INGEST COMMAND_BIT(COMMAND_INGEST)
#define PARTITION COMMAND_BIT(COMMAND_PARTITION)
#define PARSES (INGEST | PARTITION) /* read documents and make elements of them */
#define LOAD COMMAND_BIT(COMMAND_LOAD)
#define SET_TIMESTAMP COMMAND_BIT(COMMAND_SET_TIMESTAMP)
#define ADD_PROVIDER COMMAND_BIT(COMMAND_ADD_PROVIDER)
#define COPY COMMAND_BIT(COMMAND_COPY)
#define SEARCH COMMAND_BIT(COMMAND_SEARCH)
#define LS COMMAND_BIT(COMMAND_LS)
#define PARQUET_CAT (COMMAND_BIT(COMMAND_PARQUET_CAT) | COMMAND_BIT(COMMAND_PARQUET_HEAD))
#define PARQUET (PARQUET_CAT | COMMAND_BIT(COMMAND_PARQUET_SCHEMA) | COMMAND_BIT(COMMAND_PARQUET_META))
#define UPLOADS_ABORT COMMAND_BIT(COMMAND_UPLOADS_ABORT)
#define UPLOADS (UPLOADS_ABORT | COMMAND_BIT(COMMAND_UPLOADS_LIST))
#define DOCTOR COMMAND_BIT(COMMAND_DOCTOR)
#define CONFIG_SHOW COMMAND_BIT(COMMAND_CONFIG_SHOW)
#define CONFIG_INIT COMMAND_BIT(COMMAND_CONFIG_INIT)
#define RETRY COMMAND_BIT(COMMAND_RETRY)
#define PAST (RETRY | COMMAND_BIT(COMMAND_STATUS) | COMMAND_BIT(COMMAND_WHY)) /* about runs that were */
#define CLIENT COMMAND_BIT(COMMAND_CLIENT)
#define VERSION COMMAND_BIT(COMMAND_VERSION)
#define WORDS (COMMAND_BIT(COMMAND_COMPLETION) | COMMAND_BIT(COMMAND_HELP))

/* Groups of spec/commands.md 0.1 and 0.2. */
#define IMPRESSO                                                                                                       \
    (SET_TIMESTAMP | ADD_PROVIDER | COPY) /* maintenance of a release: its originals have their own variables */
#define ITEMS (INGEST | LOAD | IMPRESSO)  /* items are independent: a part of them is a run too */
#define RUNS (FETCH | ITEMS)              /* through the engine, with a report */
#define STORES (RUNS | LS | PARQUET | UPLOADS | DOCTOR | CLIENT) /* touch S3 or a directory */
#define TALKS                                                                                                          \
    (RUNS | PARTITION | SEARCH | LS | PARQUET | UPLOADS | PAST | DOCTOR | CONFIG_SHOW                                  \
     | CONFIG_INIT) /* read configuration and log */
#define EVERY (TALKS | WORDS | VERSION)

#define ENDPOINT_DEFAULT "that of the profile, else AWS"
#define WORKERS_HELP "items in flight at once"
#define NO_EFFECT_YET "accepted, of the original; without effect yet"

#endif
