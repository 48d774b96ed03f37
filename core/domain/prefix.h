#ifndef SETT_PREFIX_H
#define SETT_PREFIX_H
/* The path below which the box lives on its host: "" or, as in https://example.com/sett, "/sett".
 */
#include "err.h"

#define PREFIX_SIZE 64

/** prefix_of(url, out): of box.url; "" when it has none, or one that prefix_check refuses. */
void prefix_of(const char *url, char out[PREFIX_SIZE]);

/** prefix_check(url, err): whether a box can live there: at most PREFIX_SIZE - 1 of the letters,
 * digits and -._~ in each segment, nothing behind the path, and not begun as an address of our own
 * (/api). ERR_INVALID, field "value". Return 0 or -1. */
int prefix_check(const char *url, struct err *err);

#endif
