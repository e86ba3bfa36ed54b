/* python_text.h - texts as Python shows them, for messages that are kept from the original. Source: spec/mleko.md 11.2. */
#ifndef JOBS_FETCH_PYTHON_TEXT_H
#define JOBS_FETCH_PYTHON_TEXT_H

#include "base/buffer.h"

/* Appends `['*.csv', "it's"]`. Bytes that are not UTF-8 are shown as \udcNN, as Python has them in file names. */
MUST_USE Error *python_append_list(Buffer *out, StrList texts);

#endif
