/* match.h - what people type into a search box, as an FTS5 query. Source: SQLite FTS5, section 3. */
#ifndef SINK_MATCH_H
#define SINK_MATCH_H

#include "base/buffer.h"
#include "base/error.h"

typedef enum MatchWords { MATCH_ALL, MATCH_ANY } MatchWords;

/* Words must all occur (or, with MATCH_ANY, one of them); "quotes" make a phrase, a word OR (in capitals) between two makes alternatives, a leading - excludes. Everything else is
 * text: no input is a syntax error. Appends nothing when there is no word in it. Errors: INVALID (only exclusions). */
MUST_USE Error *match_from_text(Str text, MatchWords words, Buffer *out);

#endif
