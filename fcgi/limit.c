/*
 * Token buckets, sharded so that threads seldom meet. Apart because it is the one piece of state
 * that the front keeps between requests, and because its arithmetic is tested alone.
 */
#include "limit.h"
#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/mman.h>

#define SHARDS 64u
#define SETS   128u /* of a shard */
#define WAYS   8u   /* of a set */

#define MILLI 1000u /* a token, in the unit of the account */

struct bucket {
    uint64_t key;  /* 0: free */
    int64_t at_ms; /* when left was true */
    uint32_t left; /* thousandths of a token */
    uint32_t full; /* what left may reach */
};

struct limit {
    uint8_t secret[crypto_shorthash_KEYBYTES];
    pthread_mutex_t locks[SHARDS];
    struct bucket buckets[SHARDS][SETS][WAYS];
};

int limit_new(struct limit **limit, struct err *err)
{
    if (sodium_init() < 0) {
        return err_set(err, ERR_INTERNAL, "random", "no source of randomness");
    }
    struct limit *l =
        mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (l == MAP_FAILED) {
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the limits of rate");
    }
    crypto_shorthash_keygen(l->secret);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&l->locks[i], NULL);
    }
    *limit = l;
    return 0;
}

void limit_free(struct limit *limit)
{
    if (limit != NULL) {
        munmap(limit, sizeof(*limit));
    }
}

void limit_address(uint8_t out[LIMIT_ADDRESS_BYTES], const char *address)
{
    uint8_t six[16];
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memset(out, 0, LIMIT_ADDRESS_BYTES);
    if (inet_pton(AF_INET, address, out + 4) == 1) {
        out[0] = 4;
    } else if (inet_pton(AF_INET6, address, six) == 1) {
        if (memcmp(six, mapped, sizeof(mapped)) == 0) {
            out[0] = 4;
            memcpy(out + 4, six + 12, 4);
        } else {
            memcpy(out, six, LIMIT_ADDRESS_BYTES);
        }
    }
}

static uint64_t key_of(const struct limit *l, enum limit_kind kind, const void *id, size_t len)
{
    uint8_t text[96];
    uint64_t key;
    text[0] = (uint8_t)kind;
    if (len > sizeof(text) - 1) {
        len = sizeof(text) - 1;
    }
    memcpy(text + 1, id, len);
    crypto_shorthash((unsigned char *)&key, text, len + 1, l->secret);
    return key == 0 ? 1 : key;
}

/* What a bucket holds at ${now_ms}, in thousandths. */
static uint32_t level(const struct bucket *b, int64_t now_ms)
{
    int64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
    if (passed >= 60000) {
        return b->full;
    }
    uint64_t sum = b->left + (uint64_t)passed * b->full / 60000u;
    return sum > b->full ? b->full : (uint32_t)sum;
}

/* The bucket of ${key}: the one it has, a free one, or that which lacks the least. */
static struct bucket *bucket_of(struct bucket set[WAYS], uint64_t key, uint32_t full,
                                int64_t now_ms)
{
    struct bucket *best = NULL;
    uint32_t best_lack = 0;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        uint32_t lack = set[i].key == 0 ? 0 : set[i].full - level(&set[i], now_ms);
        if (best == NULL || (best->key != 0 && (set[i].key == 0 || lack < best_lack))) {
            best = &set[i];
            best_lack = lack;
        }
    }
    *best = (struct bucket){.key = key, .at_ms = now_ms, .left = full, .full = full};
    return best;
}

/* The bucket's level, with the account brought up to ${now_ms}; ${take} tokens less if it has them.
 */
static uint32_t settle(struct limit *limit, enum limit_kind kind, const void *id, size_t len,
                       uint32_t full, int64_t now_ms, uint32_t take)
{
    uint64_t key = key_of(limit, kind, id, len);
    size_t shard = (size_t)(key % SHARDS);
    pthread_mutex_lock(&limit->locks[shard]);
    struct bucket *b = bucket_of(limit->buckets[shard][key / SHARDS % SETS], key, full, now_ms);
    uint32_t left = level(b, now_ms);
    if (b->full != full) { /* the setting was changed: keep the share that is left */
        left = (uint32_t)((uint64_t)left * full / b->full);
        b->full = full;
        b->left = left;
        b->at_ms = now_ms;
    }
    if (take > 0 && left >= take) {
        b->left = left - take;
        b->at_ms = now_ms;
    }
    pthread_mutex_unlock(&limit->locks[shard]);
    return left;
}

static uint32_t full_of(uint64_t per_minute)
{
    return (uint32_t)(per_minute > 1000000 ? 1000000 : per_minute) * MILLI;
}

bool limit_take(struct limit *limit, enum limit_kind kind, const void *id, size_t len,
                uint64_t per_minute, int64_t now_ms, uint32_t *wait_s)
{
    if (per_minute == 0) {
        return true;
    }
    uint32_t full = full_of(per_minute);
    uint32_t left = settle(limit, kind, id, len, full, now_ms, MILLI);
    if (left >= MILLI) {
        return true;
    }
    uint64_t wait_ms = ((uint64_t)(MILLI - left) * 60000u + full - 1) / full;
    *wait_s = (uint32_t)((wait_ms + 999) / 1000);
    return false;
}

bool limit_peek(struct limit *limit, enum limit_kind kind, const void *id, size_t len,
                uint64_t per_minute, int64_t now_ms)
{
    return per_minute == 0 || settle(limit, kind, id, len, full_of(per_minute), now_ms, 0) >= MILLI;
}
