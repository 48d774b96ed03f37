/* One-time links' tokens. Apart because invitations, password resets, sign-in links and reveals
 * must treat them alike. */
#include "link_token.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"

#define TOKEN_BYTES 32

static void hash_of(const uint8_t bytes[TOKEN_BYTES], uint8_t hash[32])
{
    (void)crypto_generichash(hash, 32, bytes, TOKEN_BYTES, NULL, 0);
}

void link_token_make(char token[LINK_TOKEN_SIZE], uint8_t hash[32])
{
    uint8_t bytes[TOKEN_BYTES];

    randombytes_buf(bytes, sizeof bytes);
    (void)enc_base64url(token, LINK_TOKEN_SIZE, bytes, sizeof bytes);
    hash_of(bytes, hash);
    sodium_memzero(bytes, sizeof bytes);
}

int link_token_hash(const char *token, uint8_t hash[32])
{
    uint8_t bytes[TOKEN_BYTES];

    if (enc_unbase64url(bytes, sizeof bytes, token, strnlen(token, LINK_TOKEN_SIZE)) !=
        (int)sizeof bytes)
        return -1;
    hash_of(bytes, hash);
    sodium_memzero(bytes, sizeof bytes);
    return 0;
}
