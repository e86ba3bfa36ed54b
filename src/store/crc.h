/* crc.h - the three reflected CRCs of S3 (CRC-32, CRC-32C, CRC-64/NVME), fast where the CPU multiplies without carry.
 *
 * A Crc is the register of a running computation, before the final complement. Pure computation, any thread.
 * Sources: spec/s3.md 1.13; Gopal et al., Fast CRC Computation Using PCLMULQDQ, Intel 2009; slicing by 8: Kounavis and Berry, 2005. */
#ifndef STORE_CRC_H
#define STORE_CRC_H

#include "base/str.h"

typedef enum CrcKind { CRC_32, CRC_32C, CRC_64NVME, CRC_KINDS } CrcKind;

uint64_t crc_begin(CrcKind kind);
uint64_t crc_add(CrcKind kind, uint64_t crc, Bytes data);
uint64_t crc_end(CrcKind kind, uint64_t crc);

/* From the ends of A's and B's computations that of A followed by B. */
uint64_t crc_combine(CrcKind kind, uint64_t a, uint64_t b, uint64_t b_bytes);

/* What crc_add does without the CPU's help. */
uint64_t crc_add_portable(CrcKind kind, uint64_t crc, Bytes data);
/* Whether crc_add has that help. */
bool crc_is_fast(void);

#endif
