// The certificate library's container wants the metadata API of Reflect to be there before it loads.
import "reflect-metadata";
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from "node:crypto";
import { isIPv4 } from "node:net";
import * as x509 from "@peculiar/x509";

/** What to certify. Keys are PEM (PKCS #8), on the curve P-256. */
export interface CertificateRequest {
  readonly commonName: string;
  /** The key that is certified; only its public half ends up in the certificate. */
  readonly keyPem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly use:
    | { readonly type: "authority" }
    | { readonly type: "server"; readonly names: readonly string[]; readonly issuer: Issuer };
}

export interface Issuer {
  readonly commonName: string;
  readonly keyPem: string;
}

const P256 = { name: "ECDSA", namedCurve: "P-256" };

/** Makes a certificate, signed by itself (an authority) or by an authority (a server), as PEM. */
export async function makeCertificate(request: CertificateRequest): Promise<string> {
  const issuer = request.use.type === "server" ? request.use.issuer : request;
  const issuerPublicKey = await publicKeyOf(issuer.keyPem);
  const publicKey = await publicKeyOf(request.keyPem);
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: `CN=${request.commonName}`,
      issuer: `CN=${issuer.commonName}`,
      notBefore: new Date(request.notBeforeMs),
      notAfter: new Date(request.notAfterMs),
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      publicKey,
      signingKey: await privateKeyOf(issuer.keyPem),
      extensions: await extensionsOf(request, { publicKey, issuerPublicKey }),
    },
    webcrypto,
  );
  return `${certificate.toString("pem")}\n`;
}

/** A positive number of 16 bytes. Source: RFC 5280, section 4.1.2.2. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

async function extensionsOf(
  { use }: CertificateRequest,
  keys: { readonly publicKey: webcrypto.CryptoKey; readonly issuerPublicKey: webcrypto.CryptoKey },
): Promise<x509.Extension[]> {
  if (use.type === "authority") {
    return [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
    ];
  }
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
    new x509.SubjectAlternativeNameExtension(
      use.names.map((value) => ({ type: isIPv4(value) ? "ip" : "dns", value }) as const),
    ),
    await x509.AuthorityKeyIdentifierExtension.create(keys.issuerPublicKey, false, webcrypto),
  ];
}

function privateKeyOf(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(keyPem).export({ type: "pkcs8", format: "der" });
  return webcrypto.subtle.importKey("pkcs8", der, P256, false, ["sign"]);
}

function publicKeyOf(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPublicKey(keyPem).export({ type: "spki", format: "der" });
  return webcrypto.subtle.importKey("spki", der, P256, true, ["verify"]);
}
