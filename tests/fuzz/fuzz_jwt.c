/* Access tokens: nothing that a stranger writes may pass. */
#include "fuzz.h"
#include "jwt.h"

#include <sodium.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t key[32];
    static int ready;
    char *text = fuzz_text(data, size);
    struct jwt_claims claims;
    struct err err = {0};

    if (!ready) {
        if (sodium_init() == -1)
            abort();
        randombytes_buf(key, sizeof key);
        ready = 1;
    }
    if (jwt_read(key, "http://localhost", "sett", 1784500600, text, &claims, &err) == 0)
        abort();
    free(text);
    return 0;
}
