/* Ids: 16 bytes that sort by time of birth and their one spelling. Apart because keys hold the
 * bytes and people see the text, and both must agree everywhere. */
#include "id.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "enc.h"
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

/* What a character stands for; more than 31 when it is none of the alphabet. */
static unsigned digit_of(char c)
{
    /* For each letter from a; i, l, o and u are none. */
    static const uint8_t letters[26] = {10, 11, 12, 13, 14, 15, 16, 17, 99, 18, 19, 99, 20,
                                        21, 99, 22, 23, 24, 25, 26, 99, 27, 28, 29, 30, 31};

    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'z' ? letters[c - 'a'] : 99;
}

/* The 128 bits as two halves. */
struct halves {
    uint64_t high, low;
};

static struct halves halves_of(const uint8_t bytes[ID_BYTES])
{
    return (struct halves){enc_get64(bytes), enc_get64(bytes + 8)};
}

void id_text(char out[ID_SIZE], const char *prefix, const uint8_t bytes[ID_BYTES])
{
    struct halves n = halves_of(bytes);
    size_t len = strlen(prefix);

    if (len + 1 + ID_DIGITS >= ID_SIZE) {
        out[0] = '\0';
        return;
    }
    memcpy(out, prefix, len);
    out[len++] = '_';
    for (unsigned i = ID_DIGITS; i > 0; i--) {
        out[len + i - 1] = alphabet[n.low & 31];
        n.low = n.low >> 5 | n.high << 59;
        n.high >>= 5;
    }
    out[len + ID_DIGITS] = '\0';
}

int id_bytes(const char *id, const char *prefix, uint8_t out[ID_BYTES])
{
    size_t len = strlen(prefix);
    struct halves n = {0, 0};

    if (strncmp(id, prefix, len) != 0 || id[len] != '_')
        return -1;
    id += len + 1;
    if (strlen(id) != ID_DIGITS || id[0] > '7')
        return -1;
    for (; *id != '\0'; id++) {
        unsigned digit = digit_of(*id);

        if (digit > 31)
            return -1;
        n.high = n.high << 5 | n.low >> 59;
        n.low = n.low << 5 | digit;
    }
    enc_put64(out, n.high);
    enc_put64(out + 8, n.low);
    return 0;
}
