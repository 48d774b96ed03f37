/* Ids: 16 bytes that sort by time of birth and their one spelling. Apart because keys hold the
 * bytes and people see the text, and both must agree everywhere. */
#include "id.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "str.h"

#define ID_DIGITS 26

static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

void id_make(char out[ID_SIZE], const char *prefix)
{
    uint8_t bytes[ID_BYTES];
    uint64_t ms = (uint64_t)clock_wall_ms();

    for (int i = 0; i < 6; i++)
        bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    if (sodium_init() == -1) /* does nothing after the first time, and settles races */
        abort();             /* a box without randomness must not make ids */
    randombytes_buf(bytes + 6, sizeof bytes - 6);
    id_text(out, prefix, bytes);
}

/* The ${i}-th group of five bits, counted from the right end of the 128. */
static unsigned group(const uint8_t bytes[ID_BYTES], unsigned i)
{
    unsigned bit = 5 * i, at = ID_BYTES - 1 - bit / 8, two = bytes[at];

    if (at > 0)
        two |= (unsigned)bytes[at - 1] << 8;
    return two >> bit % 8 & 31;
}

void id_text(char out[ID_SIZE], const char *prefix, const uint8_t bytes[ID_BYTES])
{
    size_t len = strlen(prefix);

    if (len + 1 + ID_DIGITS >= ID_SIZE) {
        out[0] = '\0';
        return;
    }
    memcpy(out, prefix, len);
    out[len++] = '_';
    for (unsigned i = 0; i < ID_DIGITS; i++)
        out[len + ID_DIGITS - 1 - i] = alphabet[group(bytes, i)];
    out[len + ID_DIGITS] = '\0';
}

int id_bytes(const char *id, const char *prefix, uint8_t out[ID_BYTES])
{
    size_t len = strlen(prefix);
    uint8_t bytes[ID_BYTES];

    if (strncmp(id, prefix, len) != 0 || id[len] != '_')
        return -1;
    memset(bytes, 0, sizeof bytes);
    id += len + 1;
    if (strlen(id) != ID_DIGITS || id[0] > '7')
        return -1;
    for (; *id != '\0'; id++) {
        const char *digit = strchr(alphabet, *id);
        unsigned carry;
        if (digit == NULL)
            return -1;
        carry = (unsigned)(digit - alphabet);
        for (int i = ID_BYTES - 1; i >= 0; i--) {
            unsigned n = (unsigned)bytes[i] << 5 | carry;
            bytes[i] = (uint8_t)n;
            carry = n >> 8;
        }
    }
    memcpy(out, bytes, ID_BYTES);
    return 0;
}
