/*
 * A snapshot's header and trailer. Apart from the streams between them, because this is what a
 * reader must understand before it may trust a single byte, and what it can check without any
 * secret.
 */
#include "seal.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define MAGIC        "SETTBK1\n"
#define TRAILER      "SETTEND1"
#define SIGN_HEADER  "sett snapshot header 1"
#define SIGN_TRAILER "sett snapshot trailer 1"
#define CRITICAL_END 0x8000u
#define MEMORY_LEAST 8u
#define MEMORY_MOST  (1024u * 1024u) /* KiB that a file may make us use */
#define PASSES_MOST  16u

/* Within the trailer. */
#define DIGEST_AT 16
#define SIZES_AT  (DIGEST_AT + 64)
#define SIGN_AT   (SIZES_AT + 32 + 16)

enum {
    SUITE = 1,
    ID,
    BOX,
    NUMBER,
    CREATED,
    PREVIOUS,
    SCOPE,
    BASE,
    CHUNK,
    SIGNER,
    RECIPIENT,
    MADE_BY,
    SCHEMA,
    LAYOUT,
    SIGNERS = 0x8001
};

static int corrupt(struct err *err, const char *what)
{
    return err_set(err, ERR_CORRUPT, "snapshot_corrupt",
                   "the snapshot is damaged or was changed: %s", what);
}

/* ---- keys ---- */

static void derive(uint8_t out[SEAL_KEY], const uint8_t key[SEAL_KEY], const char *label,
                   const uint8_t id[SEAL_ID])
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, key, SEAL_KEY, SEAL_KEY);
    (void)crypto_generichash_update(&state, (const uint8_t *)label, strlen(label));
    (void)crypto_generichash_update(&state, id, SEAL_ID);
    (void)crypto_generichash_final(&state, out, SEAL_KEY);
    sodium_memzero(&state, sizeof state);
}

void seal_keys(const uint8_t file_key[SEAL_KEY], const uint8_t id[SEAL_ID], struct seal_keys *out)
{
    derive(out->mac, file_key, "sett mac 1", id);
    derive(out->sizes, file_key, "sett sizes 1", id);
    derive(out->section[0], file_key, "sett control 1", id);
    derive(out->section[1], file_key, "sett tenants 1", id);
}

static int stretch(const struct seal_recipient *r, const char *passphrase, uint8_t key[SEAL_KEY],
                   struct err *err)
{
    if (crypto_pwhash(key, SEAL_KEY, passphrase, strlen(passphrase), r->salt, r->passes,
                      (size_t)r->memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) == 0)
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to stretch the passphrase: %u KiB",
                   r->memory_kib);
}

int seal_to_passphrase(struct seal_recipient *r, const char *passphrase, uint32_t memory_kib,
                       uint32_t passes, struct err *err)
{
    uint8_t key[SEAL_KEY];

    memset(r, 0, sizeof *r);
    r->kind = SEAL_TO_PASSPHRASE;
    r->memory_kib = memory_kib;
    r->passes = passes;
    randombytes_buf(r->salt, sizeof r->salt);
    if (stretch(r, passphrase, key, err) == -1)
        return -1;
    (void)crypto_scalarmult_base(r->public_key, key);
    sodium_memzero(key, sizeof key);
    return 0;
}

int seal_passphrase_secret(const struct seal_header *h, const char *passphrase,
                           uint8_t secret_key[32], struct err *err)
{
    uint8_t public_key[32];

    for (uint32_t i = 0; i < h->recipient_count; i++) {
        const struct seal_recipient *r = &h->recipients[i];

        if (r->kind != SEAL_TO_PASSPHRASE)
            continue;
        if (stretch(r, passphrase, secret_key, err) == -1)
            return -1;
        (void)crypto_scalarmult_base(public_key, secret_key);
        if (memcmp(public_key, r->public_key, sizeof public_key) == 0)
            return 0;
    }
    sodium_memzero(secret_key, 32);
    (void)err_set(err, ERR_FORBIDDEN, "snapshot_not_yours",
                  "this passphrase does not open the snapshot");
    return err_hint(err, "sett snapshot show FILE tells the keys that it is sealed to");
}

