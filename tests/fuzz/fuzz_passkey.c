/* Passkeys: the input is client data, a NUL, authenticator data. Whoever makes one up may have a
 * key made of it, but none that is longer than what is kept; and nobody signs in by it. */
#include "fuzz.h"
#include "webauthn.h"

static const struct webauthn_site site = {.origin = "https://box.example", .rp_id = "box.example"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct webauthn_key ours = {.algorithm = WEBAUTHN_EDDSA, .key_len = 32, .key = {0x58}};
    static const uint8_t signature[64] = {1};

    memset(ours.key + 1, 0x66, 31); /* the base point of the curve */
    char *text = fuzz_text(data, size);
    size_t client = strlen(text), rest = client < size ? client + 1 : size;
    struct webauthn_answer answer = {.client_data = text,
                                     .client_len = client,
                                     .data = (const uint8_t *)text + rest,
                                     .data_len = size - rest,
                                     .signature = signature,
                                     .signature_len = sizeof signature};
    struct webauthn_key key;
    struct err err = {0};
    uint32_t counter;

    if (webauthn_fido.make(&site, "Y2g", &answer, &key, &err) == 0 &&
        (key.id_len == 0 || key.id_len > WEBAUTHN_ID_MAX || key.key_len > WEBAUTHN_KEY_MAX))
        abort();
    if (webauthn_fido.use(&site, "Y2g", &answer, &ours, &counter, &err) == 0)
        abort();
    free(text);
    return 0;
}
