/* bit_unpack.h - integers of `width` bits packed one behind the other, least significant bit first. */
#ifndef PARQUET_BIT_UNPACK_H
#define PARQUET_BIT_UNPACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* Values [first, first + count) of `packed` to `out`; width 1 to 32. `packed` must hold them all. */
void bits_unpack_u32(Bytes packed, unsigned width, size_t first, size_t count, uint32_t *out);
/* The same for levels; width 1 to 8. */
void bits_unpack_u8(Bytes packed, unsigned width, size_t first, size_t count, uint8_t *out);

/* Appends nothing: writes ceil(count * width / 8) bytes at `out`; count is a multiple of 8, width 1 to 32. */
void bits_pack_u32(const uint32_t *values, size_t count, unsigned width, uint8_t *out);

#endif
