// The way to Stripe's customer portal: invoices, means of payment, the end of a subscription.
import { send } from "../base/api.js";
import { lang, t } from "../base/lang.js";
import { toast } from "../base/ui.js";

export async function invoices() {
  try {
    location.assign((await send("POST", "/api/billing-portal", { locale: lang.value })).url);
  } catch (p) {
    toast(p.code === "no_billing" ? t("front.no_billing") : p.message, { kind: "bad" });
  }
}
