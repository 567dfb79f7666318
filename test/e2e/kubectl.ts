import { spawn } from "node:child_process";
import { type FoundProgram, findProgram } from "./debian-package.ts";

/** Finds a real kubectl: the one on PATH, else Debian's `kubernetes-client`, which root may install, else none, with the reason. */
export function findKubectl(): FoundProgram {
  return findProgram("kubectl", { debianPackage: "kubernetes-client" });
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