/* ---- writing ---- */

static void put(struct buf *out, uint16_t type, const void *data, size_t len)
{
    uint8_t head[6];

    enc_put16(head, type);
    enc_put32(head + 2, (uint32_t)len);
    (void)buf_add(out, head, sizeof head);
    (void)buf_add(out, data, len);
}

static void put_number(struct buf *out, uint16_t type, uint64_t n, size_t bytes)
{
    uint8_t text[8];

    enc_put64(text, n);
    put(out, type, text + 8 - bytes, bytes);
}

static void put_text(struct buf *out, uint16_t type, const char *text)
{
    if (text[0] != '\0')
        put(out, type, text, strlen(text));
}

static int put_recipient(struct buf *out, const struct seal_recipient *r,
                         const uint8_t file_key[SEAL_KEY], struct err *err)
{
    uint8_t text[1 + 24 + 32 + 80];
    size_t at = 1;

    text[0] = r->kind;
    if (r->kind == SEAL_TO_PASSPHRASE) {
        memcpy(text + 1, r->salt, 16);
        enc_put32(text + 17, r->passes);
        enc_put32(text + 21, r->memory_kib);
        at += 24;
    }
    memcpy(text + at, r->public_key, 32);
    if (crypto_box_seal(text + at + 32, file_key, SEAL_KEY, r->public_key) != 0)
        return err_set(err, ERR_INVALID, "recipient_key", "a recipient's key is none");
    put(out, RECIPIENT, text, at + 32 + 80);
    return 0;
}

static int put_fields(const struct seal_header *h, const uint8_t file_key[SEAL_KEY],
                      struct buf *out, struct err *err)
{
    uint8_t base[SEAL_ID + SEAL_HASH], link[SUCCESSION_LINK];

    put_number(out, SUITE, 1, 2);
    put(out, ID, h->id, SEAL_ID);
    put_text(out, BOX, h->box_id);
    put_number(out, NUMBER, h->number, 8);
    put_number(out, CREATED, (uint64_t)h->created_at, 8);
    if (h->has_previous)
        put(out, PREVIOUS, h->previous, SEAL_HASH);
    put_text(out, SCOPE, h->scope);
    if (h->incremental) {
        memcpy(base, h->base_id, SEAL_ID);
        memcpy(base + SEAL_ID, h->base_hash, SEAL_HASH);
        put(out, BASE, base, sizeof base);
    }
    put_number(out, CHUNK, h->chunk, 4);
    put(out, SIGNER, h->signer, sizeof h->signer);
    for (uint32_t i = 0; i < h->recipient_count; i++)
        if (put_recipient(out, &h->recipients[i], file_key, err) == -1)
            return -1;
    put_text(out, MADE_BY, h->made_by);
    put_number(out, SCHEMA, h->schema, 4);
    put_number(out, LAYOUT, h->layout, 2);
    for (unsigned i = 0; i < h->signers.count; i++) {
        succession_put(&h->signers.links[i], link);
        put(out, SIGNERS, link, sizeof link);
    }
    return 0;
}

#define SAID_MOST 192 /* a label and the longest that is signed under it */

_Static_assert(sizeof SIGN_TRAILER - 1 + SEAL_HASH + SIGN_AT - 8 <= SAID_MOST, "the trailer");

