import { createTestAuthority } from "../../../src/kube/test-certificates.ts";
import type { ForeignServers } from "./foreign-servers.ts";

/** A certificate for 127.0.0.1 and one name, with its authority; as PEM, and as files of the servers. */
export interface TestCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export async function makeCertificate(servers: ForeignServers, name: string): Promise<TestCertificate> {
  const authority = await createTestAuthority("servers");
  const { certificatePem: cert, keyPem: key } = await authority.certify(name);
  const ca = authority.caPem;
  const [certFile, keyFile, caFile] = [
    servers.place("cert.pem", cert),
    servers.place("key.pem", key),
    servers.place("ca.pem", ca),
  ];
  return { certFile, keyFile, caFile, cert, key, ca };
}
