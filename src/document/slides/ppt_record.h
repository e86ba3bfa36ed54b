/* ppt_record.h - the records of a PPT stream: containers of records, and atoms. Reads untrusted bytes. Source: [MS-PPT] 2.3.1, 2.13.24. */
#ifndef DOCUMENT_SLIDES_PPT_RECORD_H
#define DOCUMENT_SLIDES_PPT_RECORD_H

#include "base/reader.h"

/* The records that matter here, by their numbers in the file. */
typedef enum PptType {
    PPT_DOCUMENT = 1000,
    PPT_SLIDE = 1006,
    PPT_SLIDE_ATOM = 1007,
    PPT_ENVIRONMENT = 1010,
    PPT_SLIDE_PERSIST_ATOM = 1011,
    PPT_MAIN_MASTER = 1016,
    PPT_DRAWING = 1036,
    PPT_TEXT_INFO = 2005,
    PPT_OUTLINE_TEXT_REF_ATOM = 3998,
    PPT_TEXT_HEADER_ATOM = 3999,
    PPT_TEXT_CHARS_ATOM = 4000,
    PPT_STYLE_TEXT_PROP_ATOM = 4001,
    PPT_TEXT_MASTER_STYLE_ATOM = 4003,
    PPT_TEXT_BYTES_ATOM = 4008,
    PPT_SLIDE_NUMBER_MC_ATOM = 4056,
    PPT_SLIDE_LIST_WITH_TEXT = 4080,
    PPT_USER_EDIT_ATOM = 4085,
    PPT_CURRENT_USER_ATOM = 4086,
    PPT_DATE_TIME_MC_ATOM = 4087,
    PPT_GENERIC_DATE_MC_ATOM = 4088,
    PPT_HEADER_MC_ATOM = 4089,
    PPT_FOOTER_MC_ATOM = 4090,
    PPT_RTF_DATE_TIME_MC_ATOM = 4117,
    PPT_PERSIST_DIRECTORY_ATOM = 6002,
    PPT_OFFICE_ART_DG = 0xF002,
    PPT_OFFICE_ART_SPGR = 0xF003, /* a group: its own shape first */
    PPT_OFFICE_ART_SP = 0xF004,
    PPT_OFFICE_ART_FSPGR = 0xF009, /* the group's own coordinates */
    PPT_OFFICE_ART_FSP = 0xF00A,
    PPT_OFFICE_ART_FOPT = 0xF00B,
    PPT_OFFICE_ART_CLIENT_TEXTBOX = 0xF00D,
    PPT_OFFICE_ART_CHILD_ANCHOR = 0xF00F,
    PPT_OFFICE_ART_CLIENT_ANCHOR = 0xF010,
    PPT_OFFICE_ART_TERTIARY_FOPT = 0xF122
} PptType;

typedef struct PptRecord {
    uint16_t type; /* a PptType, or something else */
    uint16_t instance;
    Bytes body;
} PptRecord;

/* The next record; false at the end, and where a record is cut off. */
bool ppt_next(Reader *in, PptRecord *ret_record);
/* The next record of this type among those that are left; the others are passed over. */
bool ppt_find(Reader *in, PptType type, PptRecord *ret_record);
/* The first of this type in `body`. */
bool ppt_find_in(Bytes body, PptType type, PptRecord *ret_record);

#endif