/* What is signed: the label, so that no signature can stand for another kind, then the data. */
static size_t compose(uint8_t out[SAID_MOST], const char *label, const void *data, size_t len)
{
    size_t label_len = strlen(label);

    /* Bytes, not text. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(out, label, label_len);
    memcpy(out + label_len, data, len);
    return label_len + len;
}

static void sign(const char *label, const void *data, size_t len, const uint8_t key[64],
                 uint8_t out[64])
{
    uint8_t message[SAID_MOST];

    (void)crypto_sign_detached(out, NULL, message, compose(message, label, data, len), key);
}

static bool signed_by(const char *label, const void *data, size_t len, const uint8_t signature[64],
                      const uint8_t public_key[32])
{
    uint8_t message[SAID_MOST];

    return crypto_sign_verify_detached(signature, message, compose(message, label, data, len),
                                       public_key) == 0;
}

int seal_header_write(struct seal_header *h, const uint8_t file_key[SEAL_KEY],
                      const uint8_t signing_key[64], struct buf *out, struct err *err)
{
    uint8_t tail[SEAL_HASH + 64], *length;
    struct seal_keys keys;
    size_t start = out->len;
    int rc;

    (void)crypto_sign_ed25519_sk_to_pk(h->signer, signing_key);
    if (h->recipient_count == 0 || h->recipient_count > SEAL_RECIPIENTS)
        return err_set(err, ERR_INVALID, "recipients", "a snapshot has 1 to %u recipients",
                       SEAL_RECIPIENTS);
    (void)buf_text(out, MAGIC);
    (void)buf_add(out, "\0\0\0\0", 4);
    rc = put_fields(h, file_key, out, err);
    if (rc == -1)
        return -1;
    if (out->data == NULL || out->len - start > SEAL_HEADER_MAX)
        return err_set(err, ERR_TOO_LARGE, "header_too_long", "the snapshot's header is too long");
    length = (uint8_t *)out->data + start + 8;
    enc_put32(length, (uint32_t)(out->len - start - SEAL_PREFIX));
    seal_keys(file_key, h->id, &keys);
    (void)crypto_generichash(tail, SEAL_HASH, (const uint8_t *)out->data + start, out->len - start,
                             keys.mac, SEAL_KEY);
    sodium_memzero(&keys, sizeof keys);
    (void)buf_add(out, tail, SEAL_HASH);
    (void)crypto_generichash(h->hash, SEAL_HASH, (const uint8_t *)out->data + start,
                             out->len - start, NULL, 0);
    sign(SIGN_HEADER, h->hash, SEAL_HASH, signing_key, tail + SEAL_HASH);
    if (buf_add(out, tail + SEAL_HASH, 64) == -1)
        return err_set(err, ERR_TOO_LARGE, "header_too_long", "the snapshot's header is too long");
    return 0;
}

/* ---- reading ---- */

size_t seal_header_size(const uint8_t *prefix, size_t len, struct err *err)
{
    uint32_t length;

    if (len < SEAL_PREFIX || memcmp(prefix, MAGIC, 7) != 0) {
        (void)err_set(err, ERR_CORRUPT, "not_a_snapshot", "this is not a snapshot");
        return 0;
    }
    if (memcmp(prefix, MAGIC, 8) != 0 || (length = enc_get32(prefix + 8)) > SEAL_HEADER_MAX) {
        (void)corrupt(err, "its first bytes");
        return 0;
    }
    return SEAL_PREFIX + (size_t)length + SEAL_HASH + 64;
}

/* What a field must have: exactly ${size} bytes, or 1 to ${size} - 1 of text. */
static const struct rule {
    uint16_t type;
    bool text, optional;
    size_t size, offset;
} rules[] = {
    {ID, false, false, SEAL_ID, offsetof(struct seal_header, id)},
    {BOX, true, false, ID_SIZE, offsetof(struct seal_header, box_id)},
    {PREVIOUS, false, true, SEAL_HASH, offsetof(struct seal_header, previous)},
    {SCOPE, true, false, 64, offsetof(struct seal_header, scope)},
    {SIGNER, false, false, 32, offsetof(struct seal_header, signer)},
    {MADE_BY, true, true, 64, offsetof(struct seal_header, made_by)},
    {SUITE, false, false, 2, SIZE_MAX},
    {NUMBER, false, false, 8, SIZE_MAX},
    {CREATED, false, false, 8, SIZE_MAX},
    {BASE, false, true, SEAL_ID + SEAL_HASH, SIZE_MAX},
    {CHUNK, false, false, 4, SIZE_MAX},
    {SCHEMA, false, false, 4, SIZE_MAX},
    {LAYOUT, false, false, 2, SIZE_MAX},
};
#define RULES (sizeof rules / sizeof rules[0])

static bool clean_text(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] < 0x20 || data[i] == 0x7f)
            return false;
    return str_utf8((const char *)data, len);
}

