import { existsSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { delimiter, join } from "node:path";
import { type Command, Option } from "commander";
import { parse } from "yaml";
import { Failure, isObject } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";

/** The cluster that a command works on, and as whom. */
export interface Connection {
  readonly client: KubeClient;
  /** Namespace of the command line, else of the context. */
  readonly namespace: string;
  /** The kubeconfig's name for the user, else the one of this machine. */
  readonly user: string;
}

/** Options that say which cluster. */
export interface ConnectionOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
}

/** Those of every command that asks a cluster and prints. */
export interface ClusterOptions extends ConnectionOptions {
  readonly output: "text" | "json";
}

/** Adds them to a command. */
export function addClusterOptions(command: Command): Command {
  return command
    .option("-n, --namespace <name>", "namespace of the Canary; the context's without it")
    .option("--kubeconfig <path>", "without it $KUBECONFIG, ./.serin/kubeconfig, ~/.kube/config, the first there is")
    .option("--context <name>", "context of the kubeconfig; the current one without it")
    .addOption(new Option("-o, --output <format>", "how to print").choices(["text", "json"]).default("text"));
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Opens a client; the caller closes it. */
export async function connect(options: ConnectionOptions, env: Environment): Promise<Connection> {
  const path = chooseKubeconfig(options.kubeconfig, env);
  const config = await loadKubeconfig(path, options.context);
  return {
    client: createKubeClient(config),
    namespace: options.namespace ?? config.namespace,
    user: userOf(path, options.context) ?? userInfo().username,
  };
}

/**
 * Names the kubeconfig to use: the flag's, else the first of $KUBECONFIG that exists, else the one of `serin up` in this
 * folder, else kubectl's.
 *
 * @throws Failure `KubeconfigMissing` naming the places that were looked at.
 */
export function chooseKubeconfig(flag: string | undefined, env: Environment): string {
  if (flag !== undefined) return flag;
  const listed = (env.KUBECONFIG ?? "").split(delimiter).filter((path) => path !== "");
  const places =
    listed.length > 0 ? listed : [join(".serin", "kubeconfig"), join(env.HOME ?? homedir(), ".kube", "config")];
  const found = places.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Failure(`Cannot find a kubeconfig: none of ${places.join(", ")} exists; name one with --kubeconfig`, {
    code: "KubeconfigMissing",
  });
}

/** The file has been read and checked by then; what it does not say is undefined. */
function userOf(path: string, context: string | undefined): string | undefined {
  const root: unknown = parse(readFileSync(path, "utf8"));
  if (!isObject(root) || !Array.isArray(root.contexts)) return undefined;
  const name = context ?? root["current-context"];
  const entry: unknown = root.contexts.find((candidate) => isObject(candidate) && candidate.name === name);
  const fields = isObject(entry) ? entry.context : undefined;
  return isObject(fields) && typeof fields.user === "string" && fields.user !== "" ? fields.user : undefined;
}
