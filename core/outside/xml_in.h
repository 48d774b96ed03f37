#ifndef SETT_XML_IN_H
#define SETT_XML_IN_H
/* XML that others send: elements and their text, one after another. Attributes and name spaces are
 * passed over; a document type is refused, so there are no entities but the five. */
#include <stddef.h>
#include "err.h"

#define XML_PATH_MAX 256
#define XML_TEXT_MAX 2048 /* of one element; longer is an error */

/* An element ended: its path from the root, "ListBucketResult/Contents/Key", and its own text, ""
 * for what has elements in it. Return 0, or -1 having filled err to stop. */
typedef int xml_each(void *arg, const char *path, const char *text, struct err *err);

/** xml_read(data, len, each, arg, err): one whole document. ERR_MALFORMED. Return 0 or -1. */
int xml_read(const char *data, size_t len, xml_each *each, void *arg, struct err *err);

#endif
