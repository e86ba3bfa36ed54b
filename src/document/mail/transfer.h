/* transfer.h - content transfer encodings of mail, read as leniently as Python's email reads them. Sources: RFC 2045 6.7, 6.8. */
#ifndef DOCUMENT_MAIL_TRANSFER_H
#define DOCUMENT_MAIL_TRANSFER_H

#include "base/arena.h"

/* What is not of the alphabet is passed over, a missing end is made up. Text that is one character too long for that is no base64 and comes out
 * as it is. `*ret_bytes` is in the arena or `input`. Errors: LIMIT, NO_MEMORY (arena). */
MUST_USE Error *transfer_decode_base64(Bytes input, Arena *arena, Bytes *ret_bytes);

/* An equals sign that stands for nothing stays. `in_header`: an underline is a space (RFC 2047 4.2). Errors: as above. */
typedef enum TransferPlace { TRANSFER_BODY, TRANSFER_HEADER } TransferPlace;
MUST_USE Error *transfer_decode_quoted_printable(Bytes input, TransferPlace place, Arena *arena, Bytes *ret_bytes);

/* 0 to 15, or -1. */
int transfer_hex_digit(uint8_t c);

#endif
