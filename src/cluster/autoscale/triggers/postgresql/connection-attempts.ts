import type { PostgresTarget, SslMode } from "./connection-string.ts";

/** How much of the server's certificate is checked. */
export type TlsCheck = "nothing" | "issuer" | "issuer and name";

export interface ConnectionAttempt {
  readonly host: string;
  readonly port: number;
  /** Undefined is a connection without TLS. */
  readonly tls: TlsCheck | undefined;
}

/**
 * Returns the connections to try in turn, as libpq and pgx do. Source: PostgreSQL manual, "SSL Mode Descriptions"; `require`
 * with a root certificate checks the issuer.
 */
export function connectionAttempts({ hosts, sslmode, files }: PostgresTarget): readonly ConnectionAttempt[] {
  const modes = tlsOf(sslmode, files.sslrootcert !== undefined);
  return hosts.flatMap(({ host, port }) =>
    host.startsWith("/") ? [{ host, port, tls: undefined }] : modes.map((tls) => ({ host, port, tls })),
  );
}

function tlsOf(sslmode: SslMode, hasRootCertificate: boolean): readonly (TlsCheck | undefined)[] {
  const modes: Readonly<Record<SslMode, readonly (TlsCheck | undefined)[]>> = {
    disable: [undefined],
    allow: [undefined, "nothing"],
    prefer: ["nothing", undefined],
    require: [hasRootCertificate ? "issuer" : "nothing"],
    "verify-ca": ["issuer"],
    "verify-full": ["issuer and name"],
  };
  return modes[sslmode];
}

/** States after which another attempt could only fail the same way: no such database, no right to connect, wrong password. */
const finalStates: ReadonlySet<string> = new Set(["3D000", "42501", "28P01"]);

/** Whether the server's answer settles the matter. Refused without TLS it may still accept with it. Source: pgx `connectPreferred`. */
export function isFinalAnswer(sqlState: string | undefined, attempt: ConnectionAttempt): boolean {
  if (sqlState === undefined) return false;
  return finalStates.has(sqlState) || (sqlState === "28000" && attempt.tls !== undefined);
}
