/* Requests to the hands and configuration of blueprints: bytes from a process that was taken over.
 */
#include "fuzz.h"
#include "hands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hands_request request;
    static struct hands_reply reply;
    struct err err = {0};

    (void)fields_decode(&hands_request_fields, 1, data, size, &request, &err);
    (void)fields_decode(&hands_reply_fields, 1, data, size, &reply, &err);
    return 0;
}
