import { X509Certificate } from "node:crypto";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensurePki } from "./pki.ts";
import { createTokens, ISSUER } from "./tokens.ts";

const NOW_MS = Date.parse("2026-06-01T00:00:00Z");
const DAY_MS = 86_400_000;
let directory: string;

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), "serin-pki-")), "pki");
});

afterEach(() => rm(join(directory, ".."), { recursive: true, force: true }));

test("ensurePki: makes a server certificate that its authority has signed, for the names that clients use", async () => {
  const pki = await ensurePki(directory, { nowMs: NOW_MS, names: ["127.20.128.1"] });
  const [authority, server] = [new X509Certificate(pki.caPem), new X509Certificate(pki.serverCertPem)];
  expect(authority.ca).toBe(true);
  expect(server.ca).toBe(false);
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkIssued(authority)).toBe(true);
  for (const name of ["localhost", "kubernetes.default.svc"]) expect(server.checkHost(name)).toBe(name);
  for (const address of ["127.0.0.1", "127.20.128.1"]) expect(server.checkIP(address)).toBe(address);
});

test("ensurePki: keeps everything over a restart, in files that only the owner can read", async () => {
  const first = await ensurePki(directory, { nowMs: NOW_MS });
  expect(await ensurePki(directory, { nowMs: NOW_MS + DAY_MS })).toEqual(first);
  for (const name of await readdir(directory)) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
});

test("ensurePki: renews a server certificate that is about to expire under the same authority and tokens", async () => {
  const first = await ensurePki(directory, { nowMs: NOW_MS });
  const later = await ensurePki(directory, { nowMs: NOW_MS + 340 * DAY_MS });
  expect(later.serverCertPem).not.toBe(first.serverCertPem);
  expect(later).toMatchObject({ caPem: first.caPem, adminToken: first.adminToken, tokenKeyPem: first.tokenKeyPem });
});

test("ensurePki: a damaged file is replaced", async () => {
  await ensurePki(directory, { nowMs: NOW_MS });
  await writeFile(join(directory, "pki.json"), "{");
  expect((await ensurePki(directory, { nowMs: NOW_MS })).caPem).toContain("BEGIN CERTIFICATE");
});

test("tokens: good until they expire, for who signed them only, and not when anything in them was changed", async () => {
  const pki = await ensurePki(directory, { nowMs: NOW_MS });
  const tokens = createTokens(pki.tokenKeyPem, pki.adminToken);
  const claims = { namespace: "n", name: "s", uid: "u", audiences: [ISSUER], pod: { name: "p", uid: "pu" } };
  const token = tokens.issue(claims, NOW_MS, NOW_MS + 600_000);
  expect(tokens.verify(token, NOW_MS)).toEqual(claims);
  expect(tokens.verify(token, NOW_MS + 600_000)).toBeUndefined();
  const [header = "", payload = "", signature = ""] = token.split(".");
  const forged = Buffer.from(payload, "base64url").toString().replace('"s"', '"admin"');
  expect(tokens.verify(`${header}.${Buffer.from(forged).toString("base64url")}.${signature}`, NOW_MS)).toBeUndefined();
  expect(tokens.verify(`${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.`, NOW_MS)).toBeUndefined();
  for (const text of ["", ".", "..", "a.b.c", `${token}.x`]) expect(tokens.verify(text, NOW_MS)).toBeUndefined();
  const other = await ensurePki(`${directory}-other`, { nowMs: NOW_MS });
  expect(createTokens(other.tokenKeyPem, other.adminToken).verify(token, NOW_MS)).toBeUndefined();
  expect(tokens.isAdmin(pki.adminToken)).toBe(true);
  expect(tokens.isAdmin(other.adminToken)).toBe(false);
});
