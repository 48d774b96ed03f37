/* Webhook signatures: the input is a header, a NUL, a body. The secret is not in it, so none may
 * pass. */
#include "fuzz.h"
#include "stripe.h"

#include <sodium.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char secret[48];
    const char *secrets[] = {secret, "", NULL};
    char *text = fuzz_text(data, size);
    size_t header = strlen(text), body = header < size ? header + 1 : size;
    struct err err = {0};

    if (secret[0] == '\0') {
        uint8_t random[16];
        if (sodium_init() == -1)
            abort();
        randombytes_buf(random, sizeof random);
        (void)sodium_bin2hex(secret, sizeof secret, random, sizeof random);
    }
    if (stripe_signature_check(text, text + body, size - body, secrets, 3, 1784500600, 300, &err) ==
        0)
        abort();
    free(text);
    return 0;
}
