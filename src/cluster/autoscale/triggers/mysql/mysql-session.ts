import { connect, type Socket } from "node:net";
import type { Connection, ConnectionOptions, QueryError } from "mysql2";
import type { Clock } from "#base";
import type { Row } from "../clients/sql/query-value.ts";
import type { SqlSession } from "../clients/sql/sql-reader.ts";
import type { MysqlTarget } from "./data-source-name.ts";

export interface MysqlWay {
  readonly target: MysqlTarget;
  readonly clock: Clock;
  /** The address behind a host name. */
  resolve(host: string): string;
}

/**
 * Connects, with TLS and without when the target says `preferred`.
 *
 * @throws what the last way that was tried met.
 */
export async function openMysql(way: MysqlWay, signal: AbortSignal): Promise<SqlSession> {
  const { tls } = way.target;
  if (tls !== "preferred") return openOnce(way, signal, tls !== "false");
  try {
    return await openOnce(way, signal, true);
  } catch (thrown) {
    // Another try could only fail the same way once the server has looked at the user.
    if (signal.aborted || !isTlsRefusal(thrown)) throw thrown;
    return openOnce(way, signal, false);
  }
}

async function openOnce(
  { target, clock, resolve }: MysqlWay,
  signal: AbortSignal,
  hasTls: boolean,
): Promise<SqlSession> {
  // Loaded by the first trigger of the kind.
  const { createConnection } = await import("mysql2");
  // Given up while it was loaded: nothing would end the connection.
  if (signal.aborted) throw new Error("the connection was given up");
  const { place } = target;
  const socket =
    "host" in place ? connect({ host: resolve(place.host), port: place.port }) : connect({ path: place.socketPath });
  const connection = createConnection(optionsOf(target, socket, hasTls));
  const session = new MysqlSession(connection, socket);
  const drop = () => session.destroy();
  signal.addEventListener("abort", drop, { once: true });
  const { connectTimeoutMs } = target;
  const stopTimer = connectTimeoutMs === undefined ? undefined : clock.after(connectTimeoutMs, drop);
  try {
    await session.opened();
    for (const [name, value] of Object.entries(target.variables)) await session.firstRow(`SET ${name} = ${value}`);
    return session;
  } catch (thrown) {
    session.destroy();
    throw thrown;
  } finally {
    stopTimer?.();
    signal.removeEventListener("abort", drop);
  }
}

function optionsOf(target: MysqlTarget, socket: Socket, hasTls: boolean): ConnectionOptions {
  const name = "host" in target.place ? target.place.host : "localhost";
  return {
    // The name that a certificate is checked against; the socket goes to the address.
    host: name,
    stream: socket,
    user: target.user,
    password: target.password,
    database: target.database,
    // The caller bounds the time.
    connectTimeout: 0,
    rowsAsArray: true,
    typeCast: false,
    // A hostile server could ask for files of this machine.
    flags: ["-LOCAL_FILES"],
    enableCleartextPlugin: target.allowsCleartextPasswords,
    ...(hasTls ? { ssl: { rejectUnauthorized: target.tls === "true", verifyIdentity: target.tls === "true" } } : {}),
  };
}

class MysqlSession implements SqlSession {
  readonly #connection: Connection;
  readonly #socket: Socket;
  #isOpen = true;

  constructor(connection: Connection, socket: Socket) {
    this.#connection = connection;
    this.#socket = socket;
    const close = () => {
      this.#isOpen = false;
    };
    // An idle connection that breaks reports here; the next read opens another.
    connection.on("error", close);
    connection.on("end", close);
    socket.on("error", close);
    socket.on("close", close);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get receivedBytes(): number {
    return this.#socket.bytesRead;
  }

  opened(): Promise<void> {
    return this.#unlessClosed((resolve, reject) => {
      this.#connection.connect((error: QueryError | null) => (error === null ? resolve() : reject(error)));
    });
  }

  firstRow(sql: string): Promise<Row | undefined> {
    return this.#unlessClosed((resolve, reject) => {
      let first: Row | undefined;
      const query = this.#connection.query({ sql });
      // Rows of a further result have a higher index. A statement without rows gives an object that says what it did.
      query.on("result", (row: unknown, resultIndex: number) => {
        if (first === undefined && !(resultIndex > 0) && Array.isArray(row)) first = row.map(cellText);
      });
      query.on("error", reject);
      query.on("end", () => resolve(first));
    });
  }

  /** The client forgets what it was asked when its socket is destroyed. */
  async #unlessClosed<T>(ask: (resolve: (value: T) => void, reject: (error: unknown) => void) => void): Promise<T> {
    let close = (): void => undefined;
    const closed = new Promise<never>((_resolve, reject) => {
      close = () => reject(new Error("the connection was closed"));
    });
    this.#socket.once("close", close);
    try {
      return await Promise.race([closed, new Promise<T>(ask)]);
    } finally {
      this.#socket.removeListener("close", close);
    }
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once("close", () => resolve());
      this.#connection.end();
    });
  }

  destroy(): void {
    this.#isOpen = false;
    this.#connection.destroy();
    this.#socket.destroy();
  }
}

function cellText(cell: unknown): string | null {
  if (cell === null || cell === undefined) return null;
  return Buffer.isBuffer(cell) ? cell.toString("utf8") : String(cell as string | number);
}

/** The client says so when the server has no TLS. Source: mysql2 `client_handshake`. */
function isTlsRefusal(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "HANDSHAKE_NO_SSL_SUPPORT";
}
