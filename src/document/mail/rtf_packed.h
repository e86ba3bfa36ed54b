/* rtf_packed.h - the packed RTF that Outlook keeps a body in. Source: [MS-OXRTFCP] 2.1, 3.1. */
#ifndef DOCUMENT_MAIL_RTF_PACKED_H
#define DOCUMENT_MAIL_RTF_PACKED_H

#include "document/partition.h"

/* `*ret_rtf` is in the arena or `packed`; its size is taken from the budget. Errors: CORRUPT (neither packed nor plain by its mark, cut short),
 * LIMIT, NO_MEMORY. */
MUST_USE Error *rtf_unpack(Bytes packed, Expansion *expansion, Arena *arena, Bytes *ret_rtf);

#endif
