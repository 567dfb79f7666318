import { dirname, resolve } from "node:path";
import { Failure } from "#base";
import { readExecPlugin } from "./exec-plugin-entry.ts";
import type { KubeConfig, KubeCredentials } from "./kube-config.ts";
import {
  invalidKubeconfig,
  type KubeconfigEntry,
  optionalString,
  readKubeconfig,
  readPem,
  requireString,
} from "./kubeconfig-entry.ts";

/**
 * Reads a kubeconfig, or the joined files of a list, and resolves one context, the current one unless named.
 *
 * @throws Failure `KubeconfigInvalid`, whose message names the file and the field; `UnsupportedCredential` for what Serin
 * does not run. Source: client-go `clientcmd/api/v1`.
 */
export async function loadKubeconfig(paths: string | readonly string[], context?: string): Promise<KubeConfig> {
  const kubeconfig = await readKubeconfig(paths);
  const name = context ?? kubeconfig.currentContext;
  const files = kubeconfig.files.join('", "');
  if (name === undefined || name === "")
    throw invalidKubeconfig(files, "current-context is empty; set it, or name a context");
  const chosen = kubeconfig.find("contexts", name);
  const cluster = kubeconfig.find("clusters", requireString(chosen, "cluster"));
  const userName = optionalString(chosen, "user");
  const user = userName === undefined ? undefined : kubeconfig.find("users", userName);
  return {
    ...(await readCluster(cluster)),
    origin: `kubeconfig "${chosen.file}", context "${name}"`,
    namespace: optionalString(chosen, "namespace") ?? "default",
    credentials: user === undefined ? { kind: "none" } : await readCredentials(user, cluster),
  };
}

async function readCluster(
  cluster: KubeconfigEntry,
): Promise<Omit<KubeConfig, "namespace" | "credentials" | "origin">> {
  const server = requireString(cluster, "server");
  if (!URL.canParse(server) || !/^https?:/.test(server)) {
    throw invalidKubeconfig(cluster.file, `${cluster.path}.server must be an http or https URL, received "${server}"`);
  }
  const ca = await readPem(cluster, "certificate-authority");
  const isInsecure = cluster.fields["insecure-skip-tls-verify"] === true;
  if (ca !== undefined && isInsecure) {
    const what = "has both a certificate-authority and insecure-skip-tls-verify; keep the first";
    throw invalidKubeconfig(cluster.file, `${cluster.path} ${what}`);
  }
  const tlsServerName = optionalString(cluster, "tls-server-name");
  const proxyUrl = readProxy(cluster);
  return {
    server,
    ...(ca === undefined ? {} : { caPem: ca.pem }),
    ...(ca?.path === undefined ? {} : { caPath: ca.path }),
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    ...(isInsecure ? { insecureSkipTlsVerify: true } : {}),
    ...(proxyUrl === undefined ? {} : { proxyUrl }),
  };
}

/** The URL may hold a password, so messages do not quote it. */
function readProxy(cluster: KubeconfigEntry): string | undefined {
  const url = optionalString(cluster, "proxy-url");
  if (url === undefined || (URL.canParse(url) && /^https?:/.test(url))) return url;
  throw invalidKubeconfig(
    cluster.file,
    `${cluster.path}.proxy-url must be an http or https URL; others are not supported`,
  );
}

async function readCredentials(user: KubeconfigEntry, cluster: KubeconfigEntry): Promise<KubeCredentials> {
  refuse(user, "auth-provider", "use the provider's exec plugin, such as gke-gcloud-auth-plugin or kubelogin");
  for (const field of ["as", "as-uid", "as-groups"]) refuse(user, field, "use credentials of the user's own");
  // An inline token wins over the file. Source: client-go clientcmd `getUserIdentificationPartialConfig`, which sets
  // both and reads the file; kubectl's own writer never leaves both, so the simpler rule is kept.
  const token = optionalString(user, "token");
  if (token !== undefined) return { kind: "token", token };
  const tokenFile = optionalString(user, "tokenFile");
  if (tokenFile !== undefined) return { kind: "tokenFile", path: resolve(dirname(user.file), tokenFile) };
  const certificatePem = (await readPem(user, "client-certificate"))?.pem;
  const keyPem = (await readPem(user, "client-key"))?.pem;
  if (certificatePem !== undefined && keyPem !== undefined) return { kind: "certificate", certificatePem, keyPem };
  if (certificatePem !== undefined || keyPem !== undefined) {
    throw invalidKubeconfig(user.file, `${user.path} needs both client-certificate and client-key`);
  }
  if (user.fields.exec !== undefined && user.fields.exec !== null)
    return { kind: "exec", plugin: await readExecPlugin(user, cluster) };
  const username = optionalString(user, "username");
  if (username === undefined) return { kind: "none" };
  return { kind: "basic", username, password: optionalString(user, "password") ?? "" };
}

function refuse(user: KubeconfigEntry, field: string, instead: string): void {
  const value = user.fields[field];
  if (value === undefined || value === null || value === "") return;
  throw new Failure(`Cannot use the kubeconfig "${user.file}": ${user.path}.${field} is not supported; ${instead}`, {
    code: "UnsupportedCredential",
  });
}
