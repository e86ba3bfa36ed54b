/* crowded.h - finds tags with too many attributes before libxml2 does, which compares each of an element's attributes with all before it. */
#ifndef DOCUMENT_HTML_CROWDED_H
#define DOCUMENT_HTML_CROWDED_H

#include "base/str.h"

/* Where the first tag with more than `attributes_max` attributes begins; SIZE_MAX: there is none. Reads tags, comments and scripts as libxml2's
 * HTML parser does. Linear. */
size_t html_find_crowded_tag(Str html, size_t attributes_max);

#endif
