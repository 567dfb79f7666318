// The certificate library's container wants the metadata API of Reflect to be there before it loads.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** For tests: an authority that certifies a server at 127.0.0.1 and clients by name. All PEM. */
export interface TestAuthority {
  readonly caPem: string;
  certify(name: string): Promise<{ readonly certificatePem: string; readonly keyPem: string }>;
}

/** Makes one; its certificates are good for a day. */
export async function createTestAuthority(name: string): Promise<TestAuthority> {
  const keys = await newKeys();
  const times = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) };
  const ca = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      ...times,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    },
    webcrypto,
  );
  return {
    caPem: ca.toString("pem"),
    async certify(subject) {
      const own = await newKeys();
      const certificate = await x509.X509CertificateGenerator.create(
        {
          subject: `CN=${subject}`,
          issuer: ca.subject,
          publicKey: own.publicKey,
          signingKey: keys.privateKey,
          signingAlgorithm: ALGORITHM,
          ...times,
          extensions: [
            new x509.SubjectAlternativeNameExtension([
              { type: "ip", value: "127.0.0.1" },
              { type: "dns", value: subject },
            ]),
          ],
        },
        webcrypto,
      );
      const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", own.privateKey)).toString("base64");
      const keyPem = `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`;
      return { certificatePem: certificate.toString("pem"), keyPem };
    },
  };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}
