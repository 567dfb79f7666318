import { isObject } from "#base";

/** Names that together say which consumer is meant. */
export interface ConsumerName {
  /** Compared with names of accounts; undefined when only an id is given. */
  readonly account: string | undefined;
  /** Compared with ids of accounts; also what the server is asked for. */
  readonly accountId: string;
  readonly stream: string;
  readonly consumer: string;
}

/** What one server of NATS says about the consumer. */
export type ConsumerSight =
  | {
      readonly kind: "found";
      /** Messages not delivered yet and those delivered and not confirmed; NaN when the server does not say. */
      readonly lag: number;
      /** Name of the server that leads it; undefined outside of a cluster. */
      readonly leader: string | undefined;
    }
  | { readonly kind: "absent"; readonly missing: "account" | "stream" | "consumer" };

/** Servers of the cluster that a server talks of, and its own name. */
export interface ServerSight {
  readonly name: string;
  /** Where clients reach members, as host:port; empty when they do not advertise it. */
  readonly clientUrls: readonly string[];
  /** Where members reach each other. */
  readonly routeUrls: readonly string[];
}

/** Members beyond it are not asked. */
const MAX_MEMBERS = 32;

/** Reads an answer of `/jsz?consumers=true`. Source: keda-hpa-spec 15.8; nats-server `JSInfo`. */
export function consumerIn(answer: unknown, name: ConsumerName): ConsumerSight {
  const account = objectsOf(fieldOf(answer, "account_details")).find(
    (each) => each.id === name.accountId || (name.account !== undefined && each.name === name.account),
  );
  if (account === undefined) return { kind: "absent", missing: "account" };
  const stream = objectsOf(account.stream_detail).find((each) => each.name === name.stream);
  if (stream === undefined) return { kind: "absent", missing: "stream" };
  const consumer = objectsOf(stream.consumer_detail).find((each) => each.name === name.consumer);
  if (consumer === undefined) return { kind: "absent", missing: "consumer" };
  const leader = fieldOf(consumer.cluster, "leader");
  return {
    kind: "found",
    lag: countOf(consumer.num_pending) + countOf(consumer.num_ack_pending),
    leader: typeof leader === "string" && leader !== "" ? leader : undefined,
  };
}

/** How many servers share JetStream; 1 outside of a cluster. */
export function clusterSizeIn(answer: unknown): number {
  const size = countOf(fieldOf(fieldOf(answer, "meta_cluster"), "cluster_size"));
  return size > 1 ? size : 1;
}

/** Reads an answer of `/varz`. */
export function serverIn(answer: unknown): ServerSight {
  const name = fieldOf(answer, "server_name");
  return {
    name: typeof name === "string" ? name : "",
    clientUrls: textsOf(fieldOf(answer, "connect_urls")),
    routeUrls: textsOf(fieldOf(fieldOf(answer, "cluster"), "urls")),
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function objectsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((each) => isObject(each)) : [];
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === "string").slice(0, MAX_MEMBERS) : [];
}

function countOf(value: unknown): number {
  return typeof value === "number" && value >= 0 ? value : Number.NaN;
}
