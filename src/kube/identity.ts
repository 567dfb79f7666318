import { readFile } from "node:fs/promises";
import { type Clock, Failure } from "#base";
import { type ExecCredential, runExecPlugin } from "./exec-plugin.ts";
import type { ExecPlugin, KubeConfig } from "./kube-config.ts";

/** Source: client-go `transport.NewCachedFileTokenSource`: a token file is read again after a minute. */
const FILE_TTL_MS = 60_000;
/** A credential is replaced this long before it expires, or earlier in the last fifth of a short life. */
const EXPIRY_MARGIN_MS = 60_000;
const EXPIRY_MARGIN_SHARE = 0.2;
/** Least time between two runs of a plugin that are not due to expiry: a server that refuses all must not start a storm. */
const MIN_RUN_INTERVAL_MS = 5000;

/** Who asks, at this moment. Two of equal content may be different objects. */
export interface Identity {
  /** Value of the Authorization header; undefined when requests carry none. */
  readonly authorization: string | undefined;
  /** What connections are made with; requests of another one need other connections. */
  readonly tls: TlsMaterial;
}

/** Certificates as PEM. */
export interface TlsMaterial {
  readonly caPem?: string;
  readonly certificatePem?: string;
  readonly keyPem?: string;
}

/** Gives the identity that requests are sent with, renewing it as it ages. */
export interface IdentitySource {
  current(): Promise<Identity>;
  /** Looks for a new identity after the server answered 401 to this one; undefined when there is none. */
  renew(refused: Identity): Promise<Identity | undefined>;
}

/** One part of an identity; `isForced` asks for a fresh one. */
type Part<T> = (isForced: boolean) => Promise<T>;

/** Makes the source of identities for a configuration. Files that vanish keep their last content in use. */
export function createIdentitySource(config: KubeConfig, clock: Clock): IdentitySource {
  const authority = authorityOf(config, clock);
  const login = loginOf(config, clock);

  async function ask(isForced: boolean): Promise<Identity> {
    const [caPem, { authorization, certificate }] = await Promise.all([authority(isForced), login(isForced)]);
    return { authorization, tls: { ...(caPem === undefined ? {} : { caPem }), ...certificate } };
  }

  return {
    current: () => ask(false),
    async renew(refused) {
      const now = await ask(false);
      // Another request has been here before.
      if (!isSameIdentity(now, refused)) return now;
      const fresh = await ask(true);
      return isSameIdentity(fresh, refused) ? undefined : fresh;
    },
  };
}

/** Compares by content. */
export function isSameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.caPem === b.caPem && a.certificatePem === b.certificatePem && a.keyPem === b.keyPem;
}

function isSameIdentity(a: Identity, b: Identity): boolean {
  return a.authorization === b.authorization && isSameTls(a.tls, b.tls);
}

function authorityOf(config: KubeConfig, clock: Clock): Part<string | undefined> {
  const { caPath, caPem } = config;
  if (caPath === undefined) return () => Promise.resolve(caPem);
  return agingFile({ path: caPath, clock, ...(caPem === undefined ? {} : { first: caPem }) });
}

/** How the asker proves itself. */
interface Login {
  readonly authorization: string | undefined;
  readonly certificate?: { readonly certificatePem: string; readonly keyPem: string };
}

function loginOf(config: KubeConfig, clock: Clock): Part<Login> {
  const { credentials } = config;
  const fixed = (login: Login): Part<Login> => {
    const promise = Promise.resolve(login);
    return () => promise;
  };
  switch (credentials.kind) {
    case "none":
      return fixed({ authorization: undefined });
    case "certificate": {
      const { certificatePem, keyPem } = credentials;
      return fixed({ authorization: undefined, certificate: { certificatePem, keyPem } });
    }
    case "token":
      return fixed({ authorization: `Bearer ${credentials.token}` });
    case "basic": {
      const pair = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
      return fixed({ authorization: `Basic ${pair}` });
    }
    case "tokenFile": {
      const file = agingFile({ path: credentials.path, clock });
      return async (isForced) => ({ authorization: `Bearer ${(await file(isForced)).trim()}` });
    }
    case "exec":
      return pluginLogin(credentials.plugin, { clock, origin: config.origin ?? "the kubeconfig" });
  }
}

/** A file that is read again after a while; empty content counts as a file that is being written. */
function agingFile(options: { readonly path: string; readonly clock: Clock; readonly first?: string }): Part<string> {
  const { path, clock } = options;
  let content = options.first;
  let readAtMs = content === undefined ? Number.NEGATIVE_INFINITY : clock.nowMs();
  return async (isForced) => {
    if (!isForced && content !== undefined && clock.nowMs() - readAtMs < FILE_TTL_MS) return content;
    try {
      const text = await readFile(path, "utf8");
      if (text.trim() === "") throw new Error("the file is empty");
      content = text;
      readAtMs = clock.nowMs();
    } catch (cause) {
      if (content === undefined) {
        throw new Failure(`Cannot read the token file "${path}"`, { code: "TokenUnreadable", retryable: true, cause });
      }
    }
    return content;
  };
}

/** Runs a plugin when its credential is due, once for all who ask meanwhile. */
function pluginLogin(plugin: ExecPlugin, { clock, origin }: { clock: Clock; origin: string }): Part<Login> {
  let held: { readonly login: Login; readonly renewAtMs: number; readonly expiresMs: number } | undefined;
  let ranAtMs = Number.NEGATIVE_INFINITY;
  let running: Promise<Login> | undefined;

  async function run(): Promise<Login> {
    ranAtMs = clock.nowMs();
    try {
      const credential = await runExecPlugin(plugin, { origin });
      held = { login: loginFrom(credential), ...timesOf(credential, clock.nowMs()) };
    } catch (thrown) {
      if (held === undefined || clock.nowMs() >= held.expiresMs) throw thrown;
      // What there is still holds; the plugin may have recovered before it runs out.
      held = { ...held, renewAtMs: Math.min(held.expiresMs, clock.nowMs() + MIN_RUN_INTERVAL_MS) };
    }
    return held.login;
  }

  return (isForced) => {
    const nowMs = clock.nowMs();
    const mayForce = isForced && nowMs - ranAtMs >= MIN_RUN_INTERVAL_MS;
    if (held !== undefined && !mayForce && nowMs < held.renewAtMs) return Promise.resolve(held.login);
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
}

function loginFrom({ token, certificate }: ExecCredential): Login {
  return {
    authorization: token === undefined ? undefined : `Bearer ${token}`,
    ...(certificate === undefined ? {} : { certificate }),
  };
}

function timesOf({ expiresMs }: ExecCredential, nowMs: number): { renewAtMs: number; expiresMs: number } {
  if (expiresMs === undefined) return { renewAtMs: Number.POSITIVE_INFINITY, expiresMs: Number.POSITIVE_INFINITY };
  const marginMs = Math.min(EXPIRY_MARGIN_MS, EXPIRY_MARGIN_SHARE * Math.max(0, expiresMs - nowMs));
  return { renewAtMs: expiresMs - marginMs, expiresMs };
}
