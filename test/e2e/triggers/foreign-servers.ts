import { type ChildProcess, execFile, spawn } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Debian's user without rights. */
const NOBODY = 65_534;
const OUTPUT_MAX = 20_000;
const execute = promisify(execFile);

/**
 * Processes of other makes with a directory of their own, for the length of a test file. On Linux they end with this process,
 * also when that is killed; as root they run without its rights, which some servers demand.
 */
export class ForeignServers {
  readonly directory: string;
  readonly #children: ChildProcess[] = [];
  #output = "";

  constructor(name: string) {
    this.directory = mkdtempSync(join(tmpdir(), `serin-${name}-`));
    giveAway(this.directory);
  }

  /** What the servers have printed, up to a bound. */
  get output(): string {
    return this.#output;
  }

  /** Writes a file that only the servers can read, and says where. */
  place(name: string, text: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    giveAway(path);
    return path;
  }

  /** Makes a directory for a server. */
  makeDirectory(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path);
    giveAway(path);
    return path;
  }

  /** Runs a program to its end. */
  async run(path: string, args: readonly string[]): Promise<void> {
    const [command, ...all] = launcher(path, args);
    await execute(command, all, { cwd: this.directory, env: this.#environment(), timeout: 60_000 });
  }

  /** Starts a process in a group of its own, so that `stop` reaches what it starts in turn. */
  start(path: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const [command, ...all] = launcher(path, args);
    const options = { cwd: this.directory, detached: true, env: { ...this.#environment(), ...env } };
    const child = spawn(command, all, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_MAX);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", (error) => keep(Buffer.from(String(error))));
    this.#children.push(child);
    return child;
  }

  /** Starts a process and waits until it has printed a text. */
  async startUntil(ready: RegExp, path: string, args: readonly string[]): Promise<ChildProcess> {
    this.#output = "";
    const child = this.start(path, args);
    await this.#until(`"${path}" is not ready`, () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`"${path}" ended: ${this.#output}`);
      return Promise.resolve(ready.test(this.#output));
    });
    return child;
  }

  /** Waits until something listens on the port. @throws Error with what the servers printed, when it takes too long. */
  async listening(port: number): Promise<void> {
    await this.#until(`nothing listens on port ${port}`, () => isListening(port));
  }

  /** Kills every process and removes the directory. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => kill(child)));
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async #until(problem: string, isDone: () => Promise<boolean>): Promise<void> {
    const untilMs = Date.now() + 40_000;
    while (!(await isDone())) {
      if (Date.now() > untilMs) throw new Error(`${problem}: ${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #environment(): Record<string, string> {
    return { PATH: process.env.PATH ?? "", HOME: this.directory, LC_ALL: "C.UTF-8" };
  }
}

/** Ends a process with all that it started, and waits until it is gone. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.pid === undefined) return;
  const isOver = child.exitCode !== null || child.signalCode !== null;
  const ended = isOver ? undefined : new Promise((resolve) => child.once("exit", resolve));
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
  await ended;
}

/** Ports that were free a moment ago, all different: the servers have no way to take any. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => {
    const address = server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function giveAway(path: string): void {
  if (isRoot()) chownSync(path, NOBODY, NOBODY);
}

function launcher(path: string, args: readonly string[]): [string, ...string[]] {
  if (process.platform !== "linux") return [path, ...args];
  const dropped = isRoot() ? [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"] : [];
  return ["setpriv", ...dropped, "--pdeathsig", "KILL", path, ...args];
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
