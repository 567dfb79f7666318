import { generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { isIPv4 } from "node:net";
import { join } from "node:path";
import { isObject } from "#base";
import { makeCertificate } from "./certificate.ts";

/** Keys and certificates of a cluster. All of it is kept in one directory that only the owner can read. */
export interface Pki {
  readonly caPem: string;
  readonly serverCertPem: string;
  readonly serverKeyPem: string;
  /** Signs service-account tokens: a P-256 key, PKCS #8. */
  readonly tokenKeyPem: string;
  /** The bearer token of the cluster's administrator. */
  readonly adminToken: string;
}

export interface PkiOptions {
  /** Time by which validity is judged; the system's when absent. */
  readonly nowMs?: number;
  /** More addresses and names by which clients reach the server, such as the cluster address of Service `kubernetes`. */
  readonly names?: readonly string[];
}

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
const SERVER_DAYS = 365;
/** A certificate with less time left is made anew at the next start. */
const RENEW_BEFORE_DAYS = 30;
/** Certificates begin to be good an hour early, for clients whose clock runs behind. */
const BACKDATE_MS = 60 * 60 * 1000;
const AUTHORITY = "serin-ca";
const FILE = "pki.json";
/** Names under which clients reach the API server: from this machine, and from pods as on any cluster. */
const NAMES = [
  "127.0.0.1",
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];

/**
 * Returns the keys and certificates of the directory. Those that are missing or about to expire are made; the others are
 * kept, so that kubeconfig files and tokens stay good over a restart. A new authority means a new server certificate.
 *
 * One file holds them all and is replaced as a whole, so that a crash never leaves a key without its certificate.
 */
export async function ensurePki(directory: string, options: PkiOptions = {}): Promise<Pki> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const kept = await readKept(join(directory, FILE));
  const made = await renew(kept, { nowMs: options.nowMs ?? Date.now(), names: [...NAMES, ...(options.names ?? [])] });
  if (made !== kept) {
    await writeSafely(join(directory, FILE), `${JSON.stringify(made, null, 2)}\n`);
    // For people and other programs; nothing of ours reads it.
    await writeSafely(join(directory, "ca.crt"), made.caPem);
  }
  return made;
}

interface KeptPki extends Pki {
  readonly caKeyPem: string;
}

async function readKept(path: string): Promise<KeptPki | undefined> {
  try {
    const kept: unknown = JSON.parse(await readFile(path, "utf8"));
    return isKept(kept) ? kept : undefined;
  } catch {
    // Missing, or damaged beyond use: either way a new one is made.
    return undefined;
  }
}

function isKept(value: unknown): value is KeptPki {
  const names = ["caPem", "caKeyPem", "serverCertPem", "serverKeyPem", "tokenKeyPem", "adminToken"];
  return isObject(value) && names.every((name) => typeof value[name] === "string");
}

async function writeSafely(path: string, text: string): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

interface Renewal {
  readonly nowMs: number;
  readonly names: readonly string[];
}

async function renew(kept: KeptPki | undefined, renewal: Renewal): Promise<KeptPki> {
  const hasAuthority = kept !== undefined && isFresh(kept.caPem, renewal.nowMs);
  if (hasAuthority && isFresh(kept.serverCertPem, renewal.nowMs) && namesAll(kept.serverCertPem, renewal.names))
    return kept;
  const authority = hasAuthority ? { caPem: kept.caPem, caKeyPem: kept.caKeyPem } : await makeAuthority(renewal.nowMs);
  const serverKeyPem = makeKey();
  const serverCertPem = await makeCertificate({
    commonName: "serin-apiserver",
    keyPem: serverKeyPem,
    ...validity(renewal.nowMs, SERVER_DAYS),
    use: { type: "server", names: renewal.names, issuer: { commonName: AUTHORITY, keyPem: authority.caKeyPem } },
  });
  return {
    ...authority,
    serverCertPem,
    serverKeyPem,
    tokenKeyPem: kept?.tokenKeyPem ?? makeKey(),
    adminToken: kept?.adminToken ?? randomBytes(32).toString("hex"),
  };
}

function isFresh(certificatePem: string, nowMs: number): boolean {
  try {
    const { validFrom, validTo } = new X509Certificate(certificatePem);
    return Date.parse(validFrom) <= nowMs && Date.parse(validTo) - nowMs > RENEW_BEFORE_DAYS * DAY_MS;
  } catch {
    return false;
  }
}

function namesAll(certificatePem: string, names: readonly string[]): boolean {
  const certificate = new X509Certificate(certificatePem);
  return names.every((name) => (isIPv4(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined);
}

function makeKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

async function makeAuthority(nowMs: number): Promise<{ caPem: string; caKeyPem: string }> {
  const caKeyPem = makeKey();
  const caPem = await makeCertificate({
    commonName: AUTHORITY,
    keyPem: caKeyPem,
    ...validity(nowMs, CA_DAYS),
    use: { type: "authority" },
  });
  return { caPem, caKeyPem };
}

function validity(nowMs: number, days: number): { notBeforeMs: number; notAfterMs: number } {
  return { notBeforeMs: nowMs - BACKDATE_MS, notAfterMs: nowMs + days * DAY_MS };
}
