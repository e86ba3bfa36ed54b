/* dotenv.h - reads NAME=value lines as `.env` files have them.
 *
 * Blank lines and lines that begin with # are skipped; `export` before the name is allowed, and white space round name and value. A
 * value in double quotes may run over several lines and knows \n \r \t \" \\ \$ (others stay as they are); in single quotes
 * nothing is special; without quotes it ends at the end of the line or at a # after white space. Nothing is substituted. A name
 * alone, without =, sets nothing. Lines end in LF or CR LF; a byte order mark is skipped. */
#ifndef JOBS_OPTIONS_DOTENV_H
#define JOBS_OPTIONS_DOTENV_H

#include "base/buffer.h"
#include "base/error.h"

/* One setting. `name` points into the text, `value` is valid during the call; `line` counts from 1. */
typedef Error *DotenvFn(void *context, Str name, Str value, unsigned line);

/* Calls `each` in order. Errors: INVALID, "line 3: ...", without the value; those of `each`. */
Error *dotenv_read(Str text, DotenvFn *each, void *context) MUST_USE;

#endif
