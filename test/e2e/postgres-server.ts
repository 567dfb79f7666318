import { readdirSync } from "node:fs";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestAuthority } from "../../src/kube/test-certificates.ts";
import {
  createServerFolder,
  findPackage,
  freePort,
  kill,
  type FoundPackage,
  type ServerFolder,
} from "./debian-server.ts";

const ROOT = "/usr/lib/postgresql";

/** Debian's PostgreSQL, installed when that is possible. */
export function findPostgres(): FoundPackage {
  return findPackage({ name: "postgresql", service: "postgresql", isInstalled: () => versions().length > 0 });
}

function versions(): readonly string[] {
  try {
    return readdirSync(ROOT).sort((a, b) => Number(b) - Number(a));
  } catch {
    return [];
  }
}

/** A PostgreSQL of its own on 127.0.0.1, whose user `keda` has the password {@link POSTGRES_PASSWORD}. */
export interface PostgresServer {
  readonly port: number;
  /** Folder of its socket. */
  readonly socketFolder: string;
  /** PEM file of the authority that certified the server for `db.shop` and 127.0.0.1. */
  readonly caPath: string;
  /** Ends every process of it at once. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** With what a connection string must escape. */
export const POSTGRES_PASSWORD = "ge heim'%@/\\";

export async function startPostgres(): Promise<PostgresServer> {
  const folder = await createServerFolder("postgres");
  try {
    return await startIn(folder);
  } catch (thrown) {
    await folder.remove();
    throw thrown;
  }
}

async function startIn(folder: ServerFolder): Promise<PostgresServer> {
  const bin = join(ROOT, versions()[0] ?? "", "bin");
  const data = join(folder.path, "data");
  const passwordPath = join(folder.path, "password");
  const authority = await createTestAuthority("databases");
  const { certificatePem, keyPem } = await authority.certify("db.shop");
  const caPath = await place(folder, "ca.pem", authority.caPem);
  const certificatePath = await place(folder, "server.pem", certificatePem);
  const keyPath = await place(folder, "server.key", keyPem);
  await place(folder, "password", `${POSTGRES_PASSWORD}\n`);
  await folder.run(join(bin, "initdb"), [
    "-D",
    data,
    "-U",
    "keda",
    "--auth=scram-sha-256",
    `--pwfile=${passwordPath}`,
    "--no-sync",
    "--encoding=UTF8",
  ]);
  const port = await freePort();
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: folder.path,
    fsync: "off",
    ssl: "on",
    ssl_cert_file: certificatePath,
    ssl_key_file: keyPath,
  };
  const args = ["-D", data, "-p", String(port), ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`])];
  const launch = () => folder.start(join(bin, "postgres"), args, /ready to accept connections/);
  let child = await launch();
  return {
    port,
    socketFolder: folder.path,
    caPath,
    // Killed, it would leave processes that keep the next one from starting; this ends them all without a goodbye.
    stop: () => kill(child, "SIGQUIT"),
    async start() {
      child = await launch();
    },
    remove: () => folder.remove(),
  };
}

/** The server wants its key to be its own, and readable by nobody else. */
async function place(folder: ServerFolder, name: string, text: string): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, text, { mode: 0o600 });
  if (process.getuid?.() === 0) await chown(path, 65_534, 65_534);
  return path;
}
