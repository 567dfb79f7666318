import { execFile } from "node:child_process";
import { Failure, isObject, type Result, err, ok } from "#base";
import type { ExecPlugin } from "./kube-config.ts";

/**
 * One run of a credential plugin: a program that is told of the cluster in a variable and prints a credential.
 *
 * Source: Kubernetes, "client-go credential plugins"; `client.authentication.k8s.io/v1`, kind ExecCredential.
 */

/** Longest time that a plugin gets; a login by browser would not end without a terminal anyway. */
const TIMEOUT_MS = 60_000;
/** Most that a plugin may print: a token and two certificates are a few kilobytes. */
const MAX_OUTPUT_BYTES = 1024 * 1024;
const MAX_COMPLAINT_LENGTH = 300;

/** What a plugin printed. */
export interface ExecCredential {
  readonly token: string | undefined;
  /** Both or neither, PEM. */
  readonly certificate: { readonly certificatePem: string; readonly keyPem: string } | undefined;
  /** Undefined when the credential is good until the server refuses it. */
  readonly expiresMs: number | undefined;
}

/**
 * Runs a plugin once. It never gets a terminal.
 *
 * @throws Failure `ExecPluginFailed` that says what to mend; it quotes what the plugin wrote to standard error, shortened
 * and without anything that could be a secret, and never what it printed.
 */
export async function runExecPlugin(
  plugin: ExecPlugin,
  options: { readonly origin: string; readonly timeoutMs?: number },
): Promise<ExecCredential> {
  const { origin, timeoutMs = TIMEOUT_MS } = options;
  const output = await outputOf(plugin, { origin, timeoutMs });
  const credential = decodeExecCredential(output, plugin.apiVersion);
  if (credential.ok) return credential.value;
  throw failed(plugin, origin, `printed no credential: ${credential.error}`);
}

function outputOf(plugin: ExecPlugin, options: { origin: string; timeoutMs: number }): Promise<string> {
  const info = {
    apiVersion: plugin.apiVersion,
    kind: "ExecCredential",
    spec: { interactive: false, ...(plugin.cluster === undefined ? {} : { cluster: plugin.cluster }) },
  };
  const settings = {
    env: { ...process.env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    timeout: options.timeoutMs,
    // A shell may ignore SIGTERM while its child runs.
    killSignal: "SIGKILL",
    maxBuffer: MAX_OUTPUT_BYTES,
    encoding: "utf8",
    windowsHide: true,
  } as const;
  return new Promise((resolve, reject) => {
    const child = execFile(plugin.command, [...plugin.args], settings, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(failed(plugin, options.origin, whyOf({ ...error, timeoutMs: options.timeoutMs }, plugin, stderr)));
    });
    // A plugin that asks reads an end of file at once instead of waiting for somebody to type.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end();
  });
}

function whyOf(
  error: { readonly code?: unknown; readonly killed?: boolean; readonly signal?: unknown; readonly timeoutMs: number },
  plugin: ExecPlugin,
  stderr: string,
): string {
  if (error.code === "ENOENT" || error.code === "EACCES") {
    const what = error.code === "ENOENT" ? "was not found; install it or put it into PATH" : "may not be executed";
    return plugin.installHint === undefined ? what : `${what}. ${plugin.installHint.trim().slice(0, 1000)}`;
  }
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return `printed more than ${MAX_OUTPUT_BYTES} bytes`;
  if (error.killed === true)
    return `did not end within ${error.timeoutMs} ms; run it by hand, it may be waiting for a login`;
  const end = typeof error.code === "number" ? `ended with ${error.code}` : `was ended by ${String(error.signal)}`;
  const complaint = redacted(stderr);
  return complaint === "" ? `${end} without a word` : `${end}: ${complaint}`;
}

/** The last line that the plugin complained with. Anything long and unbroken could be a token, so it goes. */
function redacted(stderr: string): string {
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return last
    .replaceAll(/[\w\-.+=]{40,}/g, "(left out)")
    .trim()
    .slice(0, MAX_COMPLAINT_LENGTH);
}

/** Reads what a plugin printed; errors never quote it. */
export function decodeExecCredential(output: string, apiVersion: string): Result<ExecCredential, string> {
  const root = parse(output);
  if (!isObject(root)) return err("its output is no JSON object");
  if (root.kind !== "ExecCredential") return err("its kind is not ExecCredential");
  if (root.apiVersion !== apiVersion) return err(`its apiVersion is not ${apiVersion}, which the kubeconfig asks for`);
  const { status } = root;
  if (!isObject(status)) return err("it has no status");
  const token = textOf(status.token);
  const certificatePem = textOf(status.clientCertificateData);
  const keyPem = textOf(status.clientKeyData);
  if ((certificatePem === undefined) !== (keyPem === undefined))
    return err("status has one of clientCertificateData and clientKeyData, and needs both");
  const certificate = certificatePem === undefined || keyPem === undefined ? undefined : { certificatePem, keyPem };
  if (token === undefined && certificate === undefined) return err("status has neither a token nor a certificate");
  const expires = textOf(status.expirationTimestamp);
  const expiresMs = expires === undefined ? undefined : Date.parse(expires);
  if (Number.isNaN(expiresMs)) return err("status.expirationTimestamp is no time");
  return ok({ token, certificate, expiresMs });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function failed(plugin: ExecPlugin, origin: string, why: string): Failure {
  return new Failure(`Cannot log in with the plugin "${plugin.command}" of ${origin}: it ${why}`, {
    code: "ExecPluginFailed",
    retryable: true,
  });
}
