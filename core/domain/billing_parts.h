#ifndef SETT_BILLING_PARTS_H
#define SETT_BILLING_PARTS_H
/* What the files of billing share and nobody else uses. */
#include "billing.h"
#include "customer.h"
#include "plan.h"

/** billing_fold_object(sub, facts): a subscription object. Return 0, or -1 when its status is a
 * word that is not known. */
int billing_fold_object(struct subscription *sub, const struct billing_facts *facts);

/** billing_fold_checkout(sub, facts): a checkout session that was completed, paid later or not. */
void billing_fold_checkout(struct subscription *sub, const struct billing_facts *facts);

/** billing_fold_invoice(sub, facts): an invoice that was paid, or whose payment failed. */
void billing_fold_invoice(struct subscription *sub, const struct billing_facts *facts);

/** billing_fold_charge(whole_at, part_at, facts): a refund into its two times. */
void billing_fold_charge(int64_t *whole_at, int64_t *part_at, const struct billing_facts *facts);

/** billing_fold_customer(customer, facts): name, address and language, each by its own time. */
void billing_fold_customer(struct customer *customer, const struct billing_facts *facts);

/** billing_status(sub): what holds now, from the object and the invoices after it. */
enum subscription_status billing_status(const struct subscription *sub);

/** billing_wanted(sub, plan, past_due_days, delete_days, refunded_at, now): what follows from it
 * for the tenant, and in sub->past_due_at, suspend_at and delete_at since when and until when.
 * ${plan} may be NULL. */
enum subscription_wanted billing_wanted(struct subscription *sub, const struct plan *plan,
                                        uint64_t past_due_days, uint64_t delete_days,
                                        int64_t refunded_at, int64_t now);

/** billing_flag(out, size, text): append to a flag, "; " between; what does not fit is left out. */
void billing_flag(char *out, size_t size, const char *text);

/** billing_settle_record(txn, conf, sub, result, err): compare what ${sub} wants with its tenant
 * now, start what is missing, and store ${sub}. Return 0 or -1. */
int billing_settle_record(struct txn *txn, const struct conf *conf, struct subscription *sub,
                          struct billing_result *result, struct err *err);

/** billing_provision(txn, conf, sub, plan, customer, order, result, err): make the tenant of a paid
 * subscription under the name that it asked for and start its provision. ${order} may be NULL.
 * When the name cannot be had, sub->flag says so and nothing is made. Return 0 or -1. */
int billing_provision(struct txn *txn, const struct conf *conf, struct subscription *sub,
                      const struct plan *plan, const struct customer *customer, struct order *order,
                      struct billing_result *result, struct err *err);

/** billing_job(txn, sub, saga, reason, plan_id, result, err): start a job about its tenant. 0 or
 * -1. */
int billing_job(struct txn *txn, struct subscription *sub, const char *saga, const char *reason,
                const char *plan_id, struct billing_result *result, struct err *err);

#endif
