/* biff.h - the records of an XLS workbook stream, and texts that run over several of them. Reads untrusted bytes.
 * Sources: [MS-XLS] 2.1.4 (records), 2.5.293-2.5.296 (strings), 2.5.122 (RK numbers). */
#ifndef DOCUMENT_SHEETS_BIFF_H
#define DOCUMENT_SHEETS_BIFF_H

#include "base/buffer.h"
#include "base/reader.h"

/* The records that matter here, by their numbers in the file. */
typedef enum BiffType {
    BIFF_FORMULA = 0x0006,
    BIFF_EOF = 0x000A,
    BIFF_DATE_MODE = 0x0022,
    BIFF_FILE_PASS = 0x002F,
    BIFF_CONTINUE = 0x003C,
    BIFF_CODE_PAGE = 0x0042,
    BIFF_BOUND_SHEET = 0x0085,
    BIFF_MUL_RK = 0x00BD,
    BIFF_RSTRING = 0x00D6,
    BIFF_XF = 0x00E0,
    BIFF_SST = 0x00FC,
    BIFF_LABEL_SST = 0x00FD,
    BIFF_NUMBER = 0x0203,
    BIFF_LABEL = 0x0204,
    BIFF_BOOL_ERR = 0x0205,
    BIFF_STRING = 0x0207,
    BIFF_RK = 0x027E,
    BIFF_FORMAT = 0x041E,
    BIFF_BOF = 0x0809
} BiffType;

/* Stands on one record; zeroed but for the stream, and `next` where reading begins. */
typedef struct Biff {
    Bytes stream;
    size_t next;   /* where the record behind this one begins */
    size_t at;     /* of this one */
    uint16_t type; /* a BiffType, or something else */
    Reader body;   /* what is left of it to be read */
} Biff;

/* The next record; false at the end of the stream, and where a record is cut off. */
bool biff_next(Biff *biff);
/* Goes on in the CONTINUE record that follows, when the body is used up; false when none does. */
bool biff_continue(Biff *biff);

/* Appends `count` characters of one or two bytes, UTF-16, that may run on in CONTINUE records, each of which says anew how wide its are; as UTF-8,
 * half a pair as U+FFFD. Errors: CORRUPT (cut off), LIMIT and NO_MEMORY of `out`. */
MUST_USE Error *biff_append_characters(Biff *biff, size_t count, bool wide, Buffer *out);

/* Skips bytes, in CONTINUE records too; false when there are not as many. */
bool biff_skip(Biff *biff, uint64_t bytes);

/* A number in 30 bits. */
double biff_rk(uint32_t rk);
double biff_double(uint64_t bits);

#endif
