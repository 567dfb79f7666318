import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { Failure, isObject } from "#base";
import type { KubeConfig, KubeCredentials } from "./kube-config.ts";

const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** A named entry of the file, with what messages need to point at it. */
interface Entry {
  readonly fields: Record<string, unknown>;
  /** How messages call it: `users[alice].user`. */
  readonly path: string;
  /** The kubeconfig's own path, which relative file names are relative to. */
  readonly file: string;
}

/**
 * Reads a kubeconfig and resolves one context, the current one unless named.
 *
 * @throws Failure `KubeconfigInvalid`, whose message names the file and the field; `UnsupportedCredential` for exec plugins,
 * auth providers, impersonation and proxies. Source: client-go `clientcmd/api/v1`.
 */
export async function loadKubeconfig(path: string, context?: string): Promise<KubeConfig> {
  const root = await readRoot(path);
  const name = context ?? root["current-context"];
  if (typeof name !== "string" || name === "")
    throw invalid(path, "current-context is empty; set it, or name a context");
  const chosen = findEntry(root, { file: path, list: "contexts", item: "context", name });
  const cluster = findEntry(root, {
    file: path,
    list: "clusters",
    item: "cluster",
    name: requireString(chosen, "cluster"),
  });
  const userName = optionalString(chosen, "user");
  const credentials: KubeCredentials =
    userName === undefined
      ? { kind: "none" }
      : await readCredentials(findEntry(root, { file: path, list: "users", item: "user", name: userName }));
  return {
    ...(await readCluster(cluster)),
    namespace: optionalString(chosen, "namespace") ?? "default",
    credentials,
  };
}

async function readRoot(path: string): Promise<Record<string, unknown>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new Failure(`Cannot read the kubeconfig "${path}"`, { code: "KubeconfigInvalid", cause });
  }
  if (text.length > MAX_FILE_BYTES) throw invalid(path, `it is larger than ${MAX_FILE_BYTES} bytes`);
  let root: unknown;
  try {
    root = parse(text);
  } catch (cause) {
    throw new Failure(`Cannot parse the kubeconfig "${path}" as YAML`, { code: "KubeconfigInvalid", cause });
  }
  if (!isObject(root)) throw invalid(path, "expected a map with clusters, users and contexts");
  return root;
}

function findEntry(
  root: Record<string, unknown>,
  of: { readonly file: string; readonly list: string; readonly item: string; readonly name: string },
): Entry {
  const list = root[of.list];
  const entries = Array.isArray(list) ? list.filter(isObject) : [];
  const found = entries.find((entry) => entry.name === of.name);
  if (found === undefined) {
    const known = entries.map((entry) => `"${String(entry.name)}"`).join(", ") || "none";
    throw invalid(of.file, `${of.list} has no entry "${of.name}" (it has ${known})`);
  }
  const fields = found[of.item];
  const path = `${of.list}[${of.name}].${of.item}`;
  if (!isObject(fields)) throw invalid(of.file, `${path} must be a map`);
  return { fields, path, file: of.file };
}

async function readCluster(cluster: Entry): Promise<Omit<KubeConfig, "namespace" | "credentials">> {
  const server = requireString(cluster, "server");
  if (!URL.canParse(server) || !/^https?:/.test(server)) {
    throw invalid(cluster.file, `${cluster.path}.server must be an http or https URL, received "${server}"`);
  }
  refuse(cluster, "proxy-url", "connect without a proxy");
  const caPem = await readPem(cluster, "certificate-authority");
  const tlsServerName = optionalString(cluster, "tls-server-name");
  return {
    server,
    ...(caPem === undefined ? {} : { caPem }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(cluster.fields["insecure-skip-tls-verify"] === true ? { insecureSkipTlsVerify: true } : {}),
  };
}

async function readCredentials(user: Entry): Promise<KubeCredentials> {
  for (const field of ["exec", "auth-provider", "as", "as-uid", "as-groups"]) {
    refuse(user, field, "use a token, a tokenFile or a client certificate");
  }
  // An inline token wins over the file. Source: client-go clientcmd `getUserIdentificationPartialConfig`, which sets
  // both and reads the file; kubectl's own writer never leaves both, so the simpler rule is kept.
  const token = optionalString(user, "token");
  if (token !== undefined) return { kind: "token", token };
  const tokenFile = optionalString(user, "tokenFile");
  if (tokenFile !== undefined) return { kind: "tokenFile", path: resolve(dirname(user.file), tokenFile) };
  const certificatePem = await readPem(user, "client-certificate");
  const keyPem = await readPem(user, "client-key");
  if (certificatePem !== undefined && keyPem !== undefined) return { kind: "certificate", certificatePem, keyPem };
  if (certificatePem !== undefined || keyPem !== undefined) {
    throw invalid(user.file, `${user.path} needs both client-certificate and client-key`);
  }
  const username = optionalString(user, "username");
  if (username === undefined) return { kind: "none" };
  return { kind: "basic", username, password: optionalString(user, "password") ?? "" };
}

/** Reads `NAME-data` (base64), or the file that `NAME` names. */
async function readPem(entry: Entry, name: string): Promise<string | undefined> {
  const inline = optionalString(entry, `${name}-data`);
  if (inline !== undefined) return Buffer.from(inline, "base64").toString("utf8");
  const path = optionalString(entry, name);
  if (path === undefined) return undefined;
  const absolute = resolve(dirname(entry.file), path);
  try {
    return await readFile(absolute, "utf8");
  } catch (cause) {
    throw new Failure(`Cannot read "${absolute}", named by ${entry.path}.${name} in "${entry.file}"`, {
      code: "KubeconfigInvalid",
      cause,
    });
  }
}

function requireString(entry: Entry, field: string): string {
  const value = optionalString(entry, field);
  if (value === undefined) throw invalid(entry.file, `${entry.path}.${field} is required`);
  return value;
}

function optionalString(entry: Entry, field: string): string | undefined {
  const value = entry.fields[field];
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value !== "string") throw invalid(entry.file, `${entry.path}.${field} must be a string`);
  return value;
}

function refuse(entry: Entry, field: string, instead: string): void {
  const value = entry.fields[field];
  if (value === undefined || value === null || value === "") return;
  throw new Failure(`Cannot use the kubeconfig "${entry.file}": ${entry.path}.${field} is not supported; ${instead}`, {
    code: "UnsupportedCredential",
  });
}

function invalid(file: string, what: string): Failure {
  return new Failure(`Cannot use the kubeconfig "${file}": ${what}`, { code: "KubeconfigInvalid" });
}
