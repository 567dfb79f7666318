import { apiVersionOf, type Resource, resources } from "#api";
import { type Clock, type Log, messageOf } from "#base";
import { ApiFailure, type KubeClient, sleep } from "#kube";

/** Kinds that must be served before anything can be watched; those of the routers are asked for by the Canaries that use them. */
const required: readonly { readonly resource: Resource; readonly fix: string }[] = [
  { resource: resources.canaries, fix: "install Serin's CRDs" },
  { resource: resources.metricTemplates, fix: "install Serin's CRDs" },
  { resource: resources.alertProviders, fix: "install Serin's CRDs" },
];

const RETRY_MS = 1000;

/** Waits until the API server serves every kind that is needed; says which is missing each time that changes. */
export async function waitForKinds(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { client, clock, log, signal } = options;
  let told = "";
  while (!signal.aborted) {
    const faults = await Promise.all(required.map((kind) => faultOf(client, kind)));
    const message = faults.filter((fault) => fault !== undefined).join("; ");
    if (message === "") return;
    if (message !== told) log.warn(`Cannot start yet: ${message}; trying again every second`);
    told = message;
    await sleep(clock, RETRY_MS, signal);
  }
}

async function faultOf(client: KubeClient, kind: { resource: Resource; fix: string }): Promise<string | undefined> {
  const { resource, fix } = kind;
  try {
    await client.list(resource, { limit: 1 });
    return undefined;
  } catch (thrown) {
    const name = `${resource.plural}.${apiVersionOf(resource)}`;
    if (thrown instanceof ApiFailure && thrown.httpStatus === 404) return `${name} is not served (${fix})`;
    if (thrown instanceof ApiFailure && thrown.httpStatus === 403)
      return `listing ${name} is forbidden (grant it to the operator's service account)`;
    return `${name} cannot be listed: ${messageOf(thrown)}`;
  }
}
