#ifndef SETT_LINK_TOKEN_H
#define SETT_LINK_TOKEN_H
/* The secret part of a one-time link: 256 bits, shown once, of which only a hash is kept. */
#include <stdint.h>

#define LINK_TOKEN_SIZE 44 /* 32 bytes in base64url, and a NUL */

/** link_token_make(token, hash): a new one, with the hash to keep. */
void link_token_make(char token[LINK_TOKEN_SIZE], uint8_t hash[32]);

/** link_token_hash(token, hash): of one that somebody presents. Return 0, or -1 if it cannot be
 * one. */
int link_token_hash(const char *token, uint8_t hash[32]);

#endif
