#ifndef SETT_SEAL_H
#define SETT_SEAL_H
/*
 * Header and trailer of a snapshot: who may read it, who wrote it, what it builds on, and the keys
 * that follow from its file key. backup/FORMAT is the whole of it as text.
 */
#include <stdbool.h>
#include "buf.h"
#include "err.h"
#include "id.h"
#include "succession.h"

#define SEAL_ID          16
#define SEAL_HASH        32
#define SEAL_KEY         32
#define SEAL_RECIPIENTS  8
#define SEAL_HEADER_MAX  65536u
#define SEAL_PREFIX      12 /* magic and length */
#define SEAL_TRAILER     192
#define SEAL_CHUNK       (1024u * 1024u)
#define SEAL_CHUNK_LEAST 4096u
#define SEAL_CHUNK_MOST  (4u * 1024u * 1024u)
#define SEAL_OVERHEAD    17 /* bytes of a message beyond its plain text */
#define SEAL_STREAM      24 /* a section's first bytes */
#define SEAL_SECTIONS    2

enum seal_recipient_kind { SEAL_TO_KEY = 1, SEAL_TO_PASSPHRASE = 2 };

struct seal_recipient {
    uint8_t kind;
    uint8_t public_key[32];
    uint8_t salt[16];            /* SEAL_TO_PASSPHRASE: its secret follows from a passphrase, */
    uint32_t passes, memory_kib; /* at this cost */
    uint8_t sealed[80];          /* the file key */
};

struct seal_header {
    uint8_t id[SEAL_ID];
    char box_id[ID_SIZE];
    uint64_t number;    /* among the box's snapshots, from 1 */
    int64_t created_at; /* wall, ms */
    bool has_previous;
    uint8_t previous[SEAL_HASH];
    char scope[64]; /* "box", "tenant tn_…" */
    bool incremental;
    uint8_t base_id[SEAL_ID], base_hash[SEAL_HASH];
    uint32_t chunk; /* bytes of plain text in one */
    uint8_t signer[32];
    uint32_t recipient_count;
    struct seal_recipient recipients[SEAL_RECIPIENTS];
    char made_by[64];
    uint32_t schema;
    uint16_t layout;
    struct succession signers; /* how the signing key came to be ${signer} */
    uint8_t hash[SEAL_HASH];   /* of the header as it is in the file */
};

/* Keys of one file; to be wiped. */
struct seal_keys {
    uint8_t mac[SEAL_KEY], sizes[SEAL_KEY], section[SEAL_SECTIONS][SEAL_KEY];
};

#define SEAL_PIECE 4096u

/* How much a file holds, in both sections, without INDEX and MANIFEST. */
struct seal_sizes {
    uint64_t bytes;   /* of regular files */
    uint64_t room;    /* of these, in pieces of SEAL_PIECE that are not all zeros */
    uint64_t members; /* of all kinds */
    uint64_t lists;   /* bytes of the MANIFESTs */
};

/** seal_keys(file_key, id, out): what follows from a file key. */
void seal_keys(const uint8_t file_key[SEAL_KEY], const uint8_t id[SEAL_ID], struct seal_keys *out);

/** seal_to_passphrase(r, passphrase, memory_kib, passes, err): a recipient whose secret follows
 * from a passphrase, with a salt of its own. Takes as long as argon2id is told to. Return 0 or -1.
 */
int seal_to_passphrase(struct seal_recipient *r, const char *passphrase, uint32_t memory_kib,
                       uint32_t passes, struct err *err);

/** seal_passphrase_secret(h, passphrase, secret_key, err): the X25519 secret that follows from it,
 * if it is one of the header's recipients; likewise slow. ERR_FORBIDDEN. Return 0 or -1. */
int seal_passphrase_secret(const struct seal_header *h, const char *passphrase,
                           uint8_t secret_key[32], struct err *err);

/** seal_header_write(h, file_key, signing_key, out, err): append magic to signature. The file key
 * is sealed to the recipients here. h->signer and h->hash are set. ${signing_key}: Ed25519, 64
 * bytes. Return 0 or -1. */
int seal_header_write(struct seal_header *h, const uint8_t file_key[SEAL_KEY],
                      const uint8_t signing_key[64], struct buf *out, struct err *err);

/** seal_header_size(prefix, len, err): how many bytes magic to signature have, from their first
 * SEAL_PREFIX; 0: ERR_CORRUPT, not a snapshot, or one of a format that is not known. */
size_t seal_header_size(const uint8_t *prefix, size_t len, struct err *err);

/** seal_header_read(data, len, h, err): exactly magic to signature: bounded, every field checked,
 * the signature by the key that it names itself (is that one known? the caller compares h->signer).
 * ERR_CORRUPT; ERR_PRECONDITION for a suite, layout or critical field of a newer sett. 0 or -1. */
int seal_header_read(const uint8_t *data, size_t len, struct seal_header *h, struct err *err);

/** seal_header_open(data, len, h, secret_key, passphrase, file_key, err): the file key, for the
 * owner of the X25519 ${secret_key} or, NULL, of the ${passphrase}; the header MAC is checked.
 * ERR_FORBIDDEN when it is sealed to others; ERR_CORRUPT. Return 0 or -1. */
int seal_header_open(const uint8_t *data, size_t len, const struct seal_header *h,
                     const uint8_t *secret_key, const char *passphrase, uint8_t file_key[SEAL_KEY],
                     struct err *err);

/** seal_header_prove(data, len, h, file_key, err): that ${file_key} is the one of this header. 0 or
 * -1 (ERR_CORRUPT). */
int seal_header_prove(const uint8_t *data, size_t len, const struct seal_header *h,
                      const uint8_t file_key[SEAL_KEY], struct err *err);

/** seal_room(data, len): how many bytes of ${data}, which begins where a piece does, lie in pieces
 * that are not all zeros. */
size_t seal_room(const char *data, size_t len);

/** seal_trailer_write(h, length, digest, keys, sizes, signing_key, out): the trailer behind
 * ${length} bytes with H64 ${digest}. */
void seal_trailer_write(const struct seal_header *h, uint64_t length, const uint8_t digest[64],
                        const struct seal_keys *keys, const struct seal_sizes *sizes,
                        const uint8_t signing_key[64], uint8_t out[SEAL_TRAILER]);

/** seal_trailer_check(h, length, digest, trailer, err): ERR_CORRUPT. Return 0 or -1. */
int seal_trailer_check(const struct seal_header *h, uint64_t length, const uint8_t digest[64],
                       const uint8_t trailer[SEAL_TRAILER], struct err *err);

/** seal_trailer_sizes(h, length, trailer, keys, sizes, err): what the trailer behind ${length}
 * bytes, none of which need have been read, tells of them: its signature is checked, its digest is
 * not. ERR_CORRUPT. Return 0 or -1. */
int seal_trailer_sizes(const struct seal_header *h, uint64_t length,
                       const uint8_t trailer[SEAL_TRAILER], const struct seal_keys *keys,
                       struct seal_sizes *sizes, struct err *err);

/** seal_chunk_data(h, section, number, length, out): the associated data of a message; returns how
 * many bytes of ${out} it has. ${section} counts from 1. */
size_t seal_chunk_data(const struct seal_header *h, unsigned section, uint64_t number,
                       uint32_t length, uint8_t out[64]);

#endif
