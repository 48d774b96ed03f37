#ifndef SETT_NOUNS_H
#define SETT_NOUNS_H
/* The rows of each noun, each array ended by a row without name. For op.c alone. */
#include "op.h"

extern const struct op system_ops[];          /* system_ops.c */
extern const struct op health_ops[];          /* health_ops.c */
extern const struct op auth_ops[];            /* auth_ops.c */
extern const struct op change_ops[];          /* change_ops.c */
extern const struct op attention_ops[];       /* attention_ops.c */
extern const struct op auth_second_ops[];     /* auth_second_ops.c */
extern const struct op second_factor_ops[];   /* second_factor_ops.c */
extern const struct op search_ops[];          /* search_ops.c */
extern const struct op user_ops[];            /* user_ops.c */
extern const struct op invitation_ops[];      /* invitation_ops.c */
extern const struct op reset_ops[];           /* reset_ops.c */
extern const struct op key_ops[];             /* key_ops.c */
extern const struct op session_ops[];         /* session_ops.c */
extern const struct op tenant_ops[];          /* tenant_ops.c */
extern const struct op tenant_move_ops[];     /* tenant_move.c */
extern const struct op proxmox_ops[];         /* proxmox_ops.c */
extern const struct op tunnel_ops[];          /* tunnel_ops.c */
extern const struct op cloudflare_ops[];      /* cloudflare_ops.c */
extern const struct op access_ops[];          /* guard_ops.c */
extern const struct op ratelimit_ops[];       /* guard_ops.c */
extern const struct op domain_ops[];          /* domain_ops.c */
extern const struct op creation_ops[];        /* tunnel_create.c */
extern const struct op adoption_ops[];        /* tunnel_adopt.c */
extern const struct op configure_ops[];       /* tunnel_config_ops.c */
extern const struct op rule_ops[];            /* rule_ops.c */
extern const struct op name_ops[];            /* name_ops.c */
extern const struct op rule_all_ops[];        /* rule_all_ops.c */
extern const struct op port_ops[];            /* port_ops.c */
extern const struct op probe_ops[];           /* probe_ops.c */
extern const struct op turn_ops[];            /* turn_ops.c */
extern const struct op customer_ops[];        /* customer_ops.c */
extern const struct op plan_ops[];            /* plan_ops.c */
extern const struct op blueprint_ops[];       /* blueprint_ops.c */
extern const struct op subscription_ops[];    /* subscription_ops.c */
extern const struct op order_ops[];           /* subscription_ops.c */
extern const struct op order_page_ops[];      /* order_page_ops.c */
extern const struct op offer_ops[];           /* offer_ops.c */
extern const struct op portal_ops[];          /* portal_ops.c */
extern const struct op billing_ops[];         /* billing_ops.c */
extern const struct op drift_ops[];           /* drift_ops.c */
extern const struct op job_ops[];             /* job_ops.c */
extern const struct op event_ops[];           /* event_ops.c */
extern const struct op webhook_ops[];         /* webhook_ops.c */
extern const struct op checkout_ops[];        /* checkout_ops.c */
extern const struct op audit_ops[];           /* audit_ops.c */
extern const struct op setting_ops[];         /* setting_ops.c */
extern const struct op secret_ops[];          /* setting_ops.c */
extern const struct op brand_ops[];           /* brand_ops.c */
extern const struct op log_ops[];             /* log_ops.c */
extern const struct op trial_ops[];           /* trial_ops.c */
extern const struct op doctor_ops[];          /* doctor_ops.c */
extern const struct op alert_ops[];           /* alert_ops.c */
extern const struct op notice_ops[];          /* alert_ops.c */
extern const struct op channel_ops[];         /* channel_ops.c */
extern const struct op mail_ops[];            /* mail_ops.c */
extern const struct op restore_ops[];         /* restore_ops.c */
extern const struct op tenant_snapshot_ops[]; /* tenant_snapshots.c */
extern const struct op restore_make_ops[];    /* restore_make.c */
extern const struct op tenant_data_ops[];     /* restore_ops.c */
extern const struct op reveal_ops[];          /* reveal_ops.c */
extern const struct op act_ops[];             /* act_ops.c */
extern const struct op snapshot_import_ops[]; /* snapshot_import_ops.c */
extern const struct op setup_ops[];           /* setup_ops.c */
extern const struct op box_ops[];             /* box_ops.c */
extern const struct op box_key_ops[];         /* box_key_ops.c */
extern const struct op recovery_ops[];        /* recovery_ops.c */
extern const struct op vault_ops[];           /* vault_ops.c */
extern const struct op snapshot_keep_ops[];   /* snapshot_keep_ops.c */
extern const struct op snapshot_ops[];        /* snapshot_ops.c */
extern const struct op snapshot_matrix_ops[]; /* snapshot_matrix.c */
extern const struct op backup_summary_ops[];  /* snapshot_summary.c */

#endif
