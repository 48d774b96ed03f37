/*
 * What is written to customers, one row each with the parameters that its text speaks of. Each text
 * may speak of customer, tenant, address and box besides.
 */
#include "letter.h"

#include "str.h"

const struct letter_kind letter_kinds[] = {
    {"ready", {NULL}, true, "the tenant answers; a one-time link leads to the first credentials"},
    {"ready_plain", {NULL}, false, "the tenant answers; there are no first credentials"},
    {"credentials", {NULL}, true, "a new one-time link to the first credentials"},
    {"payment_failed", {"date"}, false, "a payment failed; suspended at a date unless it is paid"},
    {"suspended", {NULL}, false, "the tenant is suspended until it is paid for"},
    {"suspended_plain", {NULL}, false, "the tenant is suspended"},
    {"resumed", {NULL}, false, "the tenant runs again"},
    {"deletion",
     {"days", "date"},
     false,
     "the tenant and its data will be deleted in so many days"},
    {"deleted", {NULL}, false, "the tenant and its data were deleted"},
    {"domain_nameservers", {"domain", "nameservers"}, false, "name servers to enter for a domain"},
    {"domain_pending",
     {"domain", "nameservers", "days"},
     false,
     "a domain's name servers are still missing; given up in so many days"},
    {"domain_claimed",
     {"domain"},
     false,
     "another customer has proved that a domain is theirs and has taken it over"},
    {"domain_active", {"domain"}, false, "a domain leads to the tenant now"},
    {"domain_moved",
     {"domain", "nameservers", "days"},
     false,
     "a domain was led away from us; its zone is deleted in so many days"},
    {"maintenance", {"from", "until", "reason"}, false, "maintenance is announced"},
    {"message", {NULL}, false, "what an operator wrote"},
};
const size_t letter_kind_count = sizeof letter_kinds / sizeof letter_kinds[0];

const struct letter_kind *letter_kind_find(const char *name)
{
    for (size_t i = 0; i < letter_kind_count; i++)
        if (str_equal(letter_kinds[i].name, name))
            return &letter_kinds[i];
    return NULL;
}
