/*
 * Who signed a snapshot. Apart from the header, whose signature only says that somebody did: this
 * is about whom the reader knows, from the box itself or from paper.
 */
#include "signer.h"

#include <ctype.h>
#include <string.h>

#include "enc.h"
#include "sign.h"
#include "str.h"

#define DIGITS 16 /* of a key, at least */

static bool names(const char *word, size_t len, const uint8_t key[32])
{
    char hex[SIGN_TEXT];

    enc_hex(hex, key, 32);
    return len >= DIGITS && len < SIGN_TEXT && strncasecmp(hex, word, len) == 0;
}

bool signer_is(const struct seal_header *h, const char *expected)
{
    while (*expected != '\0') {
        size_t len = strcspn(expected, " ");

        if (names(expected, len, h->signer))
            return true;
        for (unsigned i = 0; i < h->signers.count; i++)
            if (names(expected, len, h->signers.links[i].before) &&
                succession_leads(&h->signers, h->signers.links[i].before, h->signer))
                return true;
        expected += len + (expected[len] == ' ');
    }
    return false;
}

bool signer_of_box(const struct seal_header *h, const char *keys)
{
    struct succession line;
    char own[SIGN_TEXT];
    uint8_t key[32];
    struct err err;

    if (sign_public_load(keys, own, &err) == -1 || enc_unhex(key, sizeof key, own) == -1)
        return false;
    return signer_is(h, own) ||
           (succession_load(keys, &line, &err) == 0 && succession_leads(&line, h->signer, key));
}
