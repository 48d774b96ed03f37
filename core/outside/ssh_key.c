/*
 * Keys of SSH. Apart because their form is OpenSSH's: a key is made here from 32 random bytes,
 * which is all that has to be kept, so no program is run to make one and no file has it but where
 * it is used.
 */
#include "ssh_key.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define ED25519  "ssh-ed25519"
#define BLOB_MAX 1024
#define WIDTH    70

struct blob {
    uint8_t at[BLOB_MAX];
    size_t len;
    bool full;
};

static void put(struct blob *b, const void *data, size_t len)
{
    if (len > sizeof b->at - b->len) {
        b->full = true;
        return;
    }
    memcpy(b->at + b->len, data, len);
    b->len += len;
}

static void put32(struct blob *b, uint32_t n)
{
    uint8_t four[4];

    enc_put32(four, n);
    put(b, four, sizeof four);
}

static void put_string(struct blob *b, const void *data, size_t len)
{
    put32(b, (uint32_t)len);
    put(b, data, len);
}

static void put_text(struct blob *b, const char *text)
{
    put_string(b, text, strlen(text));
}

static void public_blob(struct blob *b, const uint8_t pk[crypto_sign_PUBLICKEYBYTES])
{
    put_text(b, ED25519);
    put_string(b, pk, crypto_sign_PUBLICKEYBYTES);
}

int ssh_key_public(char out[SSH_KEY_PUBLIC_SIZE], const uint8_t seed[SSH_KEY_SEED],
                   const char *comment)
{
    uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
    struct blob b = {.len = 0};
    char text[128];

    (void)crypto_sign_seed_keypair(pk, sk, seed);
    sodium_memzero(sk, sizeof sk);
    public_blob(&b, pk);
    if (enc_base64(text, sizeof text, b.at, b.len) == -1)
        return -1;
    return str_format(out, SSH_KEY_PUBLIC_SIZE, ED25519 " %s %s", text, comment);
}

/* The part that would be encrypted, had it a passphrase. */
static void private_blob(struct blob *b, const uint8_t *pk, const uint8_t *sk, const char *comment)
{
    uint32_t check = randombytes_random();

    put32(b, check);
    put32(b, check);
    public_blob(b, pk);
    put_string(b, sk, crypto_sign_SECRETKEYBYTES);
    put_text(b, comment);
    for (uint8_t pad = 1; b->len % 8 != 0 && !b->full; pad++)
        put(b, &pad, 1);
}

int ssh_key_file(char out[SSH_KEY_FILE_SIZE], const uint8_t seed[SSH_KEY_SEED], const char *comment)
{
    uint8_t pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
    struct blob whole = {.len = 0}, public = {.len = 0}, private = {.len = 0};
    char text[SSH_KEY_FILE_SIZE];
    size_t used;
    int len, rc = -1;

    (void)crypto_sign_seed_keypair(pk, sk, seed);
    public_blob(&public, pk);
    private_blob(&private, pk, sk, comment);
    put(&whole, "openssh-key-v1", sizeof "openssh-key-v1");
    put_text(&whole, "none"); /* cipher, what makes its key, options of that: it has none */
    put_text(&whole, "none");
    put_text(&whole, "");
    put32(&whole, 1);
    put_string(&whole, public.at, public.len);
    put_string(&whole, private.at, private.len);
    (void)str_copy(out, SSH_KEY_FILE_SIZE, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    used = strlen(out);
    if (!whole.full && (len = enc_base64(text, sizeof text, whole.at, whole.len)) != -1) {
        for (size_t at = 0; at < (size_t)len; at += WIDTH, used = strlen(out))
            if (str_format(out + used, SSH_KEY_FILE_SIZE - used, "%.*s\n", WIDTH, text + at) == -1)
                goto done;
        rc =
            str_format(out + used, SSH_KEY_FILE_SIZE - used, "-----END OPENSSH PRIVATE KEY-----\n");
    }
done:
    sodium_memzero(sk, sizeof sk);
    sodium_memzero(text, sizeof text);
    sodium_memzero(&private, sizeof private);
    sodium_memzero(&whole, sizeof whole);
    return rc;
}

/* ---- a host's ---- */

/* The base64 of a line's second word as bytes. Return the length or -1. */
static int line_blob(const char *line, uint8_t out[BLOB_MAX])
{
    static const char *const types[] = {
        ED25519, "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
        NULL};
    size_t type = strcspn(line, " "), len = 0, known = 0;
    const char *text = line + type + (line[type] == ' ');

    while (types[known] != NULL &&
           (strlen(types[known]) != type || strncmp(types[known], line, type) != 0))
        known++;
    if (types[known] == NULL || sodium_base642bin(out, BLOB_MAX, text, strcspn(text, " "), NULL,
                                                  &len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return -1;
    /* The key says its own type, too. */
    if (len < 4 + type || out[3] != type || memcmp(out + 4, line, type) != 0)
        return -1;
    return (int)len;
}

bool ssh_key_line(const char *text)
{
    uint8_t blob[BLOB_MAX];

    return strlen(text) < SSH_KEY_LINE_SIZE && line_blob(text, blob) != -1;
}

int ssh_key_print(char out[SSH_KEY_PRINT_SIZE], const char *line)
{
    uint8_t blob[BLOB_MAX], digest[crypto_hash_sha256_BYTES];
    char text[64];
    int len = line_blob(line, blob);

    if (len == -1)
        return -1;
    (void)crypto_hash_sha256(digest, blob, (unsigned long long)len);
    (void)enc_base64(text, sizeof text, digest, sizeof digest);
    text[strcspn(text, "=")] = '\0';
    return str_format(out, SSH_KEY_PRINT_SIZE, "SHA256:%s", text);
}
