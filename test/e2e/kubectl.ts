import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** The kubectl that tests use, or why there is none. */
export type FoundKubectl = { readonly path: string } | { readonly missing: string };

/** How long apt may take to install the package. */
const INSTALL_TIMEOUT_MS = 110_000;

/**
 * Finds a real kubectl: the one on PATH, else Debian's `kubernetes-client`, which root may install, else none, with the reason.
 */
export function findKubectl(): FoundKubectl {
  const onPath = lookUp();
  if (onPath !== undefined) return { path: onPath };
  if (!existsSync("/etc/debian_version"))
    return { missing: "no kubectl on PATH, and this is no Debian to install it on" };
  if (process.getuid?.() !== 0) return { missing: "no kubectl on PATH, and only root may install kubernetes-client" };
  const install = spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "kubernetes-client"], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    timeout: INSTALL_TIMEOUT_MS,
  });
  const installed = lookUp();
  if (installed !== undefined) return { path: installed };
  const said = (install.stderr ?? "").trim().split("\n").at(-1) ?? "";
  return { missing: `no kubectl on PATH, and apt-get could not install kubernetes-client: ${said}` };
}

function lookUp(): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "kubectl"))
    .find((path) => existsSync(path));
}

/** What a kubectl call printed and how it ended. */
export interface KubectlRun {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubectlOptions {
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

/** Calls kubectl against one cluster. */
export type Kubectl = (args: readonly string[], options?: KubectlOptions) => Promise<KubectlRun>;

/** Binds kubectl to a kubeconfig and to a cache of its own, so that no discovery of another cluster is reused. */
export function kubectlFor(path: string, { kubeconfig, cache }: { kubeconfig: string; cache: string }): Kubectl {
  return (args, { stdin, timeoutMs = 60_000 } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(path, ["--kubeconfig", kubeconfig, "--cache-dir", cache, ...args], {
        stdio: ["pipe", "pipe", "pipe"],
        timeout: timeoutMs,
        killSignal: "SIGKILL",
      });
      let stdout = "";
      let stderr = "";
      child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      child.once("error", reject);
      child.once("close", (code) => resolve({ status: code ?? -1, stdout, stderr }));
      child.stdin.end(stdin ?? "");
    });
}