static int take_recipient(struct seal_header *h, const uint8_t *data, size_t len, struct err *err)
{
    struct seal_recipient *r = &h->recipients[h->recipient_count];

    if (h->recipient_count == SEAL_RECIPIENTS || len == 0)
        return corrupt(err, "its recipients");
    r->kind = data[0];
    if (r->kind == SEAL_TO_KEY && len == 113) {
        data += 1;
    } else if (r->kind == SEAL_TO_PASSPHRASE && len == 137) {
        memcpy(r->salt, data + 1, 16);
        r->passes = enc_get32(data + 17);
        r->memory_kib = enc_get32(data + 21);
        if (r->passes < 1 || r->passes > PASSES_MOST || r->memory_kib < MEMORY_LEAST ||
            r->memory_kib > MEMORY_MOST)
            return corrupt(err, "the cost of its passphrase");
        data += 25;
    } else {
        return corrupt(err, "a recipient");
    }
    memcpy(r->public_key, data, 32);
    memcpy(r->sealed, data + 32, 80);
    h->recipient_count++;
    return 0;
}

static int take_signer(struct seal_header *h, const uint8_t *data, size_t len, struct err *err)
{
    if (len != SUCCESSION_LINK || h->signers.count == SUCCESSION_MOST)
        return corrupt(err, "its signers");
    succession_take(data, &h->signers.links[h->signers.count++]);
    return 0;
}

static void take_number(struct seal_header *h, uint16_t type, const uint8_t *data)
{
    switch (type) {
    case NUMBER:
        h->number = enc_get64(data);
        break;
    case CREATED:
        h->created_at = (int64_t)enc_get64(data);
        break;
    case BASE:
        h->incremental = true;
        memcpy(h->base_id, data, SEAL_ID);
        memcpy(h->base_hash, data + SEAL_ID, SEAL_HASH);
        break;
    case CHUNK:
        h->chunk = enc_get32(data);
        break;
    case SCHEMA:
        h->schema = enc_get32(data);
        break;
    case LAYOUT:
        h->layout = enc_get16(data);
        break;
    default:
        break;
    }
}

static int take_field(struct seal_header *h, uint16_t type, const uint8_t *data, size_t len,
                      uint32_t *seen, struct err *err)
{
    if (type == RECIPIENT)
        return take_recipient(h, data, len, err);
    if (type == SIGNERS)
        return take_signer(h, data, len, err);
    for (size_t i = 0; i < RULES; i++) {
        const struct rule *r = &rules[i];

        if (r->type != type)
            continue;
        if ((*seen & 1u << i) != 0 ||
            (r->text ? len == 0 || len >= r->size || !clean_text(data, len) : len != r->size))
            return corrupt(err, "a field of its header");
        *seen |= 1u << i;
        if (r->offset != SIZE_MAX)
            memcpy((char *)h + r->offset, data, len);
        else if (type == SUITE && enc_get16(data) != 1)
            return err_set(err, ERR_PRECONDITION, "snapshot_newer",
                           "the snapshot is of a suite %u that this sett does not know",
                           enc_get16(data));
        take_number(h, type, data);
        return 0;
    }
    if (type < CRITICAL_END)
        return err_set(err, ERR_PRECONDITION, "snapshot_newer",
                       "the snapshot has a field %u that this sett does not know", type);
    return 0;
}

