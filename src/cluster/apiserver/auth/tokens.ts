import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomUUID,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { isObject } from "#base";
import { textAt } from "../read-field.ts";

/** Who makes a request. */
export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  /** The user is spoken for and holds no token: only roles give rights. */
  readonly isReviewed?: boolean;
}

/** What a service-account token says. Source: RFC 7519, and the private claims of Kubernetes' bound tokens. */
export interface ServiceAccountClaims {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  /** The pod that the token is bound to. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

export interface Tokens {
  /** Signs a token that is good until `expiresMs`. */
  issue(claims: ServiceAccountClaims, nowMs: number, expiresMs: number): string;
  /** Returns the claims of a token that we signed and that has not expired; `undefined` for anything else. */
  verify(token: string, nowMs: number): ServiceAccountClaims | undefined;
  isAdmin(token: string): boolean;
}

/** Issuer of the tokens, and the audience that the API server answers to. */
export const ISSUER = "https://kubernetes.default.svc.cluster.local";
/** A longer token is not one of ours; reading it would be wasted work. */
const TOKEN_LENGTH_MAX = 8 * 1024;

export function createTokens(keyPem: string, adminToken: string): Tokens {
  const privateKey = createPrivateKey(keyPem);
  const publicKey = createPublicKey(privateKey);
  return {
    issue: (claims, nowMs, expiresMs) => issue(privateKey, claims, { nowMs, expiresMs }),
    verify: (token, nowMs) => (token.length > TOKEN_LENGTH_MAX ? undefined : verified(publicKey, token, nowMs)),
    isAdmin: (token) => isSame(token, adminToken),
  };
}

/** Compares in constant time, so that the answer's delay does not tell how much of a guess was right. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function issue(key: KeyObject, claims: ServiceAccountClaims, times: { nowMs: number; expiresMs: number }): string {
  const seconds = (ms: number): number => Math.floor(ms / 1000);
  const payload = {
    iss: ISSUER,
    sub: `system:serviceaccount:${claims.namespace}:${claims.name}`,
    aud: claims.audiences,
    iat: seconds(times.nowMs),
    nbf: seconds(times.nowMs),
    exp: seconds(times.expiresMs),
    jti: randomUUID(),
    "kubernetes.io": {
      namespace: claims.namespace,
      serviceaccount: { name: claims.name, uid: claims.uid },
      ...(claims.pod === undefined ? {} : { pod: claims.pod }),
    },
  };
  const head = `${encode({ alg: "ES256", typ: "JWT" })}.${encode(payload)}`;
  return `${head}.${sign("sha256", Buffer.from(head), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function verified(key: KeyObject, token: string, nowMs: number): ServiceAccountClaims | undefined {
  const [header, payload, signature, ...rest] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined;
  // The algorithm is ours, whatever the header says: a token must not choose how it is checked.
  const isOurs = verify(
    "sha256",
    Buffer.from(`${header}.${payload}`),
    { key, dsaEncoding: "ieee-p1363" },
    Buffer.from(signature, "base64url"),
  );
  if (!isOurs) return undefined;
  const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  return isObject(claims) && isCurrent(claims, nowMs) ? decodeClaims(claims) : undefined;
}

function isCurrent(claims: Record<string, unknown>, nowMs: number): boolean {
  const { exp, nbf } = claims;
  return (
    typeof exp === "number" && typeof nbf === "number" && nowMs < exp * 1000 && nowMs >= nbf * 1000 - CLOCK_SLACK_MS
  );
}

/** `nbf` is in whole seconds, and clocks of one machine can step back a little. */
const CLOCK_SLACK_MS = 10_000;

function decodeClaims(claims: Record<string, unknown>): ServiceAccountClaims | undefined {
  const bound = claims["kubernetes.io"];
  if (!isObject(bound) || !isObject(bound["serviceaccount"])) return undefined;
  const { name, uid } = bound["serviceaccount"];
  const { namespace, pod } = bound;
  const audiences = claims["aud"];
  if (typeof name !== "string" || typeof uid !== "string" || typeof namespace !== "string" || !Array.isArray(audiences))
    return undefined;
  const boundPod = isObject(pod) ? { name: textAt(pod, "name"), uid: textAt(pod, "uid") } : undefined;
  return {
    namespace,
    name,
    uid,
    audiences: audiences.map(String),
    ...(boundPod === undefined ? {} : { pod: boundPod }),
  };
}
