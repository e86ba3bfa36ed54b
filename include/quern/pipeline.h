/* quern/pipeline.h - Parquet into a database, stage by stage. */
#ifndef QUERN_PIPELINE_H
#define QUERN_PIPELINE_H

#include <quern/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct QuernPipeline QuernPipeline;

/* Options of `load`. */
QUERN_API QuernError *quern_pipeline_new(QuernClient *client, const QuernOptions *options,
                                         QuernPipeline **ret_pipeline) QUERN_MUST_USE;
QUERN_API void quern_pipeline_free(QuernPipeline *pipeline);
/* Errors: NOT_FOUND (nothing matched), LOCKED, NO_SPACE; `*ret_report` is then still written if the run had begun. */
QUERN_API QuernError *quern_pipeline_run(QuernPipeline *pipeline, QuernControl *control, char **ret_results_json,
                                         QuernReport **ret_report) QUERN_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
