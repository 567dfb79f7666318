import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Whether a server's package is there, or why not. */
export type FoundPackage = { readonly isThere: true } | { readonly isThere: false; readonly why: string };

const INSTALL_TIMEOUT_MS = 110_000;
/** Another test may be installing. */
const LOCK_TIMEOUT_SECONDS = 60;

export interface DebianPackage {
  readonly name: string;
  /** Service that the package starts by itself; it is stopped. */
  readonly service: string;
  /** Says whether it is installed. */
  isInstalled(): boolean;
}

/** Finds a server of another make, and installs it when this is Debian and the user is root. */
export function findPackage({ name, service, isInstalled }: DebianPackage): FoundPackage {
  if (isInstalled()) return { isThere: true };
  if (!existsSync("/etc/debian_version"))
    return { isThere: false, why: `no ${name} here, and this is no Debian to install it on` };
  if (process.getuid?.() !== 0) return { isThere: false, why: `no ${name} here, and only root may install it` };
  const options = ["-o", `DPkg::Lock::Timeout=${LOCK_TIMEOUT_SECONDS}`, "-y", "--no-install-recommends"];
  const install = spawnSync("apt-get", ["install", ...options, name], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    timeout: INSTALL_TIMEOUT_MS,
  });
  spawnSync("service", [service, "stop"], { timeout: 30_000 });
  if (isInstalled()) return { isThere: true };
  const said = (install.stderr ?? "").trim().split("\n").at(-1) ?? "";
  return { isThere: false, why: `no ${name} here, and apt-get could not install it: ${said}` };
}

/** Debian's user without rights. */
const NOBODY = 65_534;
const run = promisify(execFile);

/** A folder of its own, and programs that run there without rights and end with this process. */
export interface ServerFolder {
  readonly path: string;
  /** Runs a program to its end. */
  run(command: string, args: readonly string[]): Promise<void>;
  /** Starts a server; resolves when it has printed the text. */
  start(command: string, args: readonly string[], ready: RegExp): Promise<ChildProcess>;
  /** Kills what was started and removes the folder. */
  remove(): Promise<void>;
}

export async function createServerFolder(name: string): Promise<ServerFolder> {
  const isRoot = process.getuid?.() === 0;
  const path = await mkdtemp(join(tmpdir(), `serin-${name}-`));
  if (isRoot) await chown(path, NOBODY, NOBODY);
  const children: ChildProcess[] = [];
  // Killed with its parent, also when that is killed before it can clean up.
  const dropped = isRoot ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  const launch = (command: string, args: readonly string[]) => [...dropped, "--pdeathsig", "KILL", command, ...args];
  const options = { cwd: path, env: { PATH: process.env.PATH ?? "", HOME: path, LC_ALL: "C" } };
  return {
    path,
    run: async (command, args) => void (await run("setpriv", launch(command, args), { ...options, timeout: 60_000 })),
    async start(command, args, ready) {
      const child = spawn("setpriv", launch(command, args), { ...options, stdio: ["ignore", "pipe", "pipe"] });
      children.push(child);
      await printed(child, ready);
      return child;
    },
    async remove() {
      await Promise.all(children.map((child) => kill(child)));
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Ends a server and waits until it is gone. */
export function kill(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    child.once("exit", () => resolve());
    child.kill(signal);
  });
}

const PRINTED_MAX = 20_000;

function printed(child: ChildProcess, ready: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const add = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-PRINTED_MAX);
      if (ready.test(output)) resolve();
    };
    child.stdout?.on("data", add);
    child.stderr?.on("data", add);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${output}`)));
  });
}

/** A port that was free a moment ago: the servers have no way to take any. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