static int check_whole(const struct seal_header *h, uint32_t seen, struct err *err)
{
    for (size_t i = 0; i < RULES; i++)
        if (!rules[i].optional && (seen & 1u << i) == 0)
            return corrupt(err, "a field is missing from its header");
    if (h->recipient_count == 0)
        return corrupt(err, "its recipients");
    if (h->chunk < SEAL_CHUNK_LEAST || h->chunk > SEAL_CHUNK_MOST || h->number == 0 ||
        h->created_at < 0)
        return corrupt(err, "a number in its header");
    if (h->layout != 1)
        return err_set(err, ERR_PRECONDITION, "snapshot_newer",
                       "the snapshot has a layout %u that this sett does not know", h->layout);
    return 0;
}

int seal_header_read(const uint8_t *data, size_t len, struct seal_header *h, struct err *err)
{
    size_t size = seal_header_size(data, len, err), at = SEAL_PREFIX, end;
    uint32_t seen = 0;

    memset(h, 0, sizeof *h);
    if (size == 0)
        return -1;
    if (len != size)
        return corrupt(err, "its header is cut off");
    end = size - SEAL_HASH - 64;
    while (at < end) {
        uint32_t n;

        if (end - at < 6 || (n = enc_get32(data + at + 2)) > end - at - 6)
            return corrupt(err, "its header");
        if (take_field(h, enc_get16(data + at), data + at + 6, n, &seen, err) == -1)
            return -1;
        at += 6 + (size_t)n;
    }
    for (size_t i = 0; i < RULES; i++)
        if (rules[i].type == PREVIOUS)
            h->has_previous = (seen & 1u << i) != 0;
    if (check_whole(h, seen, err) == -1)
        return -1;
    (void)crypto_generichash(h->hash, SEAL_HASH, data, size - 64, NULL, 0);
    if (!signed_by(SIGN_HEADER, h->hash, SEAL_HASH, data + size - 64, h->signer))
        return corrupt(err, "the signature of its header");
    return 0;
}

int seal_header_prove(const uint8_t *data, size_t len, const struct seal_header *h,
                      const uint8_t file_key[SEAL_KEY], struct err *err)
{
    uint8_t mac[SEAL_HASH];
    struct seal_keys keys;
    bool same;

    if (len < SEAL_PREFIX + SEAL_HASH + 64)
        return corrupt(err, "its header is cut off");
    seal_keys(file_key, h->id, &keys);
    (void)crypto_generichash(mac, sizeof mac, data, len - 64 - SEAL_HASH, keys.mac, SEAL_KEY);
    sodium_memzero(&keys, sizeof keys);
    same = sodium_memcmp(mac, data + len - 64 - SEAL_HASH, sizeof mac) == 0;
    return same ? 0 : corrupt(err, "the code of its header");
}

int seal_header_open(const uint8_t *data, size_t len, const struct seal_header *h,
                     const uint8_t *secret_key, const char *passphrase, uint8_t file_key[SEAL_KEY],
                     struct err *err)
{
    uint8_t public_key[32], own[32];
    bool open = false;

    if (secret_key == NULL) {
        if (passphrase == NULL || seal_passphrase_secret(h, passphrase, own, err) == -1)
            return passphrase == NULL ? err_set(err, ERR_FORBIDDEN, "no_secret", "no secret") : -1;
        secret_key = own;
    }
    (void)crypto_scalarmult_base(public_key, secret_key);
    for (uint32_t i = 0; i < h->recipient_count && !open; i++)
        open = memcmp(h->recipients[i].public_key, public_key, 32) == 0 &&
               crypto_box_seal_open(file_key, h->recipients[i].sealed, 80, public_key,
                                    secret_key) == 0;
    sodium_memzero(own, sizeof own);
    if (!open) {
        (void)err_set(err, ERR_FORBIDDEN, "snapshot_not_yours",
                      "this recovery secret or passphrase does not open the snapshot");
        return err_hint(err, "sett snapshot show FILE tells the keys that it is sealed to");
    }
    return seal_header_prove(data, len, h, file_key, err);
}

