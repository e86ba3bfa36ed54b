/* parser.h - one document to its elements, by quern-parse. Any number of threads. */
#ifndef JOBS_INGEST_PARSER_H
#define JOBS_INGEST_PARSER_H

#include "document/element.h"
#include "jobs/ingest/shape.h"
#include "sandbox/sandbox.h"

typedef struct DocumentParser DocumentParser;

/* What would otherwise fail with every document. Errors: INVALID, naming the option. */
MUST_USE Error *document_parser_check(const Config *config);

/* Starts the parsers, `workers_max` at most at a time, from the options of `ingest` (sandbox, parse-...). Errors: UNSUPPORTED (no
 * program, no sandbox). */
MUST_USE Error *document_parser_new(const Config *config, unsigned workers_max, Log *log, DocumentParser **ret_parser);
void document_parser_free(DocumentParser *parser);
DEFINE_FREEP(DocumentParser, document_parser_free)

/* Fills `elements`, whose arena everything lives in, and `info`'s filename and filetype; elements are as `shape` wants them. A document that
 * reached a limit keeps the elements before it: `*ret_end` is SANDBOX_PARTIAL then, with the Error. Errors: UNSUPPORTED (type),
 * CORRUPT, LIMIT; CANCELLED, UNAVAILABLE, NO_MEMORY. */
MUST_USE Error *document_parser_run(DocumentParser *parser, const Config *config, const Shape *shape,
                                    const Cancel *cancel, Bytes document, Str filename, DocumentInfo *info,
                                    Elements *elements, SandboxEnd *ret_end);

const char *document_parser_layers_view(const DocumentParser *parser);
uint64_t document_parser_peak_bytes(DocumentParser *parser);

/* Appends what tells this parser from another, or from itself with other languages for OCR: what one cannot read another may. */
MUST_USE Error *document_parser_append_identity(const Config *config, Buffer *out);

/* Where quern-parse is: the option, else beside this library. Errors: UNSUPPORTED, with the places looked at. */
MUST_USE Error *document_parser_program(const Config *config, Buffer *out);
/* What the sandbox is told by the options. The program's path must outlive them. */
SandboxOptions document_parser_sandbox_options(const Config *config, const char *program, unsigned workers_max,
                                               Log *log);

#endif
