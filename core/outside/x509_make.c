/*
 * A certificate of one's own: what a box shows until somebody vouches for it. Apart from x509.c
 * because that one judges what others made.
 */
#include "x509.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#include <sodium.h>

#include "str.h"

#define DAY_S       86400L
#define CN_MOST     64 /* ub-common-name */
#define SERIAL_SIZE 16

/* "DNS:box.example.com,IP:192.0.2.1". Only letters of names and addresses come in. */
static int names_text(char *out, size_t size, const char *const *names, unsigned count,
                      struct err *err)
{
    struct in6_addr address;
    size_t used = 0;

    for (unsigned i = 0; i < count; i++) {
        const char *name = names[i];
        bool ip =
            inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;

        for (const char *at = name; *at != '\0'; at++)
            if (!isalnum((unsigned char)*at) && strchr(ip ? ".:" : ".-*_", *at) == NULL)
                return err_field(err, "name", "name_invalid",
                                 "\"%.100s\" is neither the name of a host nor an address", name);
        if (name[0] == '\0' || str_format(out + used, size - used, "%s%s:%s", i > 0 ? "," : "",
                                          ip ? "IP" : "DNS", name) == -1)
            return err_field(err, "name", "names_many", "a name is empty, or there are too many");
        used = strlen(out);
    }
    return 0;
}

static int add(X509 *x, X509V3_CTX *context, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, context, nid, value);
    int rc = extension != NULL && X509_add_ext(x, extension, -1) == 1 ? 0 : -1;

    X509_EXTENSION_free(extension);
    return rc;
}

/* Not an authority: who trusts this certificate trusts this box, and nothing that it might sign. */
static int extensions(X509 *x, const char *names)
{
    const struct {
        int nid;
        const char *value;
    } all[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_subject_alt_name, names},
    };
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (add(x, &context, all[i].nid, all[i].value) == -1)
            return -1;
    return 0;
}

static int serial_set(X509 *x)
{
    unsigned char bytes[SERIAL_SIZE];
    BIGNUM *n;
    int rc;

    randombytes_buf(bytes, sizeof bytes);
    bytes[0] = (unsigned char)((bytes[0] & 0x3f) | 0x40); /* positive, and of one length */
    n = BN_bin2bn(bytes, sizeof bytes, NULL);
    rc = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL ? 0 : -1;
    BN_free(n);
    return rc;
}

static int fill(X509 *x, EVP_PKEY *key, const char *subject, const char *names, unsigned days)
{
    X509_NAME *name = X509_get_subject_name(x);

    if (strlen(subject) <= CN_MOST &&
        X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)subject, -1, -1, 0) != 1)
        return -1;
    if (X509_set_version(x, X509_VERSION_3) != 1 || serial_set(x) == -1 ||
        X509_set_issuer_name(x, name) != 1 ||
        X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) == NULL || /* clocks differ */
        X509_time_adj_ex(X509_getm_notAfter(x), (int)days - 1, 0, NULL) == NULL ||
        X509_set_pubkey(x, key) != 1 || extensions(x, names) == -1)
        return -1;
    return X509_sign(x, key, EVP_sha256()) > 0 ? 0 : -1;
}

static void take(BIO *bio, struct buf *out)
{
    char *text = NULL;
    long len = BIO_get_mem_data(bio, &text);

    if (len > 0)
        (void)buf_add(out, text, (size_t)len);
}

int x509_self_signed(const char *const *names, unsigned count, unsigned days, struct buf *cert,
                     struct buf *key_out, struct err *err)
{
    OSSL_LIB_CTX *library = OSSL_LIB_CTX_new();
    BIO *open = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_secmem());
    char text[X509_NAMES_SIZE];
    EVP_PKEY *key = NULL;
    X509 *x = NULL;
    int rc = -1;

    if (names_text(text, sizeof text, names, count, err) == -1)
        goto done;
    if (library != NULL && open != NULL && secret != NULL &&
        (key = EVP_PKEY_Q_keygen(library, NULL, "EC", "P-256")) != NULL &&
        (x = X509_new_ex(library, NULL)) != NULL && fill(x, key, names[0], text, days) == 0 &&
        PEM_write_bio_X509(open, x) == 1 &&
        PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL) == 1) {
        take(open, cert);
        take(secret, key_out);
        rc = 0;
    } else
        (void)err_set(err, ERR_UNAVAILABLE, "no_certificate",
                      "libcrypto makes no certificate for %.100s: %.100s", names[0],
                      ERR_reason_error_string(ERR_peek_last_error()));
done:
    ERR_clear_error();
    X509_free(x);
    EVP_PKEY_free(key);
    BIO_free(secret);
    BIO_free(open);
    OSSL_LIB_CTX_free(library);
    return rc;
}