/* ---- trailer, chunks ---- */

size_t seal_room(const char *data, size_t len)
{
    size_t room = 0;

    while (len > 0) {
        size_t n = len < SEAL_PIECE ? len : SEAL_PIECE;

        if (data[0] != 0 || memcmp(data, data + 1, n - 1) != 0)
            room += SEAL_PIECE;
        data += n;
        len -= n;
    }
    return room;
}

/* Whether it is signed: header, length, digest, sizes. */
static bool trailer_signed(const struct seal_header *h, const uint8_t trailer[SEAL_TRAILER])
{
    uint8_t said[SEAL_HASH + SIGN_AT - 8];

    memcpy(said, h->hash, SEAL_HASH);
    memcpy(said + SEAL_HASH, trailer + 8, SIGN_AT - 8);
    return signed_by(SIGN_TRAILER, said, sizeof said, trailer + SIGN_AT, h->signer);
}

void seal_trailer_write(const struct seal_header *h, uint64_t length, const uint8_t digest[64],
                        const struct seal_keys *keys, const struct seal_sizes *sizes,
                        const uint8_t signing_key[64], uint8_t out[SEAL_TRAILER])
{
    uint8_t said[SEAL_HASH + SIGN_AT - 8], plain[32];

    /* Bytes, not text. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(out, TRAILER, 8);
    enc_put64(out + 8, length);
    memcpy(out + DIGEST_AT, digest, 64);
    enc_put64(plain, sizes->bytes);
    enc_put64(plain + 8, sizes->room);
    enc_put64(plain + 16, sizes->members);
    enc_put64(plain + 24, sizes->lists);
    (void)crypto_secretbox_easy(out + SIZES_AT, plain, sizeof plain, digest, keys->sizes);
    memcpy(said, h->hash, SEAL_HASH);
    memcpy(said + SEAL_HASH, out + 8, SIGN_AT - 8);
    sign(SIGN_TRAILER, said, sizeof said, signing_key, out + SIGN_AT);
}

int seal_trailer_check(const struct seal_header *h, uint64_t length, const uint8_t digest[64],
                       const uint8_t trailer[SEAL_TRAILER], struct err *err)
{
    if (memcmp(trailer, TRAILER, 8) != 0 || enc_get64(trailer + 8) != length)
        return corrupt(err, "its end");
    if (memcmp(trailer + DIGEST_AT, digest, 64) != 0)
        return corrupt(err, "its bytes are not those that were signed");
    return trailer_signed(h, trailer) ? 0 : corrupt(err, "the signature at its end");
}

int seal_trailer_sizes(const struct seal_header *h, uint64_t length,
                       const uint8_t trailer[SEAL_TRAILER], const struct seal_keys *keys,
                       struct seal_sizes *sizes, struct err *err)
{
    uint8_t plain[32];

    if (memcmp(trailer, TRAILER, 8) != 0 || enc_get64(trailer + 8) != length)
        return corrupt(err, "its end");
    if (!trailer_signed(h, trailer))
        return corrupt(err, "the signature at its end");
    if (crypto_secretbox_open_easy(plain, trailer + SIZES_AT, SIGN_AT - SIZES_AT,
                                   trailer + DIGEST_AT, keys->sizes) != 0)
        return corrupt(err, "the sizes at its end");
    *sizes = (struct seal_sizes){.bytes = enc_get64(plain),
                                 .room = enc_get64(plain + 8),
                                 .members = enc_get64(plain + 16),
                                 .lists = enc_get64(plain + 24)};
    return 0;
}

size_t seal_chunk_data(const struct seal_header *h, unsigned section, uint64_t number,
                       uint32_t length, uint8_t out[64])
{
    memcpy(out, h->hash, SEAL_HASH);
    out[SEAL_HASH] = (uint8_t)section;
    enc_put64(out + SEAL_HASH + 1, number);
    enc_put32(out + SEAL_HASH + 9, length);
    return SEAL_HASH + 13;
}
