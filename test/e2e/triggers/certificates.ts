import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Files of a certificate for 127.0.0.1 and `broker.shop` that signs itself, and its text, which is the authority too. */
export interface TestCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly pem: string;
}

/** Makes one with OpenSSL, which comes with every server that is tested over TLS. */
export function makeCertificate(directory: string): TestCertificate {
  const [certFile, keyFile] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const names = "subjectAltName=IP:127.0.0.1,DNS:broker.shop";
  const subject = ["-subj", "/CN=broker.shop", "-addext", names, "-days", "2"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile];
  execFileSync("openssl", ["req", "-x509", ...key, "-out", certFile, ...subject], { stdio: "pipe" });
  return { certFile, keyFile, pem: readFileSync(certFile, "utf8") };
}
