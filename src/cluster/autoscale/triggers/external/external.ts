import { X509Certificate } from "node:crypto";
import { messageOf } from "#base";
import { ClientPool } from "./client-pool.ts";
import { ExternalScaler } from "./external-scaler.ts";
import { readScalerPlace } from "./scaler-address.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import type { TriggerKind, TriggerOptions, TriggerWorld } from "../trigger.ts";

/**
 * Makes the triggers `external` and `external-push`, which ask a gRPC server of the user's. They share connections, so they
 * are made together. Source: keda-hpa-spec 15.11.
 */
export function createExternalTriggers(pool = new ClientPool()): readonly [TriggerKind, TriggerKind] {
  return [
    {
      types: ["external"],
      canCache: true,
      build: async (options, world) => (await buildScaler(pool, options, world)).asTrigger(),
    },
    {
      types: ["external-push"],
      canCache: true,
      build: async (options, world) => (await buildScaler(pool, options, world)).asPushTrigger(),
    },
  ];
}

/** The server is not called yet: with KEDA too, a scaler that is down fails no build. */
async function buildScaler(pool: ClientPool, options: TriggerOptions, world: TriggerWorld): Promise<ExternalScaler> {
  const { config, scaledObject } = options;
  const place = readScalerPlace(config);
  const targetType = externalTargetType(options);
  config.end();
  const metadata = Object.entries(config.all());
  // A variable that is not there is not passed on.
  const scalerMetadata = Object.fromEntries(
    metadata.filter(([key, value]) => !key.endsWith("FromEnv") || value !== ""),
  );
  const secrets = metadata.filter(([key]) => key.endsWith("FromEnv")).map(([, value]) => value);
  const ref = { name: scaledObject.name, namespace: scaledObject.namespace, scalerMetadata };
  const scaler = new ExternalScaler({ pool, place, ref, targetType, secrets, world });
  try {
    // Node passes over an authority that it cannot read, and would trust nobody then without saying why.
    if (place.tls?.caCert !== undefined) new X509Certificate(place.tls.caCert);
    await scaler.prepare();
  } catch (thrown) {
    config.mistake(`caCert, tlsClientCert or tlsClientKey is no valid PEM: ${messageOf(thrown)}`);
    config.end();
  }
  return scaler;
}
