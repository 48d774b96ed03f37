/*
 * All tables of the box. Apart so that the bytes which begin their keys stand in one list: once
 * given, a byte is never used for anything else.
 *
 *   1 customers        8 names         15 audit_head
 *   2 plans            9 jobs          16 users
 *   3 subscriptions   10 job_steps     17 sessions
 *   4 orders          11 subjects      18 api_keys
 *   5 tenants         12 events        19 settings
 *   6 tunnels         13 event_parts   20 secrets
 *   7 ports           14 audit         21 idempotency   22 port_hint
 *  23 rules         24 rule_parts     26 turn_keys
 *
 *  28 accesses       29 rate_limits    36 health
 *  32 domains        33 domain_claims
 *  40 notices        42 outbox        44 reveals
 *  41 channels       43 alert_rules   45 mailings
 *  48 guests
 *  50 drift_items    51 drift_scans
 *  60 recipients     61 vaults        62 snapshots     63 snapshot_copies
 *  64 restores       68 snapshot_rounds                69 drills
 *  74 box_moves         78 access_doors      91 brand_logos   95 rule_pasts
 *  83 invitations    84 password_resets
 *  80 second_factors    81 second_steps     86 passkeys    87 passkeys_spent
 *  88 tenant_texts  89 job_tallies  90 changes (store/feed.c)  97 engines
 *
 * Indexes: 128-130 customers, 131-132 plans, 133-142 subscriptions, 143-146 orders, 147-152
 * tenants, 153-157 tunnels, 158 ports, 159 names, 160-162 jobs, 163-164 events, 165-166 audit,
 * 167-168 users, 169-173 sessions, 174-175 api_keys, 176 idempotency, 177 tunnels, 178 names,
 * 179-180 rules, 181 second_steps, 185-188 turn_keys, 190-191 tunnels, 192-193 invitations, 194
 * password_resets, 195-197 passkeys, 198-203 domains, 204 domain_claims, 205-209 tenant_texts, 210
 * subscriptions, 212-214 notices, 215 channels, 216-220 outbox, 221-222 reveals, 223 customers,
 * 227-228 guests, 231-233 drift_items, 234 orders, 235 sign_links, 238-239 tunnels, 240 vaults,
 * 241 snapshot_copies, 244-247 snapshots, 248-249 recipients, 250 restores, 253 drills, 254 engines. Next free:
 * table 65, index 251.
 *
 * A new index of a table that older stores have needs a line in migrations.c.
 */
#include "schema.h"

#include "alert_channel.h"
#include "alert_rule.h"
#include "audit.h"
#include "box_move.h"
#include "brand.h"
#include "container_engine.h"
#include "custom_domain.h"
#include "customer.h"
#include "drift.h"
#include "event.h"
#include "feed.h"
#include "guard.h"
#include "guest.h"
#include "health.h"
#include "idempotency.h"
#include "invitation.h"
#include "job.h"
#include "job_tally.h"
#include "letter.h"
#include "mailing.h"
#include "name.h"
#include "notice.h"
#include "password_reset.h"
#include "passkey.h"
#include "plan.h"
#include "port.h"
#include "restore_record.h"
#include "reveal.h"
#include "rule.h"
#include "rule_past.h"
#include "second_factor.h"
#include "second_step.h"
#include "setting.h"
#include "sign_link.h"
#include "snapshot.h"
#include "snapshot_round.h"
#include "subscription.h"
#include "tenant.h"
#include "tenant_text.h"
#include "turn.h"
#include "tunnel.h"
#include "user.h"

/* A table is a row. */
/* clang-format off */
static const struct table *const tables[] = {
    &customer_table,
    &plan_table,
    &subscription_table,
    &order_table,
    &tenant_table,
    &tunnel_table,
    &port_table,
    &name_table,
    &job_table,
    &job_step_table,
    &subject_table,
    &event_table,
    &event_part_table,
    &audit_table,
    &audit_head_table,
    &user_table,
    &invitation_table,
    &password_reset_table,
    &session_table,
    &api_key_table,
    &setting_table,
    &secret_table,
    &idempotency_table,
    &port_hint_table,
    &notice_table,
    &message_table,
    &rule_table,
    &rule_part_table,
    &rule_past_table,
    &turn_table,
    &drift_table,
    &drift_scan_table,
    &access_table,
    &access_door_table,
    &rate_limit_table,
    &alert_channel_table,
    &alert_rule_table,
    &reveal_table,
    &mailing_table,
    &health_table,
    &custom_domain_table,
    &domain_claim_table,
    &guest_table,
    &recipient_table,
    &vault_place_table,
    &snapshot_table,
    &snapshot_copy_table,
    &restore_table,
    &snapshot_round_table,
    &drill_table,
    &box_move_table,
    &sign_link_table,
    &brand_logo_table,
    &feed_table,
    &tenant_text_table,
    &job_tally_table,
    &second_factor_table,
    &second_step_table,
    &passkey_table,
    &passkey_spent_table,
    &container_engine_table,
};
/* clang-format on */

const struct schema sett_schema = {
    .tables = tables,
    .table_count = sizeof tables / sizeof tables[0],
    .feed = true,
    .version = 2,
};
