// Codes of an authenticator app (RFC 6238), as a phone makes them.
import { createHmac } from "node:crypto";

export function code(secret, steps = 0, at = Date.now()) {
  const bits = [...secret.replaceAll(" ", "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1000000).padStart(6, "0");
}
/** Waits until a step has begun not long ago, so that what follows is of the same one. */
export const earlyInStep = async () => {
  while (Date.now() % 30000 > 18000) await new Promise((done) => setTimeout(done, 300));
};
