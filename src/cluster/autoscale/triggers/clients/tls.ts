import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import { messageOf } from "#base";
import type { TriggerConfig } from "../parameters/trigger-config.ts";

/** Certificates of a trigger; all in PEM. */
export interface TlsSettings {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly keyPassword: string | undefined;
  /** Takes any certificate of the server. */
  readonly isUnsafe: boolean;
}

/** What `tls.connect` gets of it. */
export interface TlsConnect {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly rejectUnauthorized: boolean;
  readonly servername?: string;
}

/**
 * Reads `ca`, `cert`, `key`, `keyPassword` of the authentication and `unsafeSsl` of the metadata. One of cert and key
 * alone is noted as a mistake. Source: keda-hpa-spec 15.4, 15.5, 15.6.
 */
export function readTls(config: TriggerConfig): TlsSettings {
  const cert = config.text("cert", { from: ["auth"] });
  const key = config.text("key", { from: ["auth"] });
  if (cert !== undefined && key === undefined) config.mistake('"cert" is given without "key"; give both or none');
  if (key !== undefined && cert === undefined) config.mistake('"key" is given without "cert"; give both or none');
  return {
    ca: config.text("ca", { from: ["auth"] }),
    cert,
    key,
    keyPassword: config.text("keyPassword", { from: ["auth"] }),
    isUnsafe: config.flag("unsafeSsl") ?? false,
  };
}

/** Whether there is anything to it beyond what a socket does anyway. */
export function hasOwnTls({ ca, cert, isUnsafe }: TlsSettings): boolean {
  return ca !== undefined || cert !== undefined || isUnsafe;
}

/** Notes certificates and a key that cannot be used, which otherwise only a connection would find. Never quotes them. */
export function checkTls(tls: TlsSettings, config: TriggerConfig): void {
  try {
    createSecureContext(tlsConnectOf(tls));
  } catch (thrown) {
    config.mistake(`ca, cert or key cannot be used: ${messageOf(thrown)}`);
  }
}

/** Options for a TLS socket; the host is the name for SNI, which an address cannot be. */
export function tlsConnectOf(tls: TlsSettings, host?: string): TlsConnect {
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.keyPassword === undefined ? {} : { passphrase: tls.keyPassword }),
    rejectUnauthorized: !tls.isUnsafe,
    ...(host === undefined || isIP(host) !== 0 ? {} : { servername: host }),
  };
}

/** What of it must not be shown. */
export function secretsOfTls({ key, keyPassword }: TlsSettings): readonly string[] {
  return [key, keyPassword].filter((secret) => secret !== undefined);
}
