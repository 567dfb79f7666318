import { existsSync } from "node:fs";
import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTestAuthority } from "../../src/kube/test-certificates.ts";
import {
  createServerFolder,
  type FoundPackage,
  findPackage,
  freePort,
  kill,
  type ServerFolder,
} from "./debian-server.ts";

const SERVER = "/usr/sbin/mariadbd";

/** Debian's MariaDB, installed when that is possible. */
export function findMariadb(): FoundPackage {
  return findPackage({ name: "mariadb-server", service: "mariadb", isInstalled: () => existsSync(SERVER) });
}

/** A MariaDB of its own on 127.0.0.1, with the database `shop` and the user `keda`, whose password is {@link MARIADB_PASSWORD}. */
export interface MariadbServer {
  readonly port: number;
  readonly socketPath: string;
  /** Ends it at once. */
  stop(): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/** With what a data source name does not escape. */
export const MARIADB_PASSWORD = "ge:he/i@m?";

export async function startMariadb({ hasTls = true } = {}): Promise<MariadbServer> {
  const folder = await createServerFolder("mariadb");
  try {
    return await startIn(folder, hasTls);
  } catch (thrown) {
    await folder.remove();
    throw thrown;
  }
}

async function startIn(folder: ServerFolder, hasTls: boolean): Promise<MariadbServer> {
  const data = join(folder.path, "data");
  const socketPath = join(folder.path, "s");
  await folder.run("mariadb-install-db", [
    "--no-defaults",
    `--datadir=${data}`,
    "--skip-test-db",
    "--innodb-use-native-aio=0",
    "--auth-root-authentication-method=normal",
  ]);
  const authority = await createTestAuthority("databases");
  const { certificatePem, keyPem } = await authority.certify("db.shop");
  const certificatePath = await place(folder, "server.pem", certificatePem);
  const keyPath = await place(folder, "server.key", keyPem);
  const setUp = await place(
    folder,
    "set-up.sql",
    `CREATE DATABASE IF NOT EXISTS shop;\nCREATE USER IF NOT EXISTS keda IDENTIFIED BY '${MARIADB_PASSWORD}';\nGRANT ALL ON *.* TO keda;\n`,
  );
  const port = await freePort();
  const args = [
    "--no-defaults",
    `--datadir=${data}`,
    `--socket=${socketPath}`,
    "--bind-address=127.0.0.1",
    `--port=${port}`,
    `--init-file=${setUp}`,
    "--skip-name-resolve",
    // The kernel allows few such requests, and other servers of the machine may have them.
    "--innodb-use-native-aio=0",
    "--innodb-flush-log-at-trx-commit=0",
    `--tmpdir=${folder.path}`,
    ...(hasTls ? [`--ssl-cert=${certificatePath}`, `--ssl-key=${keyPath}`] : ["--skip-ssl"]),
  ];
  const launch = () => folder.start(SERVER, args, /ready for connections/);
  let child = await launch();
  return {
    port,
    socketPath,
    stop: () => kill(child),
    async start() {
      child = await launch();
    },
    remove: () => folder.remove(),
  };
}

async function place(folder: ServerFolder, name: string, text: string): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, text, { mode: 0o600 });
  if (process.getuid?.() === 0) await chown(path, 65_534, 65_534);
  return path;
}
