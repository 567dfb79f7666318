import { join } from "node:path";
import { type FoundProgram, findProgram } from "../debian-package.ts";
import { makeCertificate } from "./certificates.ts";
import { ForeignServers, freePorts, kill } from "./foreign-servers.ts";

/** Debian's MariaDB, installed when that is possible. */
export function findMariadb(): FoundProgram {
  return findProgram("mariadbd", { debianPackage: "mariadb-server" });
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

export async function startMariadb(program: string, { hasTls = true } = {}): Promise<MariadbServer> {
  const servers = new ForeignServers("mariadb");
  try {
    return await startIn(servers, program, hasTls);
  } catch (thrown) {
    await servers.stop();
    throw thrown;
  }
}

async function startIn(servers: ForeignServers, program: string, hasTls: boolean): Promise<MariadbServer> {
  const data = join(servers.directory, "data");
  const socketPath = join(servers.directory, "s");
  await servers.run("mariadb-install-db", [
    "--no-defaults",
    `--datadir=${data}`,
    "--skip-test-db",
    "--innodb-use-native-aio=0",
    "--auth-root-authentication-method=normal",
  ]);
  const { certFile, keyFile } = await makeCertificate(servers, "db.shop");
  const setUp = servers.place(
    "set-up.sql",
    `CREATE DATABASE IF NOT EXISTS shop;\nCREATE USER IF NOT EXISTS keda IDENTIFIED BY '${MARIADB_PASSWORD}';\nGRANT ALL ON *.* TO keda;\n`,
  );
  const [port = 0] = await freePorts(1);
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
    `--tmpdir=${servers.directory}`,
    ...(hasTls ? [`--ssl-cert=${certFile}`, `--ssl-key=${keyFile}`] : ["--skip-ssl"]),
  ];
  const launch = () => servers.startUntil(/ready for connections/, program, args);
  let child = await launch();
  return {
    port,
    socketPath,
    stop: () => kill(child),
    async start() {
      child = await launch();
    },
    remove: () => servers.stop(),
  };
}
