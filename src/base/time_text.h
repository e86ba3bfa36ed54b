/* time_text.h - times as text: UTC, microseconds since the Unix epoch. */
#ifndef BASE_TIME_TEXT_H
#define BASE_TIME_TEXT_H

#include "base/str.h"

enum { TIME_TEXT_BYTES = 40 }; /* room for every form below and a NUL */

/* "2026-11-21T09:39:54Z", with ".123456" before the Z when there is a fraction. */
Str time_iso8601(int64_t time_us, char out[TIME_TEXT_BYTES]);
/* "20261121T093954Z" (SigV4) */
Str time_basic(int64_t time_us, char out[TIME_TEXT_BYTES]);
/* "Sat, 21 Nov 2026 09:39:54 GMT" (RFC 9110 5.6.7) */
Str time_http(int64_t time_us, char out[TIME_TEXT_BYTES]);
/* "1 h 02 min", "3 min 07 s", "4.2 s": for people. */
Str time_duration(int64_t duration_us, char out[TIME_TEXT_BYTES]);

/* `YYYY-MM-DD[T ]hh:mm[:ss[.fraction]][Z|+hh:mm]` or a date alone; no zone means UTC. */
bool time_parse_iso8601(Str text, int64_t *ret_time_us);
/* The IMF-fixdate form of HTTP. */
bool time_parse_http(Str text, int64_t *ret_time_us);

/* "1.5 MiB": for people. */
Str size_text(uint64_t size_bytes, char out[TIME_TEXT_BYTES]);

#endif
