/* scan.h - RTF as a row of tokens. Source: Rich Text Format Specification 1.9.1, "RTF Syntax". */
#ifndef DOCUMENT_RTF_SCAN_H
#define DOCUMENT_RTF_SCAN_H

#include "base/reader.h"

typedef enum RtfKind {
    RTF_OPEN,   /* a group begins */
    RTF_CLOSE,  /* and ends */
    RTF_WORD,   /* \name or \name12: `text` is the name */
    RTF_SYMBOL, /* \c: `text` is the character; \{ \} \\ come as RTF_TEXT */
    RTF_TEXT,   /* bytes in the font's code page */
    RTF_BYTE,   /* \'hh, one more of them: `number` */
    RTF_END
} RtfKind;

typedef struct RtfToken {
    RtfKind kind;
    Str text; /* points into the input, or to a constant */
    int32_t number;
    bool has_number;
} RtfToken;

/* The next token; RTF_END for ever at the end. What follows \bin is passed over. */
RtfToken rtf_scan(Reader *in);

#endif
