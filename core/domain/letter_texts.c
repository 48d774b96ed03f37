/*
 * What is written to customers, in each language. Apart from the code because these are texts: they
 * are read, translated and corrected by people who need not read C.
 */
#include "letter_text.h"

#define GREETING_EN "Hello {{customer}},\n\n"
#define GREETING_ES "Estimado/a {{customer}}:\n\n"
#define GREETING_DE "Guten Tag {{customer}},\n\n"
#define CLOSING_EN  "\n\nKind regards\n{{box}}\n"
#define CLOSING_ES  "\n\nAtentamente,\n{{box}}\n"
#define CLOSING_DE  "\n\nMit freundlichen Grüßen\n{{box}}\n"
#define NOT_YOU_EN                                                                                 \
    "\n\nIf this was not you, please change your password at once and tell whoever runs this "     \
    "system."
#define NOT_YOU_ES                                                                                 \
    "\n\nSi no ha sido usted, cambie su contraseña de inmediato y avise a la persona que "        \
    "administra este sistema."
#define NOT_YOU_DE                                                                                 \
    "\n\nFalls Sie das nicht waren, ändern Sie bitte sofort Ihr Passwort und wenden Sie sich an " \
    "den Betreiber dieses Systems."
#define ACCOUNT_EN                                                                                 \
    "\n\nRestarts, domains and invoices are at\n{{portal}}\nYou sign in with this address; no "    \
    "password is needed."
#define ACCOUNT_ES                                                                                 \
    "\n\nReinicios, dominios y facturas están en\n{{portal}}\nSe entra con esta dirección; no "  \
    "hace "                                                                                        \
    "falta contraseña."
#define ACCOUNT_DE                                                                                 \
    "\n\nNeustarts, Domains und Rechnungen finden Sie unter\n{{portal}}\nSie melden sich mit "     \
    "dieser "                                                                                      \
    "Adresse an; ein Passwort ist nicht nötig."
#define EN(kind_, subject_, text_)                                                                 \
    {                                                                                              \
        kind_, "en", subject_, GREETING_EN text_ CLOSING_EN                                        \
    }
#define ES(kind_, subject_, text_)                                                                 \
    {                                                                                              \
        kind_, "es", subject_, GREETING_ES text_ CLOSING_ES                                        \
    }
#define DE(kind_, subject_, text_)                                                                 \
    {                                                                                              \
        kind_, "de", subject_, GREETING_DE text_ CLOSING_DE                                        \
    }

