/*
 * libcrypto's certificates. Apart, so that no other file knows it; in a context of its own, so that
 * what a machine's openssl.cnf says is neither read nor heeded. Making one is in x509_make.c.
 */
#include "x509.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "enc.h"
#include "file.h"
#include "str.h"

#define CHAIN_MOST  10
#define FILE_MAX    (64u << 10)
#define STRENGTH    112 /* bits of security; what SECLEVEL=2 demands */
#define SKEW_MS     INT64_C(300000)
#define PEM_PRIVATE "PRIVATE KEY-----"

struct x509 {
    OSSL_LIB_CTX *library;
    X509 *at[CHAIN_MOST]; /* [0]: the certificate itself */
    unsigned count;
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a certificate");
}

/* What somebody gave who did not give PEM. */
static int not_pem(const struct buf *pem, const char *what, struct err *err)
{
    const char *text = buf_string(pem);

    (void)err_field(err, "certificate", "certificate_unreadable", "%s holds no certificate in PEM",
                    what);
    if (strstr(text, PEM_PRIVATE) != NULL)
        return err_hint(err, "It is the private key; the certificate is the file that begins with "
                             "-----BEGIN CERTIFICATE-----.");
    if (strstr(text, "CERTIFICATE REQUEST") != NULL)
        return err_hint(err, "It is a request; the certificate is what was answered to it.");
    if (text[0] == 0x30 && pem->len > 1) /* a SEQUENCE */
        return err_hint(err, "It is binary. A DER file: openssl x509 -inform der -in FILE -out "
                             "cert.pem; a PKCS#12 file: openssl pkcs12 -nodes -in FILE -out "
                             "both.pem, and import that.");
    return err_hint(err, "Give the file that begins with -----BEGIN CERTIFICATE-----, whole.");
}

int x509_open(struct x509 **out, const struct buf *pem, const char *what, struct err *err)
{
    struct x509 *x = calloc(1, sizeof *x);
    BIO *bio = BIO_new_mem_buf(pem->data == NULL ? "" : pem->data, (int)pem->len);
    int rc = -1;

    if (x == NULL || bio == NULL || (x->library = OSSL_LIB_CTX_new()) == NULL) {
        (void)no_memory(err);
        goto done;
    }
    while (x->count < CHAIN_MOST) {
        X509 *one = X509_new_ex(x->library, NULL);
        if (one == NULL || PEM_read_bio_X509(bio, &one, NULL, NULL) == NULL) {
            X509_free(one);
            break;
        }
        x->at[x->count++] = one;
    }
    if (x->count == 0)
        (void)not_pem(pem, what, err);
    else if (x->count == CHAIN_MOST)
        (void)err_field(err, "certificate", "chain_long", "%s holds more than %d certificates",
                        what, CHAIN_MOST - 1);
    else
        rc = 0;
done:
    ERR_clear_error();
    BIO_free(bio);
    if (rc == 0)
        *out = x;
    else
        x509_free(x);
    return rc;
}

void x509_free(struct x509 *x)
{
    if (x == NULL)
        return;
    for (unsigned i = 0; i < x->count; i++)
        X509_free(x->at[i]);
    OSSL_LIB_CTX_free(x->library);
    free(x);
}

