import { dirname, isAbsolute, resolve } from "node:path";
import { Failure, isObject } from "#base";
import type { ExecPlugin } from "./kube-config.ts";
import { invalidKubeconfig, type KubeconfigEntry, optionalString, readPem, requireString } from "./kubeconfig-entry.ts";

const V1 = "client.authentication.k8s.io/v1";
const V1BETA1 = "client.authentication.k8s.io/v1beta1";
/** Where a cluster entry keeps what it wants to tell the plugin. Source: client-go `clientauthentication.Cluster.Config`. */
const CLUSTER_EXTENSION = "client.authentication.k8s.io/exec";

/**
 * Reads `users[].user.exec`. Source: client-go `clientcmd/api/v1.ExecConfig` and its validation.
 *
 * @throws Failure `KubeconfigInvalid`, or `UnsupportedCredential` for a plugin that must ask somebody.
 */
export async function readExecPlugin(user: KubeconfigEntry, cluster: KubeconfigEntry): Promise<ExecPlugin> {
  const { exec } = user.fields;
  if (!isObject(exec)) throw invalidKubeconfig(user.file, `${user.path}.exec must be a map`);
  const entry: KubeconfigEntry = { fields: exec, path: `${user.path}.exec`, file: user.file };
  const apiVersion = requireString(entry, "apiVersion");
  if (apiVersion !== V1 && apiVersion !== V1BETA1) {
    const advice = `write ${V1}, and update the plugin if it does not know it`;
    throw invalidKubeconfig(entry.file, `${entry.path}.apiVersion "${apiVersion}" is not supported; ${advice}`);
  }
  const command = requireString(entry, "command");
  refuseInteractive(entry, apiVersion);
  const installHint = optionalString(entry, "installHint");
  return {
    apiVersion,
    // A name with a slash belongs to the kubeconfig's folder, a bare one to PATH.
    command: /[/\\]/.test(command) && !isAbsolute(command) ? resolve(dirname(entry.file), command) : command,
    args: argsOf(entry),
    env: environmentOf(entry),
    ...(installHint === undefined ? {} : { installHint }),
    ...(entry.fields.provideClusterInfo === true ? { cluster: await clusterInfoOf(cluster) } : {}),
  };
}

function refuseInteractive(entry: KubeconfigEntry, apiVersion: string): void {
  const mode = optionalString(entry, "interactiveMode") ?? (apiVersion === V1BETA1 ? "IfAvailable" : undefined);
  if (mode === "Never" || mode === "IfAvailable") return;
  if (mode === "Always") {
    const what = `${entry.path}.interactiveMode is Always, and nobody is there to answer the plugin; use one that can run with Never`;
    throw new Failure(`Cannot use the kubeconfig "${entry.file}": ${what}`, { code: "UnsupportedCredential" });
  }
  const received = mode === undefined ? "" : `, received "${mode}"`;
  throw invalidKubeconfig(entry.file, `${entry.path}.interactiveMode must be Never, IfAvailable or Always${received}`);
}

function argsOf({ fields, path, file }: KubeconfigEntry): string[] {
  const args: unknown = fields.args ?? [];
  if (Array.isArray(args) && args.every((arg) => typeof arg === "string")) return args;
  throw invalidKubeconfig(file, `${path}.args must be a list of strings`);
}

function environmentOf({ fields, path, file }: KubeconfigEntry): Record<string, string> {
  const list: unknown = fields.env ?? [];
  const pairs = Array.isArray(list) ? list.filter(isObject) : [];
  const variables: Record<string, string> = {};
  for (const { name, value = "" } of pairs) {
    if (typeof name === "string" && typeof value === "string") variables[name] = value;
    else throw invalidKubeconfig(file, `${path}.env must be a list of name and value, both strings`);
  }
  return variables;
}

/** What `spec.cluster` of the request says: never anything of the user. Source: client-go `ExecCredentialSpec`. */
async function clusterInfoOf(cluster: KubeconfigEntry): Promise<Record<string, unknown>> {
  const ca = await readPem(cluster, "certificate-authority");
  const { extensions } = cluster.fields;
  const extension = Array.isArray(extensions)
    ? extensions.filter(isObject).find(({ name }) => name === CLUSTER_EXTENSION)
    : undefined;
  const copied = ["server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url"].flatMap((field) => {
    const value = cluster.fields[field];
    return value === undefined || value === null || value === "" ? [] : [[field, value]];
  });
  return {
    ...Object.fromEntries(copied),
    ...(ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca.pem).toString("base64") }),
    ...(extension === undefined ? {} : { config: extension.extension }),
  };
}
