import { readFile, stat } from "node:fs/promises";
import { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Client, Query, QueryArrayConfig } from "pg";
import { type Clock, Failure } from "#base";
import type { Row } from "../clients/sql/query-value.ts";
import type { SqlSession } from "../clients/sql/sql-reader.ts";
import { unreadable } from "../clients/client-failure.ts";
import { connectionAttempts, isFinalAnswer, type TlsCheck } from "./connection-attempts.ts";
import type { PostgresTarget } from "./connection-string.ts";

export interface PostgresWay {
  readonly target: PostgresTarget;
  readonly clock: Clock;
  /** The address behind a host name. */
  resolve(host: string): string;
}

/**
 * Connects the first way that works out of those that the target allows.
 *
 * @throws what the last way that was tried met.
 */
export async function openPostgres({ target, clock, resolve }: PostgresWay, signal: AbortSignal): Promise<SqlSession> {
  // Loaded by the first trigger of the kind.
  const { Client: PgClient, Query: PgQuery } = await import("pg");
  const certificates = await readCertificates(target);
  let last: unknown;
  for (const attempt of connectionAttempts(target)) {
    if (signal.aborted) break;
    const socket = new Socket();
    const client = new PgClient({
      host: attempt.host.startsWith("/") ? attempt.host : resolve(attempt.host),
      port: attempt.port,
      user: target.user,
      database: target.database,
      // As a function, or an absent one would be looked for in this process' environment and home.
      password: () => target.password,
      application_name: target.settings.application_name ?? "serin",
      options: sessionOptions(target.settings),
      ssl: attempt.tls === undefined ? false : { ...tlsOptions(attempt.host, attempt.tls), ...certificates },
      stream: () => socket,
    });
    const session = new PostgresSession({ client, socket, makeQuery: (config) => new PgQuery(config) });
    const failed = await connect(session, client, { signal, clock, timeoutMs: target.connectTimeoutMs });
    if (failed === undefined) return session;
    last = failed.thrown;
    if (isFinalAnswer(sqlStateOf(last), attempt)) break;
  }
  throw last;
}

interface ConnectBounds {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
}

async function connect(
  session: PostgresSession,
  client: Client,
  { signal, clock, timeoutMs }: ConnectBounds,
): Promise<{ readonly thrown: unknown } | undefined> {
  const drop = () => session.destroy();
  signal.addEventListener("abort", drop, { once: true });
  const stopTimer = timeoutMs === undefined ? undefined : clock.after(timeoutMs, drop);
  try {
    await client.connect();
    return undefined;
  } catch (thrown) {
    session.destroy();
    return { thrown };
  } finally {
    stopTimer?.();
    signal.removeEventListener("abort", drop);
  }
}

interface PostgresSessionParts {
  readonly client: Client;
  readonly socket: Socket;
  makeQuery(config: QueryArrayConfig & { readonly queryMode: "extended" }): Query;
}

class PostgresSession implements SqlSession {
  readonly #parts: PostgresSessionParts;
  #isOpen = true;

  constructor(parts: PostgresSessionParts) {
    this.#parts = parts;
    const close = () => {
      this.#isOpen = false;
    };
    // An idle connection that breaks reports here; the next read opens another.
    parts.client.on("error", close);
    parts.client.on("end", close);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get receivedBytes(): number {
    return this.#parts.socket.bytesRead;
  }

  firstRow(text: string): Promise<Row | undefined> {
    // Extended, as KEDA's driver asks: one statement, no more. Listening keeps the client from collecting every row.
    const query = this.#parts.makeQuery({
      text,
      rowMode: "array",
      queryMode: "extended",
      types: { getTypeParser: () => (cell: string) => cell },
    });
    return new Promise((resolve, reject) => {
      let first: Row | undefined;
      query.on("row", (row) => (first ??= row as unknown as Row));
      query.on("error", reject);
      query.on("end", () => resolve(first));
      this.#parts.client.query(query);
    });
  }

  async end(): Promise<void> {
    await this.#parts.client.end();
  }

  destroy(): void {
    this.#isOpen = false;
    this.#parts.socket.destroy();
  }
}

/** The name goes with the certificate, not the address that stands for it here. */
function tlsOptions(host: string, check: TlsCheck): ConnectionOptions {
  const name = /[^\d.:]/.test(host) ? { servername: host } : {};
  return {
    host,
    ...name,
    rejectUnauthorized: check !== "nothing",
    ...(check === "issuer" ? { checkServerIdentity: () => undefined } : {}),
  };
}

const FILE_BYTES_MAX = 1024 * 1024;

async function readCertificates({ files, sslpassword }: PostgresTarget): Promise<ConnectionOptions> {
  const options: ConnectionOptions = sslpassword === undefined ? {} : { passphrase: sslpassword };
  if (files.sslrootcert !== undefined) options.ca = await readSmallFile("sslrootcert", files.sslrootcert);
  if (files.sslcert !== undefined) options.cert = await readSmallFile("sslcert", files.sslcert);
  if (files.sslkey !== undefined) options.key = await readSmallFile("sslkey", files.sslkey);
  return options;
}

async function readSmallFile(parameter: string, path: string): Promise<string> {
  const info = await stat(path).catch(() => undefined);
  if (info?.isFile() !== true || info.size > FILE_BYTES_MAX)
    throw unreadable(`${parameter} "${path}" is no file of at most ${FILE_BYTES_MAX} bytes`);
  return readFile(path, "utf8").catch(() => {
    throw unreadable(`${parameter} "${path}" cannot be read`);
  });
}

/** Settings as the server takes them at the start of a session. A backslash keeps spaces together. Source: PostgreSQL manual, "options". */
function sessionOptions({ options = "", application_name: _name, ...settings }: PostgresTarget["settings"]): string {
  const flags = Object.entries(settings).map(([key, value]) => `-c ${key}=${value.replace(/[\\\s]/g, "\\$&")}`);
  return [options, ...flags].filter((flag) => flag !== "").join(" ");
}

/** The five characters with which the server says what is wrong. Source: PostgreSQL manual, "Error Codes". */
function sqlStateOf(thrown: unknown): string | undefined {
  if (thrown instanceof Failure || !(thrown instanceof Error) || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" && /^[0-9A-Z]{5}$/.test(thrown.code) && "severity" in thrown
    ? thrown.code
    : undefined;
}