static int64_t time_ms(const ASN1_TIME *t)
{
    struct tm tm;

    return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

/* "CN=box.example.com", or "O=…, CN=…". */
static void name_text(char *out, size_t size, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len;

    out[0] = '\0';
    if (bio == NULL)
        return;
    (void)X509_NAME_print_ex(bio, name, 0,
                             XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB);
    if ((len = BIO_get_mem_data(bio, &text)) > 0)
        (void)str_copy_n(out, size, text, (size_t)len < size ? (size_t)len : size - 1);
    BIO_free(bio);
}

static void one_name(struct x509_facts *f, const GENERAL_NAME *name)
{
    char text[300] = "";
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    size_t used = strlen(f->names), len;

    if (type == GEN_DNS)
        (void)str_copy_n(text, sizeof text, (const char *)ASN1_STRING_get0_data(value),
                         (size_t)ASN1_STRING_length(value));
    else if (type == GEN_IPADD)
        (void)inet_ntop(ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6,
                        ASN1_STRING_get0_data(value), text, sizeof text);
    len = strlen(text);
    if (len > 0 && used + len + 3 < sizeof f->names)
        (void)str_format(f->names + used, sizeof f->names - used, "%s%s", used > 0 ? ", " : "",
                         text);
}

void x509_tell(const struct x509 *x, struct x509_facts *f)
{
    X509 *own = x->at[0];
    GENERAL_NAMES *names = X509_get_ext_d2i(own, NID_subject_alt_name, NULL, NULL);
    const EVP_PKEY *key = X509_get0_pubkey(own);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    memset(f, 0, sizeof *f);
    name_text(f->subject, sizeof f->subject, X509_get_subject_name(own));
    name_text(f->issuer, sizeof f->issuer, X509_get_issuer_name(own));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        one_name(f, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    f->from_ms = time_ms(X509_get0_notBefore(own));
    f->until_ms = time_ms(X509_get0_notAfter(own));
    f->self_signed = X509_self_signed(own, 0) == 1;
    f->chain = x->count;
    if (key != NULL)
        (void)str_format(f->key, sizeof f->key, "%.16s %d bit", EVP_PKEY_get0_type_name(key),
                         EVP_PKEY_get_bits(key));
    if (X509_digest(own, EVP_sha256(), digest, &len) == 1 && len == 32)
        enc_hex(f->fingerprint, digest, len);
    ERR_clear_error();
}

static int in_order(const struct x509 *x, const char *what, struct err *err)
{
    for (unsigned i = 0; i + 1 < x->count; i++) {
        if (X509_check_issued(x->at[i + 1], x->at[i]) == X509_V_OK)
            continue;
        (void)err_field(err, "certificate", "chain_order",
                        "%s: certificate %u was not issued by the one behind it", what, i + 1);
        return err_hint(err, "The order is: the host's own, then who issued it, then who issued "
                             "that. Put the blocks in this order, and leave out the root.");
    }
    return 0;
}

static int in_time(const struct x509_facts *f, int64_t now_ms, const char *what, struct err *err)
{
    char day[CLOCK_TEXT_SIZE];

    if (f->until_ms <= now_ms) {
        clock_text(day, f->until_ms);
        (void)err_field(err, "certificate", "certificate_ended", "%s ended on %.10s", what, day);
        return err_hint(err, "Fetch the renewed one from whoever issued it (%.80s).", f->issuer);
    }
    if (f->from_ms <= now_ms + SKEW_MS)
        return 0;
    clock_text(day, f->from_ms);
    (void)err_field(err, "certificate", "certificate_early", "%s begins only on %.16s", what, day);
    return err_hint(err, "If it was made today, this box's clock is wrong: timedatectl.");
}

int x509_usable(const struct x509 *x, int64_t now_ms, const char *what, struct err *err)
{
    struct x509_facts f;
    EVP_PKEY *key = X509_get0_pubkey(x->at[0]);
    int bits = 0;

    x509_tell(x, &f);
    if (in_order(x, what, err) == -1 || in_time(&f, now_ms, what, err) == -1)
        return -1;
    if (f.names[0] == '\0') {
        (void)err_field(err, "certificate", "certificate_nameless",
                        "%s names no host (it has no subjectAltName)", what);
        return err_hint(err, "Browsers take no other: have it issued again, with the host's name.");
    }
    if (key == NULL || EVP_PKEY_get_security_bits(key) < STRENGTH ||
        (!f.self_signed && X509_get_signature_info(x->at[0], NULL, NULL, &bits, NULL) == 1 &&
         bits < STRENGTH)) {
        (void)err_field(err, "certificate", "certificate_weak",
                        "%s has a key (%s) or a signature that web servers refuse as too weak",
                        what, f.key);
        return err_hint(err, "Have it issued again: a key EC P-256 or RSA 2048, signed with "
                             "SHA-256.");
    }
    return 0;
}

/* Nobody is here to type a passphrase. */
static int no_passphrase(char *out, int size, int writing, void *arg)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *key_read(OSSL_LIB_CTX *library, const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->data == NULL ? "" : pem->data, (int)pem->len);
    EVP_PKEY *key = NULL;

    if (bio != NULL)
        key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, NULL, library, NULL);
    BIO_free(bio);
    return key;
}

