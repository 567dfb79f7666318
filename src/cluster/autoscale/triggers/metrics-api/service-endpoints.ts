import type { TriggerWorld } from "../trigger.ts";

export const aggregations = ["average", "sum", "max", "min"] as const;

/** How the values of several endpoints become one. */
export type Aggregation = (typeof aggregations)[number];

/** Source: keda-hpa-spec 15.9. */
const CONCURRENT_READ_COUNT = 5;

/** The Service that a host `SERVICE.NAMESPACE[.svc…]` names. */
export function serviceOf(url: URL): { readonly service: string; readonly namespace: string } | undefined {
  const [service = "", namespace = ""] = url.hostname.split(".");
  return service === "" || namespace === "" || /^[\d.]+$/.test(url.hostname) ? undefined : { service, namespace };
}

/** The URL once for each ready endpoint: on the endpoints' own port when it is one of theirs. */
export function endpointUrls(url: URL, world: Pick<TriggerWorld, "endpoints">): readonly URL[] {
  const named = serviceOf(url);
  if (named === undefined) return [];
  const endpoints = world.endpoints(named.namespace, named.service).map(splitPort);
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  const fitting = endpoints.filter((endpoint) => endpoint.port === port);
  // The port of the Service stands for that of its endpoints, as for any other client; KEDA knows only the latter.
  const chosen = fitting.length > 0 ? fitting : firstOfEach(endpoints);
  return chosen.map(({ host, port: own }) => {
    const copy = new URL(url);
    copy.hostname = host;
    copy.port = own ?? port;
    return copy;
  });
}

interface EndpointAddress {
  readonly host: string;
  readonly port: string | undefined;
}

function splitPort(address: string): EndpointAddress {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(address);
  return { host: match?.[1] ?? address, port: match?.[2] };
}

function firstOfEach(endpoints: readonly EndpointAddress[]): readonly EndpointAddress[] {
  const byHost = new Map<string, EndpointAddress>();
  for (const endpoint of endpoints) if (!byHost.has(endpoint.host)) byHost.set(endpoint.host, endpoint);
  return [...byHost.values()];
}

export type AggregateOutcome =
  | { readonly kind: "value"; readonly value: number; readonly failedCount: number }
  | { readonly kind: "none"; readonly reason: unknown };

/** Reads from all, a few at a time. Those that fail are left out; when all do, the first reason is kept. */
export async function aggregate<T>(
  sources: readonly T[],
  aggregation: Aggregation,
  read: (source: T) => Promise<number>,
): Promise<AggregateOutcome> {
  const values: number[] = [];
  const reasons: unknown[] = [];
  const waiting = [...sources];
  const work = async (): Promise<void> => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift())
      await read(source).then(
        (value) => values.push(value),
        (reason: unknown) => reasons.push(reason),
      );
  };
  await Promise.all(Array.from({ length: CONCURRENT_READ_COUNT }, work));
  if (values.length === 0) return { kind: "none", reason: reasons[0] ?? "there is none" };
  return { kind: "value", value: combine(values, aggregation), failedCount: reasons.length };
}

function combine(values: readonly number[], aggregation: Aggregation): number {
  const sum = values.reduce((total, value) => total + value, 0);
  switch (aggregation) {
    case "sum":
      return sum;
    case "average":
      return sum / values.length;
    case "max":
      return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    case "min":
      return values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  }
}