const struct letter_text letter_texts[] = {
    EN("ready", "{{tenant}} is ready",
       "{{tenant}} has been set up and is now reachable at\n{{address}}\n\n"
       "Your first credentials are shown once at\n{{link}}\n\n"
       "Please note them down there and change the password after signing in. The link works a "
       "single time and only for a limited period; we are glad to send you a new one." ACCOUNT_EN),
    ES("ready", "{{tenant}} está listo",
       "{{tenant}} ha sido configurado y ya está disponible en\n{{address}}\n\n"
       "Sus primeras credenciales se muestran una sola vez en\n{{link}}\n\n"
       "Le rogamos que las anote y que cambie la contraseña después de iniciar sesión. El enlace "
       "funciona una única vez y por tiempo limitado; con gusto le enviaremos otro." ACCOUNT_ES),
    DE("ready", "{{tenant}} ist bereit",
       "{{tenant}} wurde eingerichtet und ist ab sofort erreichbar unter\n{{address}}\n\n"
       "Ihre ersten Zugangsdaten werden Ihnen einmalig angezeigt unter\n{{link}}\n\n"
       "Bitte notieren Sie sie dort und ändern Sie das Passwort nach der Anmeldung. Der Link gilt "
       "ein einziges Mal und nur für begrenzte Zeit; gerne senden wir Ihnen einen "
       "neuen." ACCOUNT_DE),

    EN("ready_plain", "{{tenant}} is ready",
       "{{tenant}} has been set up and is now reachable at\n{{address}}" ACCOUNT_EN),
    ES("ready_plain", "{{tenant}} está listo",
       "{{tenant}} ha sido configurado y ya está disponible en\n{{address}}" ACCOUNT_ES),
    DE("ready_plain", "{{tenant}} ist bereit",
       "{{tenant}} wurde eingerichtet und ist ab sofort erreichbar unter\n{{address}}" ACCOUNT_DE),

    EN("credentials", "Your credentials for {{tenant}}",
       "The first credentials for {{tenant}} ({{address}}) are shown once at\n{{link}}\n\n"
       "The link works a single time and only for a limited period. Earlier links no longer "
       "work."),
    ES("credentials", "Sus credenciales para {{tenant}}",
       "Las primeras credenciales de {{tenant}} ({{address}}) se muestran una sola vez "
       "en\n{{link}}\n\n"
       "El enlace funciona una única vez y por tiempo limitado. Los enlaces anteriores ya no son "
       "válidos."),
    DE("credentials", "Ihre Zugangsdaten für {{tenant}}",
       "Die ersten Zugangsdaten für {{tenant}} ({{address}}) werden Ihnen einmalig angezeigt "
       "unter\n{{link}}\n\n"
       "Der Link gilt ein einziges Mal und nur für begrenzte Zeit. Frühere Links gelten nicht "
       "mehr."),

    EN("payment_failed", "Your payment for {{tenant}} failed",
       "Unfortunately the last payment for {{tenant}} ({{address}}) could not be collected.\n\n"
       "Please check your means of payment. Without payment {{tenant}} will be suspended on "
       "{{date}}; your data will be kept."),
    ES("payment_failed", "El pago de {{tenant}} no se ha podido cobrar",
       "Lamentablemente no se ha podido cobrar el último pago de {{tenant}} ({{address}}).\n\n"
       "Le rogamos que compruebe su medio de pago. Sin el pago, {{tenant}} quedará suspendido el "
       "{{date}}; sus datos se conservarán."),
    DE("payment_failed", "Ihre Zahlung für {{tenant}} ist fehlgeschlagen",
       "Leider konnte die letzte Zahlung für {{tenant}} ({{address}}) nicht eingezogen "
       "werden.\n\n"
       "Bitte prüfen Sie Ihr Zahlungsmittel. Ohne Zahlung wird {{tenant}} am {{date}} ausgesetzt; "
       "Ihre Daten bleiben erhalten."),

    EN("suspended", "{{tenant}} is suspended",
       "{{tenant}} ({{address}}) has been suspended and cannot be reached at present. Your data "
       "is kept.\n\nAs soon as the open payment has arrived, {{tenant}} will run again by "
       "itself."),
    ES("suspended", "{{tenant}} está suspendido",
       "{{tenant}} ({{address}}) ha sido suspendido y por el momento no está disponible. Sus datos "
       "se conservan.\n\nEn cuanto recibamos el pago pendiente, {{tenant}} volverá a funcionar "
       "automáticamente."),
    DE("suspended", "{{tenant}} ist ausgesetzt",
       "{{tenant}} ({{address}}) wurde ausgesetzt und ist zurzeit nicht erreichbar. Ihre Daten "
       "bleiben erhalten.\n\nSobald die offene Zahlung eingegangen ist, läuft {{tenant}} von "
       "selbst wieder."),

    EN("suspended_plain", "{{tenant}} is suspended",
       "{{tenant}} ({{address}}) has been suspended and cannot be reached at present. Your data is "
       "kept.\n\nIf you have questions about this, please write to us."),
    ES("suspended_plain", "{{tenant}} está suspendido",
       "{{tenant}} ({{address}}) ha sido suspendido y por el momento no está disponible. Sus datos "
       "se conservan.\n\nSi tiene alguna pregunta, le rogamos que nos escriba."),
    DE("suspended_plain", "{{tenant}} ist ausgesetzt",
       "{{tenant}} ({{address}}) wurde ausgesetzt und ist zurzeit nicht erreichbar. Ihre Daten "
       "bleiben erhalten.\n\nBei Fragen schreiben Sie uns bitte."),

    EN("resumed", "{{tenant}} is running again",
       "{{tenant}} is running again and can be reached at\n{{address}}"),
    ES("resumed", "{{tenant}} vuelve a funcionar",
       "{{tenant}} vuelve a funcionar y está disponible en\n{{address}}"),
    DE("resumed", "{{tenant}} läuft wieder",
       "{{tenant}} läuft wieder und ist erreichbar unter\n{{address}}"),

    EN("deletion", "{{tenant}} will be deleted on {{date}}",
       "{{tenant}} ({{address}}) is no longer paid for. In {{days}} days, on {{date}}, {{tenant}} "
       "will be deleted together with all of its data. This cannot be undone.\n\n"
       "If you wish to keep it, please renew your subscription before that date."),
    ES("deletion", "{{tenant}} se eliminará el {{date}}",
       "{{tenant}} ({{address}}) ya no tiene una suscripción vigente. Dentro de {{days}} días, el "
       "{{date}}, {{tenant}} se eliminará junto con todos sus datos. Esto no se puede "
       "deshacer.\n\nSi desea conservarlo, le rogamos que renueve su suscripción antes de esa "
       "fecha."),
    DE("deletion", "{{tenant}} wird am {{date}} gelöscht",
       "Für {{tenant}} ({{address}}) besteht kein bezahltes Abonnement mehr. In {{days}} Tagen, am "
       "{{date}}, wird {{tenant}} mit allen Daten gelöscht. Dies lässt sich nicht rückgängig "
       "machen.\n\nWenn Sie {{tenant}} behalten möchten, erneuern Sie bitte vorher Ihr "
       "Abonnement."),

    EN("deleted", "{{tenant}} has been deleted",
       "{{tenant}} and all of its data have been deleted. Thank you for having been our "
       "customer."),
    ES("deleted", "{{tenant}} ha sido eliminado",
       "{{tenant}} y todos sus datos han sido eliminados. Gracias por haber sido cliente "
       "nuestro."),
    DE("deleted", "{{tenant}} wurde gelöscht",
       "{{tenant}} und alle zugehörigen Daten wurden gelöscht. Vielen Dank, dass Sie unser Kunde "
       "waren."),

    EN("domain_nameservers", "Please enter the name servers for {{domain}}",
       "So that {{domain}} can lead to {{tenant}}, please enter exactly these name servers at the "
       "company where you registered the domain, and remove all others:\n\n{{nameservers}}\n\n"
       "It may take up to a day until the change is visible. We will write to you as soon as it "
       "is."),
    ES("domain_nameservers", "Introduzca los servidores de nombres de {{domain}}",
       "Para que {{domain}} dirija a {{tenant}}, introduzca exactamente estos servidores de "
       "nombres en la empresa donde registró el dominio y elimine los demás:\n\n"
       "{{nameservers}}\n\nEl cambio puede tardar hasta un día en ser visible. Le escribiremos en "
       "cuanto lo sea."),
    DE("domain_nameservers", "Bitte tragen Sie die Nameserver für {{domain}} ein",
       "Damit {{domain}} zu {{tenant}} führt, tragen Sie bitte genau diese Nameserver bei dem "
       "Anbieter ein, bei dem Sie die Domain registriert haben, und entfernen Sie alle "
       "anderen:\n\n{{nameservers}}\n\nEs kann bis zu einem Tag dauern, bis die Änderung sichtbar "
       "ist. Wir schreiben Ihnen, sobald es so weit ist."),

    EN("domain_pending", "{{domain}} is still waiting for its name servers",
       "The name servers of {{domain}} have not been changed yet. Please enter exactly these at "
       "your registrar, and remove all others:\n\n{{nameservers}}\n\n"
       "In {{days}} days we have to give up waiting, and the set-up begins anew."),
    ES("domain_pending", "{{domain}} sigue esperando sus servidores de nombres",
       "Los servidores de nombres de {{domain}} aún no se han cambiado. Introduzca exactamente "
       "estos en su registrador y elimine los demás:\n\n{{nameservers}}\n\n"
       "Dentro de {{days}} días tendremos que dejar de esperar y la configuración deberá empezar "
       "de nuevo."),
    DE("domain_pending", "{{domain}} wartet noch auf die Nameserver",
       "Die Nameserver von {{domain}} wurden noch nicht geändert. Bitte tragen Sie genau diese bei "
       "Ihrem Registrar ein und entfernen Sie alle anderen:\n\n{{nameservers}}\n\n"
       "In {{days}} Tagen müssen wir das Warten aufgeben, und die Einrichtung beginnt von vorn."),

    EN("domain_active", "{{domain}} now leads to {{tenant}}",
       "{{domain}} is set up and now leads to {{tenant}}. There is nothing more for you to do."),
    ES("domain_active", "{{domain}} ya dirige a {{tenant}}",
       "{{domain}} está configurado y ya dirige a {{tenant}}. No tiene que hacer nada más."),
    DE("domain_active", "{{domain}} führt jetzt zu {{tenant}}",
       "{{domain}} ist eingerichtet und führt jetzt zu {{tenant}}. Sie müssen nichts weiter tun."),

    EN("domain_claimed", "{{domain}} no longer leads to {{tenant}}",
       "Another customer has proved by an entry in the DNS that {{domain}} is theirs. The domain "
       "therefore no longer leads to {{tenant}}.\n\nIf that is a mistake, please write to us."),
    ES("domain_claimed", "{{domain}} ya no dirige a {{tenant}}",
       "Otro cliente ha demostrado mediante una entrada en el DNS que {{domain}} es suyo. Por eso "
       "el "
       "dominio ya no dirige a {{tenant}}.\n\nSi se trata de un error, le rogamos que nos "
       "escriba."),
    DE("domain_claimed", "{{domain}} führt nicht mehr zu {{tenant}}",
       "Ein anderer Kunde hat durch einen Eintrag im DNS nachgewiesen, dass {{domain}} ihm gehört. "
       "Die Domain führt deshalb nicht mehr zu {{tenant}}.\n\nFalls das ein Irrtum ist, schreiben "
       "Sie "
       "uns bitte."),

    EN("domain_moved", "{{domain}} no longer leads to {{tenant}}",
       "The name servers of {{domain}} were changed, so that the domain no longer leads to "
       "{{tenant}}. In {{days}} days its set-up will be deleted for good.\n\n"
       "If this was not intended, please enter these name servers again at your registrar:\n\n"
       "{{nameservers}}"),
    ES("domain_moved", "{{domain}} ya no dirige a {{tenant}}",
       "Los servidores de nombres de {{domain}} se han cambiado, por lo que el dominio ya no "
       "dirige a {{tenant}}. Dentro de {{days}} días su configuración se eliminará "
       "definitivamente.\n\nSi no era su intención, vuelva a introducir estos servidores de "
       "nombres en su registrador:\n\n{{nameservers}}"),
    DE("domain_moved", "{{domain}} führt nicht mehr zu {{tenant}}",
       "Die Nameserver von {{domain}} wurden geändert, sodass die Domain nicht mehr zu {{tenant}} "
       "führt. In {{days}} Tagen wird ihre Einrichtung endgültig gelöscht.\n\n"
       "War das nicht beabsichtigt, tragen Sie bitte bei Ihrem Registrar wieder diese Nameserver "
       "ein:\n\n{{nameservers}}"),

    EN("password_changed", "The password of your account at {{box}} was changed",
       "The password of the account {{customer}} at {{box}} ({{address}}) was changed. All other "
       "sessions have ended." NOT_YOU_EN),
    ES("password_changed", "Se ha cambiado la contraseña de su cuenta en {{box}}",
       "Se ha cambiado la contraseña de la cuenta {{customer}} en {{box}} ({{address}}). Todas las "
       "demás sesiones se han cerrado." NOT_YOU_ES),
    DE("password_changed", "Das Passwort Ihres Kontos bei {{box}} wurde geändert",
       "Das Passwort des Kontos {{customer}} bei {{box}} ({{address}}) wurde geändert. Alle "
       "anderen "
       "Sitzungen sind beendet." NOT_YOU_DE),

    EN("second_factor_on", "Your account at {{box}} has a second factor now",
       "Signing in to the account {{customer}} at {{box}} ({{address}}) needs a second factor from "
       "now on. All other sessions have ended." NOT_YOU_EN),
    ES("second_factor_on", "Su cuenta en {{box}} tiene ahora un segundo factor",
       "A partir de ahora, iniciar sesión en la cuenta {{customer}} de {{box}} ({{address}}) "
       "requiere un segundo factor. Todas las demás sesiones se han cerrado." NOT_YOU_ES),
    DE("second_factor_on", "Ihr Konto bei {{box}} hat nun einen zweiten Faktor",
       "Für die Anmeldung am Konto {{customer}} bei {{box}} ({{address}}) ist ab sofort ein "
       "zweiter "
       "Faktor nötig. Alle anderen Sitzungen sind beendet." NOT_YOU_DE),

    EN("second_factor_off", "Your account at {{box}} no longer has a second factor",
       "The second factor of the account {{customer}} at {{box}} ({{address}}) was removed: the "
       "password alone is enough to sign in." NOT_YOU_EN),
    ES("second_factor_off", "Su cuenta en {{box}} ya no tiene segundo factor",
       "Se ha eliminado el segundo factor de la cuenta {{customer}} en {{box}} ({{address}}): para "
       "iniciar sesión basta con la contraseña." NOT_YOU_ES),
    DE("second_factor_off", "Ihr Konto bei {{box}} hat keinen zweiten Faktor mehr",
       "Der zweite Faktor des Kontos {{customer}} bei {{box}} ({{address}}) wurde entfernt: Zur "
       "Anmeldung genügt das Passwort." NOT_YOU_DE),

    EN("recovery_codes_new", "New recovery codes for your account at {{box}}",
       "New recovery codes were made for the account {{customer}} at {{box}} ({{address}}). Those "
       "before are void." NOT_YOU_EN),
    ES("recovery_codes_new", "Nuevos códigos de recuperación para su cuenta en {{box}}",
       "Se han generado nuevos códigos de recuperación para la cuenta {{customer}} en {{box}} "
       "({{address}}). Los anteriores ya no son válidos." NOT_YOU_ES),
    DE("recovery_codes_new", "Neue Wiederherstellungscodes für Ihr Konto bei {{box}}",
       "Für das Konto {{customer}} bei {{box}} ({{address}}) wurden neue Wiederherstellungscodes "
       "erzeugt. Die bisherigen sind ungültig." NOT_YOU_DE),

    EN("passkey_added", "A passkey was added to your account at {{box}}",
       "One can sign in to the account {{customer}} at {{box}} ({{address}}) with a further "
       "passkey "
       "from now on." NOT_YOU_EN),
    ES("passkey_added", "Se ha añadido una llave de acceso a su cuenta en {{box}}",
       "A partir de ahora se puede iniciar sesión en la cuenta {{customer}} de {{box}} "
       "({{address}}) con una llave de acceso más." NOT_YOU_ES),
    DE("passkey_added", "Ihrem Konto bei {{box}} wurde ein Passkey hinzugefügt",
       "Ab sofort ist die Anmeldung am Konto {{customer}} bei {{box}} ({{address}}) mit einem "
       "weiteren Passkey möglich." NOT_YOU_DE),

    EN("passkey_removed", "A passkey of your account at {{box}} was removed",
       "A passkey of the account {{customer}} at {{box}} ({{address}}) was removed: nobody can "
       "sign "
       "in with it any more." NOT_YOU_EN),
    ES("passkey_removed", "Se ha eliminado una llave de acceso de su cuenta en {{box}}",
       "Se ha eliminado una llave de acceso de la cuenta {{customer}} en {{box}} ({{address}}): ya "
       "no se puede iniciar sesión con ella." NOT_YOU_ES),
    DE("passkey_removed", "Ein Passkey Ihres Kontos bei {{box}} wurde entfernt",
       "Ein Passkey des Kontos {{customer}} bei {{box}} ({{address}}) wurde entfernt: Mit ihm ist "
       "keine Anmeldung mehr möglich." NOT_YOU_DE),

    EN("recovery_code_used", "A recovery code of your account at {{box}} was used",
       "Somebody signed in to the account {{customer}} at {{box}} ({{address}}) with a recovery "
       "code. It is spent." NOT_YOU_EN),
    ES("recovery_code_used", "Se ha usado un código de recuperación de su cuenta en {{box}}",
       "Alguien ha iniciado sesión en la cuenta {{customer}} de {{box}} ({{address}}) con un "
       "código "
       "de recuperación, que ya no es válido." NOT_YOU_ES),
    DE("recovery_code_used", "Ein Wiederherstellungscode Ihres Kontos bei {{box}} wurde benutzt",
       "Mit einem Wiederherstellungscode wurde das Konto {{customer}} bei {{box}} ({{address}}) "
       "angemeldet. Der Code ist verbraucht." NOT_YOU_DE),

    EN("maintenance", "Maintenance of {{tenant}} on {{from}}",
       "From {{from}} until {{until}} we carry out maintenance: {{reason}}\n\n"
       "During this time {{tenant}} ({{address}}) may be unreachable for a while. We ask for your "
       "understanding."),
    ES("maintenance", "Mantenimiento de {{tenant}} el {{from}}",
       "Desde el {{from}} hasta el {{until}} realizaremos trabajos de mantenimiento: "
       "{{reason}}\n\nDurante este tiempo es posible que {{tenant}} ({{address}}) no esté "
       "disponible en algunos momentos. Le agradecemos su comprensión."),
    DE("maintenance", "Wartung von {{tenant}} am {{from}}",
       "Von {{from}} bis {{until}} führen wir Wartungsarbeiten durch: {{reason}}\n\n"
       "In dieser Zeit kann {{tenant}} ({{address}}) zeitweise nicht erreichbar sein. Wir bitten "
       "um Ihr Verständnis."),

    EN("invitation", "Your access to {{box}}",
       "{{by}} invites you to {{box}}. Your name for signing in is {{name}}. Please choose a "
       "password at\n{{link}}\n\n"
       "The link works a single time, until {{until}}."),
    ES("invitation", "Su acceso a {{box}}",
       "{{by}} le invita a {{box}}. Su nombre para iniciar sesión es {{name}}. Elija una "
       "contraseña en\n{{link}}\n\n"
       "El enlace funciona una única vez, hasta el {{until}}."),
    DE("invitation", "Ihr Zugang zu {{box}}",
       "{{by}} lädt Sie zu {{box}} ein. Ihr Name für die Anmeldung ist {{name}}. Bitte wählen Sie "
       "ein Passwort unter\n{{link}}\n\n"
       "Der Link gilt ein einziges Mal, bis {{until}}."),

    EN("password_reset", "A new password for {{box}}",
       "Somebody, we hope you, asked for a new password for {{name}}. Please choose it "
       "at\n{{link}}\n\n"
       "The link works a single time, until {{until}}. If it was not you, there is nothing to do: "
       "your password stays as it is."),
    ES("password_reset", "Una nueva contraseña para {{box}}",
       "Alguien, esperamos que usted, ha pedido una nueva contraseña para {{name}}. Elíjala "
       "en\n{{link}}\n\n"
       "El enlace funciona una única vez, hasta el {{until}}. Si no ha sido usted, no tiene que "
       "hacer nada: su contraseña sigue siendo la misma."),
    DE("password_reset", "Ein neues Passwort für {{box}}",
       "Jemand, hoffentlich Sie selbst, hat ein neues Passwort für {{name}} angefordert. Bitte "
       "wählen Sie es unter\n{{link}}\n\n"
       "Der Link gilt ein einziges Mal, bis {{until}}. Falls Sie das nicht waren, ist nichts zu "
       "tun: Ihr Passwort bleibt, wie es ist."),

    EN("sign_in", "Your link to sign in to {{box}}",
       "With this link {{name}} signs in to {{box}}, without a password:\n{{link}}\n\n"
       "It works a single time, until {{until}}. If you did not ask for it, there is nothing to "
       "do: without the link nobody gets in."),
    ES("sign_in", "Su enlace para entrar en {{box}}",
       "Con este enlace {{name}} entra en {{box}} sin contraseña:\n{{link}}\n\n"
       "Funciona una única vez, hasta el {{until}}. Si no lo ha pedido, no tiene que hacer nada: "
       "sin el enlace no entra nadie."),
    DE("sign_in", "Ihr Link zur Anmeldung bei {{box}}",
       "Mit diesem Link meldet sich {{name}} ohne Passwort bei {{box}} an:\n{{link}}\n\n"
       "Er gilt ein einziges Mal, bis {{until}}. Falls Sie ihn nicht angefordert haben, ist nichts "
       "zu tun: Ohne den Link kommt niemand hinein."),
};
const size_t letter_text_count = sizeof letter_texts / sizeof letter_texts[0];
