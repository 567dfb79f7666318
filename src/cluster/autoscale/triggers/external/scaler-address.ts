import type { TriggerConfig } from "../parameters/trigger-config.ts";
import type { ScalerTls } from "./scaler-client.ts";

/** What the metadata say about the server. */
export interface ScalerPlace {
  /** As the user wrote it. */
  readonly scalerAddress: string;
  readonly tls: ScalerTls | undefined;
}

/** Reads the keys of keda-hpa-spec 15.11; mistakes are left in the config. */
export function readScalerPlace(config: TriggerConfig): ScalerPlace {
  const scalerAddress = config.text("scalerAddress", { isRequired: true });
  const isEnabled = config.flag("enableTLS") ?? false;
  const isUnsafe = config.flag("unsafeSsl") ?? false;
  const caCert = config.text("caCert", { from: ["auth"] });
  const certificate = config.text("tlsClientCert", { from: ["auth"] });
  const key = config.text("tlsClientKey", { from: ["auth"] });
  // KEDA goes on without TLS when one of them is missing, which sends what was to be protected in the open.
  if ((certificate === undefined) !== (key === undefined))
    config.mistake('parameters "tlsClientCert" and "tlsClientKey" must be given together');
  const client = certificate === undefined || key === undefined ? undefined : { certificate, key };
  const hasTls = isEnabled || caCert !== undefined || client !== undefined;
  return { scalerAddress, tls: hasTls ? { caCert, client, isUnsafe } : undefined };
}

/**
 * Returns where to connect, and the authority when that is another name. Targets with a scheme for what is no name
 * (`unix:`, `ipv4:`, `ipv6:`) go to gRPC as they are. Source: gRPC "Name Resolution".
 */
export function scalerTarget(
  scalerAddress: string,
  resolve: (host: string) => string,
): { readonly target: string; readonly authority: string | undefined } {
  const authority = scalerAddress.replace(/^(?:dns:(?:\/\/[^/]*\/)?|passthrough:(?:\/\/\/)?)/, "");
  if (/^(?:unix|unix-abstract|ipv4|ipv6):/.test(authority)) return { target: scalerAddress, authority: undefined };
  const [, host = "", port = ""] = /^(\[[^\]]*\]|[^:]*)((?::\d+)?)$/.exec(authority) ?? [];
  if (host === "" || host.startsWith("[")) return { target: scalerAddress, authority: undefined };
  const address = resolve(host);
  if (address === host) return { target: scalerAddress, authority: undefined };
  return { target: `${address.includes(":") ? `[${address}]` : address}${port}`, authority };
}
