import { isIP } from "node:net";
import type { TriggerConfig } from "../parameters/trigger-config.ts";

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads `host:port` and `[::1]:port`; undefined when it is neither. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/@\s]+)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return match?.[1] !== undefined && isIP(host) !== 6 ? undefined : { host, port };
}

/**
 * Reads several, and notes those that are none. One with a scheme or a login is not quoted: it comes from a Secret more often
 * than not, and has the password in it.
 *
 * @param what How messages call one of them: `address`.
 */
export function readAddresses(config: TriggerConfig, texts: readonly string[], what: string): Address[] {
  if (texts.some((text) => /:\/\/|@/.test(text))) {
    config.mistake(`${what} must be host:port alone, without a scheme; give the login as "username" and "password"`);
    return [];
  }
  return texts.flatMap((text) => {
    const address = parseAddress(text);
    if (address === undefined) config.mistake(`${what} "${text}" is not host:port`);
    return address ?? [];
  });
}

/** Writes it as {@link parseAddress} reads it. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
