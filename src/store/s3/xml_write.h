/* xml_write.h - text inside the documents that are sent. Source: XML 1.0 (2.2, 4.1); spec/s3.md 3.8. */
#ifndef STORE_S3_XML_WRITE_H
#define STORE_S3_XML_WRITE_H

#include "base/buffer.h"

/* XML 1.0 has no way to write most control characters, nor anything that is not UTF-8. */
bool xml_can_hold(Str text);
/* Appends text that xml_can_hold, escaped so that it comes back byte for byte. */
MUST_USE Error *xml_append_text(Buffer *out, Str text);

#endif
