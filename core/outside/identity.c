/*
 * The recovery identity on paper. Apart from the sealing, which sees 32 bytes: here they become
 * what a person copies, checks and divides among others.
 */
#include "identity.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "str.h"

#define SECRET_PREFIX "sett-recovery-"
#define SHARE_PREFIX  "sett-share-"
#define PUBLIC_PREFIX "settrec"
#define CHECK         6 /* characters of checksum */
#define SHARE_BYTES   38
#define DATA_MOST     64 /* characters of five bits, without checksum */

static const char alphabet[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* ---- bech32, BIP 173 ---- */

static uint32_t polymod_step(uint32_t c, uint8_t value)
{
    static const uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    uint32_t top = c >> 25;

    c = (c & 0x1ffffff) << 5 ^ value;
    for (unsigned i = 0; i < 5; i++)
        if ((top >> i & 1) != 0)
            c ^= generator[i];
    return c;
}

/* Over the prefix and the characters; 1 for those that end in their own checksum. */
static uint32_t polymod(const char *prefix, const uint8_t *values, size_t count)
{
    uint32_t c = 1;

    for (const char *p = prefix; *p != '\0'; p++)
        c = polymod_step(c, (uint8_t)(*p >> 5));
    c = polymod_step(c, 0);
    for (const char *p = prefix; *p != '\0'; p++)
        c = polymod_step(c, (uint8_t)(*p & 31));
    for (size_t i = 0; i < count; i++)
        c = polymod_step(c, values[i]);
    return c;
}

static void encode(const char *prefix, const uint8_t *data, size_t len, char out[IDENTITY_TEXT])
{
    uint8_t values[DATA_MOST + CHECK] = {0};
    size_t count = (len * 8 + 4) / 5, at;
    uint32_t check;

    for (size_t bit = 0; bit < len * 8; bit++)
        if ((data[bit / 8] >> (7 - bit % 8) & 1) != 0)
            values[bit / 5] |= (uint8_t)(1u << (4 - bit % 5));
    check = polymod(prefix, values, count + CHECK) ^ 1;
    for (unsigned i = 0; i < CHECK; i++)
        values[count + i] = check >> 5 * (5 - i) & 31;
    (void)str_format(out, IDENTITY_TEXT, "%s1", prefix);
    at = strlen(out);
    for (size_t i = 0; i < count + CHECK; i++)
        out[at++] = alphabet[values[i]];
    out[at] = '\0';
    sodium_memzero(values, sizeof values);
}

/* Into ${len} bytes. 0; -1: another prefix or another length; -2: a wrong character or checksum. */
static int decode(const char *prefix, const char *text, uint8_t *data, size_t len)
{
    uint8_t values[DATA_MOST + CHECK] = {0};
    size_t count = (len * 8 + 4) / 5, n = 0, prefix_len = strlen(prefix);
    char plain[IDENTITY_TEXT];
    int rc = 0;

    for (; *text != '\0'; text++) {
        if (isspace((unsigned char)*text))
            continue;
        if (n == sizeof plain - 1)
            return -1;
        plain[n++] = (char)tolower((unsigned char)*text);
    }
    plain[n] = '\0';
    if (!str_starts(plain, prefix) || plain[prefix_len] != '1' ||
        n != prefix_len + 1 + count + CHECK)
        rc = -1;
    for (size_t i = 0; rc == 0 && i < count + CHECK; i++) {
        const char *c = strchr(alphabet, plain[prefix_len + 1 + i]);

        if (c == NULL || *c == '\0')
            rc = -2;
        else
            values[i] = (uint8_t)(c - alphabet);
    }
    if (rc == 0 && polymod(prefix, values, count + CHECK) != 1)
        rc = -2;
    for (size_t bit = len * 8; rc == 0 && bit < count * 5; bit++) /* what pads is zero */
        if ((values[bit / 5] >> (4 - bit % 5) & 1) != 0)
            rc = -2;
    memset(data, 0, len);
    for (size_t bit = 0; rc == 0 && bit < len * 8; bit++)
        if ((values[bit / 5] >> (4 - bit % 5) & 1) != 0)
            data[bit / 8] |= (uint8_t)(1u << (7 - bit % 8));
    sodium_memzero(values, sizeof values);
    sodium_memzero(plain, sizeof plain);
    return rc;
}

static int refuse(const char *field, int how, const char *what, const char *begins, struct err *err)
{
    if (how == -1)
        return err_field(err, field, "not_recovery",
                         "this is not %s: one begins with %s1 and is whole", what, begins);
    (void)err_field(err, field, "mistyped", "%s was copied wrongly: its checksum does not fit",
                    what);
    return err_hint(err,
                    "compare it letter by letter; b, i, o and 1 do not occur behind the first 1");
}

/* ---- the pair ---- */

void identity_new(uint8_t secret[32], uint8_t public_key[32])
{
    (void)crypto_box_keypair(public_key, secret);
}

void identity_public(const uint8_t secret[32], uint8_t public_key[32])
{
    (void)crypto_scalarmult_base(public_key, secret);
}

static void capitals(char *text)
{
    for (; *text != '\0'; text++)
        *text = (char)toupper((unsigned char)*text);
}

void identity_secret_text(const uint8_t secret[32], char out[IDENTITY_TEXT])
{
    encode(SECRET_PREFIX, secret, 32, out);
    capitals(out);
}

int identity_secret_parse(const char *text, uint8_t secret[32], struct err *err)
{
    int how = decode(SECRET_PREFIX, text, secret, 32);

    return how == 0 ? 0 : refuse("secret", how, "a recovery secret", "SETT-RECOVERY-", err);
}

void identity_public_text(const uint8_t public_key[32], char out[IDENTITY_TEXT])
{
    encode(PUBLIC_PREFIX, public_key, 32, out);
}

int identity_public_parse(const char *text, uint8_t public_key[32], struct err *err)
{
    int how = decode(PUBLIC_PREFIX, text, public_key, 32);

    return how == 0 ? 0 : refuse("recipient", how, "a public recovery key", PUBLIC_PREFIX, err);
}

/* ---- GF(256) with x^8 + x^4 + x^3 + x + 1; no branch or index depends on a secret ---- */

static uint8_t times(uint8_t a, uint8_t b)
{
    uint8_t out = 0;

    for (unsigned i = 0; i < 8; i++) {
        out ^= (uint8_t)(-(b >> i & 1) & a);
        a = (uint8_t)(a << 1 ^ (-(a >> 7) & 0x1b));
    }
    return out;
}

/* a^254: the inverse, and 0 for 0. */
static uint8_t inverse(uint8_t a)
{
    uint8_t out = 1;

    for (unsigned i = 0; i < 7; i++) {
        a = times(a, a);
        out = times(out, a);
    }
    return out;
}

int identity_split(const uint8_t secret[32], unsigned needed, unsigned count,
                   struct identity_share *shares, struct err *err)
{
    uint8_t terms[IDENTITY_SHARES_MOST], set[4];

    if (needed < 2 || count < needed || count > IDENTITY_SHARES_MOST)
        return err_field(err, "shares", "shares", "2 to %u of at most %u shares", count,
                         IDENTITY_SHARES_MOST);
    randombytes_buf(set, sizeof set);
    for (unsigned i = 0; i < count; i++) {
        memcpy(shares[i].set, set, sizeof set);
        shares[i].needed = (uint8_t)needed;
        shares[i].number = (uint8_t)(i + 1);
    }
    for (unsigned byte = 0; byte < 32; byte++) {
        terms[0] = secret[byte];
        randombytes_buf(terms + 1, needed - 1);
        for (unsigned i = 0; i < count; i++) {
            uint8_t y = 0;

            for (unsigned k = needed; k-- > 0;)
                y = (uint8_t)(times(y, shares[i].number) ^ terms[k]);
            shares[i].data[byte] = y;
        }
    }
    sodium_memzero(terms, sizeof terms);
    return 0;
}

static int check_shares(const struct identity_share *shares, unsigned count, struct err *err)
{
    if (count == 0 || count > IDENTITY_SHARES_MOST || count < shares[0].needed)
        return err_field(err, "shares", "shares", "%u shares are needed and %u are here",
                         count == 0 ? 2u : shares[0].needed, count);
    for (unsigned i = 0; i < count; i++) {
        if (memcmp(shares[i].set, shares[0].set, sizeof shares[0].set) != 0 ||
            shares[i].needed != shares[0].needed)
            return err_field(err, "shares", "shares", "share %u is of another secret", i + 1);
        for (unsigned k = 0; k < i; k++)
            if (shares[k].number == shares[i].number)
                return err_field(err, "shares", "shares", "share number %u is here twice",
                                 shares[i].number);
    }
    return 0;
}

int identity_join(const struct identity_share *shares, unsigned count, uint8_t secret[32],
                  struct err *err)
{
    unsigned needed;

    if (check_shares(shares, count, err) == -1)
        return -1;
    needed = shares[0].needed;
    memset(secret, 0, 32);
    for (unsigned i = 0; i < needed; i++) {
        uint8_t weight = 1; /* Lagrange's at 0 */

        for (unsigned k = 0; k < needed; k++)
            if (k != i)
                weight = times(
                    weight, times(shares[k].number, inverse(shares[k].number ^ shares[i].number)));
        for (unsigned byte = 0; byte < 32; byte++)
            secret[byte] ^= times(weight, shares[i].data[byte]);
    }
    return 0;
}

void identity_share_text(const struct identity_share *share, char out[IDENTITY_TEXT])
{
    uint8_t data[SHARE_BYTES];

    memcpy(data, share->set, 4);
    data[4] = share->needed;
    data[5] = share->number;
    memcpy(data + 6, share->data, 32);
    encode(SHARE_PREFIX, data, sizeof data, out);
    capitals(out);
    sodium_memzero(data, sizeof data);
}

int identity_share_parse(const char *text, struct identity_share *share, struct err *err)
{
    uint8_t data[SHARE_BYTES];
    int how = decode(SHARE_PREFIX, text, data, sizeof data);

    if (how != 0)
        return refuse("share", how, "a share of a recovery secret", "SETT-SHARE-", err);
    memcpy(share->set, data, 4);
    share->needed = data[4];
    share->number = data[5];
    memcpy(share->data, data + 6, 32);
    sodium_memzero(data, sizeof data);
    if (share->needed < 2 || share->needed > IDENTITY_SHARES_MOST || share->number == 0 ||
        share->number > IDENTITY_SHARES_MOST)
        return refuse("share", -2, "a share of a recovery secret", "SETT-SHARE-", err);
    return 0;
}
