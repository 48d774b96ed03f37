#ifndef SETT_TLS_PAIR_H
#define SETT_TLS_PAIR_H
/*
 * The certificate that the box's web server shows, and its key: /etc/sett/tls/cert.pem and key.pem.
 * Both are links into one folder, so that one rename puts a whole pair in the place of another:
 *
 *   cert.pem -> now/cert.pem    now    -> pair-1795751143929   (what the web server has)
 *   key.pem  -> now/key.pem     before -> pair-1790000000000   (what it had before)
 *   pair-…/cert.pem (0644), key.pem (0600), kind (where it came from, one line)
 */
#include "buf.h"
#include "err.h"
#include "x509.h"

#define TLS_PATH_SIZE 512
#define TLS_PEM_MAX   (64u << 10)

/* Where a pair came from: what its file "kind" says, and for Let's Encrypt the folder of certbot's
 * lineage behind it. */
#define TLS_SELF_SIGNED "self-signed"
#define TLS_IMPORTED    "imported"
#define TLS_LETSENCRYPT "letsencrypt"

struct tls_pair {
    struct buf cert, key; /* PEM */
    char kind[32], lineage[256];
};

/** tls_pair_init(p, kind): empty. */
void tls_pair_init(struct tls_pair *p, const char *kind);

/** tls_pair_free(p): give its memory back, the key's overwritten. */
void tls_pair_free(struct tls_pair *p);

/** tls_pair_read(p, folder, err): what is in place. Without the right to read the key, p->key is
 * empty. ERR_NOT_FOUND when there is none. Return 0 or -1. */
int tls_pair_read(struct tls_pair *p, const char *folder, struct err *err);

/** tls_pair_check(p, what, key_what, x, err): whether the two belong together and could be shown;
 * *${x} is the certificate, to be freed, where all is well. ${what} and ${key_what} name them in
 * errors. Return 0 or -1. */
int tls_pair_check(const struct tls_pair *p, const char *what, const char *key_what,
                   struct x509 **x, struct err *err);

/* How a web server is asked and told: [web] test, reload, pid and key_group of sett.conf. */
struct tls_web {
    char test[512], reload[512], pid[256];
    char key_group[64]; /* may read the key, where the server does not begin as root; or "" */
};

/** tls_web_read(web, note, conf_path, err): what `sett web-server enable` noted in the file
 * ${note}, else what sett.conf says; all empty without both. 0 or -1. */
int tls_web_read(struct tls_web *web, const char *note, const char *conf_path, struct err *err);

/** tls_pair_put(p, folder, web, err): put this pair in place, have the web server test it and load
 * it. When the test fails the old pair is back before this returns. Return 0; 1 when all is in
 * place and the server could not be told (${err} says why); or -1 with the old pair in place. */
int tls_pair_put(const struct tls_pair *p, const char *folder, const struct tls_web *web,
                 struct err *err);

#endif
