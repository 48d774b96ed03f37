#ifndef SETT_X509_H
#define SETT_X509_H
/*
 * Certificates as files: what one says, whether it, its chain and its key can serve a host, and
 * making one of one's own. Only x509.c and x509_make.c know libcrypto's types. For certificates as
 * a server shows them see certificate.h.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

#define X509_NAMES_SIZE 2048

struct x509; /* a certificate and what stands behind it in its file */

struct x509_facts {
    char subject[200], issuer[200];
    char key[32];                /* "EC 256 bit", "RSA 2048 bit" */
    char fingerprint[65];        /* SHA-256, hex */
    char names[X509_NAMES_SIZE]; /* what it is good for: "box.example.com, *.example.com, ::1" */
    int64_t from_ms, until_ms;
    bool self_signed;
    unsigned chain; /* certificates in the file, its own included */
};

/** x509_open(out, pem, what, err): read a certificate and its chain, PEM. ${what} names the file in
 * errors. ERR_INVALID says what else it seems to be. Return 0 or -1; to be freed with x509_free. */
int x509_open(struct x509 **out, const struct buf *pem, const char *what, struct err *err);

/** x509_free(x): NULL is fine. */
void x509_free(struct x509 *x);

/** x509_tell(x, facts): what it says. */
void x509_tell(const struct x509 *x, struct x509_facts *facts);

/** x509_usable(x, now_ms, what, err): whether a web server could show it: its chain in order, each
 * signed by the next, not over, not yet to come, key and signature strong enough for Debian's
 * OpenSSL, a name in it. Return 0 or -1 with what is wrong and what to do. */
int x509_usable(const struct x509 *x, int64_t now_ms, const char *what, struct err *err);

/** x509_key(x, pem, what, err): whether the private key in ${pem} is its own; one with a passphrase
 * is refused. Return 0 or -1. */
int x509_key(const struct x509 *x, const struct buf *pem, const char *what, struct err *err);

/** x509_key_text(pem, out, err): append the private key of a PEM file that may hold more. 0 or -1.
 */
int x509_key_text(const struct buf *pem, struct buf *out, struct err *err);

/** x509_text(x, out): append certificate and chain alone, PEM, in their order. */
void x509_text(const struct x509 *x, struct buf *out);

/** x509_names(x, host): whether it is good for this name or address, wildcards included. */
bool x509_names(const struct x509 *x, const char *host);

/** x509_file_until(path, until_ms, err): until when the certificate in a file is good.
 * ERR_NOT_FOUND when there is none. Return 0 or -1. */
int x509_file_until(const char *path, int64_t *until_ms, struct err *err);

/** x509_self_signed(names, count, days, cert, key, err): a new key (P-256) and a certificate signed
 * with it, good for these names and addresses from now on. The first is its subject. Appends PEM.
 * Return 0 or -1. */
int x509_self_signed(const char *const *names, unsigned count, unsigned days, struct buf *cert,
                     struct buf *key, struct err *err);

#endif
