import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

/**
 * The server's half of SCRAM (RFC 5802, without channel binding) for the Kafka of tests: two messages of the client, each
 * with its answer. It knows one user.
 */
export function scramServer(
  hash: "sha256" | "sha512",
  login: { readonly username: string; readonly password: string },
): (message: string) => string | undefined {
  const [salt, iterations] = [Buffer.from("salt of the test"), 4096];
  let first: { readonly client: string; readonly server: string; readonly nonce: string } | undefined;
  return (message) => {
    if (first === undefined) {
      const client = message.replace(/^n,,/, "");
      const nonce = `${attribute(client, "r")}server`;
      const server = `r=${nonce},s=${salt.toString("base64")},i=${iterations}`;
      first = { client, server, nonce };
      return attribute(client, "n") === login.username ? server : undefined;
    }
    const withoutProof = message.replace(/,p=[^,]*$/, "");
    const text = `${first.client},${first.server},${withoutProof}`;
    const length = createHash(hash).digest().length;
    const salted = pbkdf2Sync(login.password, salt, iterations, length, hash);
    const clientKey = hmac(hash, salted, "Client Key");
    const signature = hmac(hash, createHash(hash).update(clientKey).digest(), text);
    const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))).toString("base64");
    if (attribute(message, "r") !== first.nonce || attribute(message, "p") !== proof) return undefined;
    return `v=${hmac(hash, hmac(hash, salted, "Server Key"), text).toString("base64")}`;
  };
}

function hmac(hash: string, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest();
}

function attribute(message: string, name: string): string {
  return new RegExp(`(?:^|,)${name}=([^,]*)`).exec(message)?.[1] ?? "";
}
