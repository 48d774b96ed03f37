/*
 * What is written to customers and users, one row each with the parameters that its text speaks of.
 * Each text may speak of customer, tenant, address and box besides.
 */
#include "letter.h"

#include "str.h"

const struct letter_kind letter_kinds[] = {
    {"ready",
     {NULL},
     "reveal.html",
     "the tenant answers; a one-time link leads to the first credentials"},
    {"ready_plain", {NULL}, NULL, "the tenant answers; there are no first credentials"},
    {"credentials", {NULL}, "reveal.html", "a new one-time link to the first credentials"},
    {"payment_failed", {"date"}, NULL, "a payment failed; suspended at a date unless it is paid"},
    {"suspended", {NULL}, NULL, "the tenant is suspended until it is paid for"},
    {"suspended_plain", {NULL}, NULL, "the tenant is suspended"},
    {"resumed", {NULL}, NULL, "the tenant runs again"},
    {"deletion", {"days", "date"}, NULL, "the tenant and its data will be deleted in so many days"},
    {"deleted", {NULL}, NULL, "the tenant and its data were deleted"},
    {"domain_nameservers", {"domain", "nameservers"}, NULL, "name servers to enter for a domain"},
    {"domain_pending",
     {"domain", "nameservers", "days"},
     NULL,
     "a domain's name servers are still missing; given up in so many days"},
    {"domain_claimed",
     {"domain"},
     NULL,
     "another customer has proved that a domain is theirs and has taken it over"},
    {"domain_active", {"domain"}, NULL, "a domain leads to the tenant now"},
    {"domain_moved",
     {"domain", "nameservers", "days"},
     NULL,
     "a domain was led away from us; its zone is deleted in so many days"},
    {"maintenance", {"from", "until", "reason"}, NULL, "maintenance is announced"},
    {"message", {NULL}, NULL, "what an operator wrote"},
    {"invitation",
     {"name", "by", "until"},
     "admin/accept",
     "to a user: an invitation, with a one-time link to choose a password"},
    {"password_reset",
     {"name", "until"},
     "admin/reset",
     "to a user who has forgotten the password: a one-time link to choose a new one"},
    {"sign_in",
     {"name", "until"},
     "portal/enter",
     "to a customer who asked for it: a one-time link to sign in with"},
    {"password_changed", {NULL}, NULL, "to a user: the password of the account was changed"},
    {"second_factor_on", {NULL}, NULL, "to a user: signing in needs a second factor now"},
    {"second_factor_off", {NULL}, NULL, "to a user: signing in needs no second factor any more"},
    {"recovery_codes_new", {NULL}, NULL, "to a user: there are new recovery codes"},
    {"passkey_added", {NULL}, NULL, "to a user: a passkey was added"},
    {"passkey_removed", {NULL}, NULL, "to a user: a passkey was taken back"},
    {"recovery_code_used", {NULL}, NULL, "to a user: a recovery code was used"},
};
const size_t letter_kind_count = sizeof letter_kinds / sizeof letter_kinds[0];

const struct letter_kind *letter_kind_find(const char *name)
{
    for (size_t i = 0; i < letter_kind_count; i++)
        if (str_equal(letter_kinds[i].name, name))
            return &letter_kinds[i];
    return NULL;
}
