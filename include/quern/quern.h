/* quern/quern.h - all of the library. */
#ifndef QUERN_QUERN_H
#define QUERN_QUERN_H

#include <quern/client.h>
#include <quern/doctor.h>
#include <quern/error.h>
#include <quern/history.h>
#include <quern/ingest.h>
#include <quern/ingester.h>
#include <quern/metadata.h>
#include <quern/options.h>
#include <quern/parquet.h>
#include <quern/partition.h>
#include <quern/pipeline.h>
#include <quern/run.h>
#include <quern/search.h>
#include <quern/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0" */
QUERN_API const char *quern_version(void);

#ifdef __cplusplus
}
#endif
#endif
