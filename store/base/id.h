#ifndef SETT_ID_H
#define SETT_ID_H
/*
 * Ids: a prefix that people can read and 26 characters of Crockford base 32 over 16 bytes (48 bits
 * of milliseconds, 80 random bits: the ULID layout), in lower case: "tn_01hw3v7q2c…". Sorting ids
 * sorts by time of birth.
 */
#include <stdint.h>
#include "err.h"

#define ID_SIZE       32 /* a text id with its NUL: at most 4 of prefix, '_', 26 */
#define ID_BYTES      16
#define ID_PREFIX_MAX 4

/** id_make(out, prefix): a fresh id at the present time. */
void id_make(char out[ID_SIZE], const char *prefix);

/** id_bytes(id, prefix, out): the 16 bytes behind the text. Return 0, or -1 if it is not an id of
 * this ${prefix} in its one canonical spelling. */
int id_bytes(const char *id, const char *prefix, uint8_t out[ID_BYTES]);

/** id_text(out, prefix, bytes): the way back. */
void id_text(char out[ID_SIZE], const char *prefix, const uint8_t bytes[ID_BYTES]);

#endif
