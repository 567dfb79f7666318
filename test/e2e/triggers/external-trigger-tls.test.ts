import { ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ScalerServer, startScaler } from "../../../src/cluster/autoscale/triggers/testing/scaler-server.ts";
import { createExternalTriggers } from "../../../src/cluster/autoscale/triggers/external/external.ts";
import { triggerOptions, triggerWorld } from "../../../src/cluster/autoscale/triggers/testing/trigger-fixture.ts";
import { systemClock } from "../../../src/kube/system-ports.ts";
import { createTestAuthority } from "../../../src/kube/test-certificates.ts";

interface Servers {
  readonly open: ScalerServer;
  readonly tls: ScalerServer;
  /** Wants a client's certificate. */
  readonly mutual: ScalerServer;
}

let servers: Servers;
let auth: { readonly caCert: string; readonly tlsClientCert: string; readonly tlsClientKey: string };
let otherCa: string;
const signal = new AbortController().signal;

beforeAll(async () => {
  const authority = await createTestAuthority("scalers");
  otherCa = (await createTestAuthority("others")).caPem;
  const server = await authority.certify("scaler.shop");
  const client = await authority.certify("serin");
  auth = { caCert: authority.caPem, tlsClientCert: client.certificatePem, tlsClientKey: client.keyPem };
  const pair = { cert_chain: Buffer.from(server.certificatePem), private_key: Buffer.from(server.keyPem) };
  const ca = Buffer.from(authority.caPem);
  const handlers: Parameters<typeof startScaler>[0] = {
    GetMetricSpec: (_call, reply) => reply(null, { metricSpecs: [{ metricName: "queue", targetSize: 5 }] }),
  };
  servers = {
    open: await startScaler(handlers),
    tls: await startScaler(handlers, { credentials: ServerCredentials.createSsl(null, [pair]) }),
    mutual: await startScaler(handlers, { credentials: ServerCredentials.createSsl(ca, [pair], true) }),
  };
});
afterAll(() => {
  for (const server of Object.values(servers)) server.stop();
});

interface Case {
  readonly server: keyof Servers;
  readonly host?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly auth?: () => Readonly<Record<string, string>>;
}

/** The metric that is found there, or why there is none. */
async function ask({ server, host = "scaler.shop", metadata = {}, auth: given = () => ({}) }: Case): Promise<string> {
  const scalerAddress = `${host}:${servers[server].port}`;
  const options = triggerOptions({ type: "external", metadata: { scalerAddress, ...metadata }, auth: given() });
  const addresses = { "scaler.shop/shop": "127.0.0.1", "another.shop/shop": "127.0.0.1" };
  const trigger = await createExternalTriggers()[0].build(
    options,
    triggerWorld({ clock: systemClock, signal, addresses }),
  );
  if (trigger.kind !== "external") throw new Error("external is an external trigger");
  try {
    return (await trigger.metrics(signal))[0]?.name ?? "none";
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : "no error";
  } finally {
    await trigger.close();
  }
}

const ca = () => ({ caCert: auth.caCert });

test.each<[string, Case, RegExp]>([
  ["without TLS", { server: "open" }, /^queue$/],
  ["caCert alone means TLS", { server: "tls", auth: ca }, /^queue$/],
  ["an IP address of the certificate", { server: "tls", host: "127.0.0.1", auth: ca }, /^queue$/],
  ["unsafeSsl checks nothing", { server: "tls", metadata: { enableTLS: "true", unsafeSsl: "true" } }, /^queue$/],
  ["a client certificate", { server: "mutual", auth: () => auth }, /^queue$/],
  ["no client certificate", { server: "mutual", auth: ca }, /^Cannot ask for metrics at external scaler/],
  ["an unknown authority", { server: "tls", metadata: { enableTLS: "true" } }, /unable to verify|self.signed/],
  ["another authority", { server: "tls", auth: () => ({ caCert: otherCa }) }, /unable to verify|signature/],
  ["another name", { server: "tls", host: "another.shop", auth: ca }, /does not match|altnames/],
  ["no TLS for a server that wants it", { server: "tls" }, /^Cannot ask for metrics at external scaler/],
  ["unsafeSsl alone is no TLS", { server: "open", metadata: { unsafeSsl: "true" } }, /^queue$/],
])("external: %s", async (_title, setting, expected) => {
  expect(await ask(setting)).toMatch(expected);
});
