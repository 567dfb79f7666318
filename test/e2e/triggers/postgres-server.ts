import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type FoundProgram, findProgram } from "../debian-package.ts";
import { makeCertificate } from "./certificates.ts";
import { ForeignServers, freePorts, kill } from "./foreign-servers.ts";

const ROOT = "/usr/lib/postgresql";

/** Debian's PostgreSQL, installed when that is possible. */
export function findPostgres(): FoundProgram {
  return findProgram("postgres", { debianPackage: "postgresql", folders: versionFolders });
}

/** The newest first. */
function versionFolders(): readonly string[] {
  try {
    return readdirSync(ROOT)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(ROOT, version, "bin"));
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

export async function startPostgres(program: string): Promise<PostgresServer> {
  const servers = new ForeignServers("postgres");
  try {
    return await startIn(servers, program);
  } catch (thrown) {
    await servers.stop();
    throw thrown;
  }
}

async function startIn(servers: ForeignServers, program: string): Promise<PostgresServer> {
  const data = join(servers.directory, "data");
  const passwordPath = servers.place("password", `${POSTGRES_PASSWORD}\n`);
  const { certFile, keyFile, caFile } = await makeCertificate(servers, "db.shop");
  await servers.run(join(dirname(program), "initdb"), [
    "-D",
    data,
    "-U",
    "keda",
    "--auth=scram-sha-256",
    `--pwfile=${passwordPath}`,
    "--no-sync",
    "--encoding=UTF8",
  ]);
  const [port = 0] = await freePorts(1);
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: servers.directory,
    fsync: "off",
    ssl: "on",
    ssl_cert_file: certFile,
    ssl_key_file: keyFile,
  };
  const args = ["-D", data, "-p", String(port), ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`])];
  const launch = () => servers.startUntil(/ready to accept connections/, program, args);
  let child = await launch();
  return {
    port,
    socketFolder: servers.directory,
    caPath: caFile,
    // Killed, it would leave memory that keeps the next one from starting; this ends it all without a goodbye.
    stop: () => kill(child, "SIGQUIT"),
    async start() {
      child = await launch();
    },
    remove: () => servers.stop(),
  };
}
