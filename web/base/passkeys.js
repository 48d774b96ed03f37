// Passkeys: the browser's part (WebAuthn). What is signed is a challenge of the box; what comes back goes there as it is.
import { send } from "./api.js";

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const key = (id) => ({ type: "public-key", id: bytes(id) });

/** Whether this browser can have passkeys here: only by https, or on the box itself. */
export const possible = () => isSecureContext && !!globalThis.PublicKeyCredential;

/** What a browser refuses, as a name: "dismissed" by the person or for lack of time, "there" already, "elsewhere": not at this address. */
export const refusal = (e) =>
  ({
    NotAllowedError: "dismissed",
    AbortError: "dismissed",
    InvalidStateError: "there",
    SecurityError: "elsewhere",
  })[e?.name];

/** makePasskey(name): a new one of whoever is signed in. */
export async function makePasskey(name) {
  const o = await send("POST", "/api/users/me/passkeys/options");
  const made = await navigator.credentials.create({
    publicKey: {
      challenge: bytes(o.challenge),
      rp: { id: o.rp_id, name: o.rp_name },
      user: { id: bytes(o.user_handle), name: o.user_name, displayName: o.user_name },
      pubKeyCredParams: o.algorithms.map((alg) => ({ type: "public-key", alg })),
      excludeCredentials: o.exclude.map(key),
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      attestation: "none",
      timeout: 240000,
    },
  });
  return send("POST", "/api/users/me/passkeys", {
    name,
    challenge: o.challenge,
    client_data: text(made.response.clientDataJSON),
    authenticator_data: text(made.response.getAuthenticatorData()),
  });
}

/** usePasskey(path): by one that the person chooses: signs in; or, at "/api/auth/confirm/passkey", stands for the password. */
export async function usePasskey(path = "/api/auth/passkey") {
  const o = await send("POST", "/api/auth/passkey/options");
  const used = await navigator.credentials.get({
    publicKey: {
      challenge: bytes(o.challenge),
      rpId: o.rp_id,
      userVerification: "required",
      timeout: 240000,
    },
  });
  const said = used.response;
  return send("POST", path, {
    id: text(used.rawId),
    challenge: o.challenge,
    client_data: text(said.clientDataJSON),
    authenticator_data: text(said.authenticatorData),
    signature: text(said.signature),
    ...(said.userHandle?.byteLength ? { user_handle: text(said.userHandle) } : {}),
  });
}
