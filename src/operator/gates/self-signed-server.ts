// The certificate library's container wants the metadata API of Reflect to be there before it loads.
import "reflect-metadata";
import { KeyObject, webcrypto } from "node:crypto";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import * as x509 from "@peculiar/x509";

const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** An HTTPS server that answers 200 with a certificate that nobody vouches for, for tests. */
export async function startSelfSignedServer(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const keys = await webcrypto.subtle.generateKey(P256, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: "CN=127.0.0.1",
      notBefore: new Date("2020-01-01T00:00:00Z"),
      notAfter: new Date("2120-01-01T00:00:00Z"),
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      keys,
    },
    webcrypto,
  );
  const key = KeyObject.from(keys.privateKey).export({ format: "pem", type: "pkcs8" });
  const server = createServer({ key, cert: certificate.toString("pem") }, (_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
