/* key_set.h - a bucket's keys as a function of their number, in ascending byte order: nothing is stored.
 *
 * Key i is "data/FFFF/IIIIIIII-HHHHHHHH.bin": F the root of i, so that folders grow from 1 key to twice their number, I the number, H a hash.
 * The object is its key and a newline, again and again up to OBJECT_BYTES. */
#ifndef BENCH_KEY_SET_H
#define BENCH_KEY_SET_H

#include "base/str.h"

enum { KEY_BYTES = sizeof "data/0000/00000000-00000000.bin" - 1, OBJECT_BYTES = 4096 };
#define KEY_SET_MAX UINT64_C(100000000)

/* No NUL behind it. */
void key_write(uint64_t number, char out[KEY_BYTES]);
void object_write(uint64_t number, uint8_t out[OBJECT_BYTES]);

/* Numbers below `count`, or `count` itself. */
uint64_t key_first_from(uint64_t count, Str key);    /* the first key that is not before `key` */
uint64_t key_first_after(uint64_t count, Str key);   /* the first behind it */
uint64_t key_first_past(uint64_t count, Str prefix); /* the first behind all that begin with `prefix` */

/* False when no key of the set is `key`. */
bool key_number(uint64_t count, Str key, uint64_t *ret_number);

#endif