int x509_key(const struct x509 *x, const struct buf *pem, const char *what, struct err *err)
{
    const char *text = buf_string(pem);
    EVP_PKEY *key;
    int rc = 0;

    if (strstr(text, "ENCRYPTED PRIVATE KEY") != NULL || strstr(text, "Proc-Type: 4,ENC") != NULL) {
        (void)err_field(err, "key", "key_encrypted",
                        "%s is under a passphrase, which nobody could type when the web server "
                        "starts",
                        what);
        return err_hint(err, "openssl pkey -in KEY -out plain.pem (it asks for the passphrase), "
                             "import plain.pem, then shred -u plain.pem.");
    }
    if ((key = key_read(x->library, pem)) == NULL) {
        (void)err_field(err, "key", "key_unreadable", "%s holds no private key in PEM", what);
        (void)err_hint(err, "Give the file that begins with -----BEGIN PRIVATE KEY----- (or EC, "
                            "or RSA).");
        rc = -1;
    } else if (X509_check_private_key(x->at[0], key) != 1) {
        (void)err_field(err, "key", "key_foreign", "%s is not the key of this certificate", what);
        (void)err_hint(err, "The two were made at different times: look for the key from when this "
                            "certificate was asked for, or have it issued again.");
        rc = -1;
    }
    EVP_PKEY_free(key);
    ERR_clear_error();
    return rc;
}

static void take(BIO *bio, struct buf *out)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    if (len > 0)
        (void)buf_add(out, text, (size_t)len);
}

int x509_key_text(const struct buf *pem, struct buf *out, struct err *err)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    EVP_PKEY *key = library == NULL ? NULL : key_read(library, pem);
    BIO *bio = BIO_new(BIO_s_secmem());
    int rc = -1;

    if (key != NULL && bio != NULL &&
        PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        take(bio, out);
        rc = 0;
    } else
        (void)err_field(err, "key", "key_unreadable", "there is no private key in PEM");
    BIO_free(bio);
    EVP_PKEY_free(key);
    OSSL_LIB_CTX_free(library);
    ERR_clear_error();
    return rc;
}

void x509_text(const struct x509 *x, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());

    if (bio == NULL)
        return;
    for (unsigned i = 0; i < x->count; i++)
        (void)PEM_write_bio_X509(bio, x->at[i]);
    take(bio, out);
    BIO_free(bio);
}

bool x509_names(const struct x509 *x, const char *host)
{
    struct in6_addr address;
    char plain[300];
    bool is;

    (void)str_copy(plain, sizeof plain, host[0] == '[' ? host + 1 : host);
    plain[strcspn(plain, "]")] = '\0';
    if (inet_pton(AF_INET, plain, &address) == 1 || inet_pton(AF_INET6, plain, &address) == 1)
        is = X509_check_ip_asc(x->at[0], plain, 0) == 1;
    else
        is = X509_check_host(x->at[0], plain, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
    ERR_clear_error();
    return is;
}

int x509_file_until(const char *path, int64_t *until_ms, struct err *err)
{
    struct x509 *x = NULL;
    struct buf pem;
    int rc = -1;

    buf_init(&pem, FILE_MAX);
    if (file_read(path, &pem, err) == 0 && x509_open(&x, &pem, path, err) == 0) {
        *until_ms = time_ms(X509_get0_notAfter(x->at[0]));
        rc = 0;
    }
    x509_free(x);
    buf_free(&pem);
    return rc;
}
