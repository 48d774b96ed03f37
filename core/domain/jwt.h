#ifndef SETT_JWT_H
#define SETT_JWT_H
/*
 * Access tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA-256, made and read by this box
 * alone. So there is exactly one header, one set of claims and one spelling; whatever differs from
 * what jwt_make writes is refused.
 */
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "id.h"

#define JWT_MAX    2048
#define JWT_SKEW_S 60

struct jwt_claims {
    char iss[160];         /* who made it: the box's URL */
    char aud[32];          /* "sett" */
    char sub[ID_SIZE];     /* user */
    char sid[ID_SIZE];     /* session */
    char jti[ID_SIZE];     /* of the token itself */
    char role[16];         /* informative: the store's role holds */
    uint32_t epoch;        /* user's, when it was made */
    int64_t iat, nbf, exp; /* seconds since 1970 */
};

/** jwt_make(key, claims, out, size, err): write a token. ERR_TOO_LARGE if it does not fit. 0 or
 * -1. */
int jwt_make(const uint8_t key[32], const struct jwt_claims *claims, char *out, size_t size,
             struct err *err);

/** jwt_read(key, iss, aud, now_s, token, claims, err): check signature, header, spelling, issuer,
 * audience and times (with JWT_SKEW_S of skew) and read the claims. Anything wrong is
 * ERR_UNAUTHENTICATED "token_invalid" or "token_expired". Return 0 or -1. */
int jwt_read(const uint8_t key[32], const char *iss, const char *aud, int64_t now_s,
             const char *token, struct jwt_claims *claims, struct err *err);

#endif
