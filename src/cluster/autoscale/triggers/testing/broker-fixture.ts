import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { scramServer } from "./scram-fixture.ts";

/**
 * A small Kafka for tests: as many brokers as partitions have leaders, each on a port of its own. Debian has no package of
 * Kafka, so this stands in for it; it answers only what a client asks that reads lags, in one version of each request, with
 * layouts from Kafka's protocol guide. What it does not know ends the connection, which fails the test.
 */
export interface KafkaFixture {
  /** Topic → partitions; offsets may be changed between readings. */
  readonly topics: Map<string, FixturePartition[]>;
  /** Of the brokers, in the order of their ids. */
  readonly ports: readonly number[];
  /** Names of the requests that came, and what of them tests look at. */
  readonly requests: string[];
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export interface FixturePartition {
  /** Id of the broker that has it. */
  readonly leader: number;
  newest: bigint;
  /** -1 when nothing is committed; undefined when the group knows nothing of it. */
  committed: bigint;
  /** Whether the newest offset is left out of answers. */
  isHidden?: boolean;
}

export interface KafkaFixtureOptions {
  readonly brokerCount: number;
  /** Name under which the brokers say that they are found. */
  readonly host: string;
  /** Asked for over SASL, with PLAIN or SCRAM. */
  readonly login?: { readonly username: string; readonly password: string };
  /** Listens over TLS. */
  readonly tls?: TlsOptions;
  /** Answers nothing at all. */
  readonly isSilent?: boolean;
}

const MAX_REQUEST_BYTES = 65_536;
const UNKNOWN_TOPIC = 3;
const AUTHENTICATION_FAILED = 58;

/** Key of each request → its name and the only version that is offered. Source: Kafka protocol guide. */
const requests: Readonly<Record<number, readonly [string, number]>> = {
  2: ["ListOffsets", 1],
  3: ["Metadata", 4],
  9: ["OffsetFetch", 3],
  10: ["FindCoordinator", 0],
  17: ["SaslHandshake", 1],
  18: ["ApiVersions", 2],
  36: ["SaslAuthenticate", 0],
};

export async function startKafkaFixture(options: KafkaFixtureOptions): Promise<KafkaFixture> {
  const sockets = new Set<Socket>();
  const topics: KafkaFixture["topics"] = new Map();
  const ports: number[] = [];
  const seen: string[] = [];
  const cluster: Cluster = { options, topics, ports, seen };
  const servers: Server[] = [];
  for (let id = 0; id < options.brokerCount; id += 1) {
    const onSocket = (socket: Socket): void => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      serve(socket, cluster, id);
    };
    const server = options.tls === undefined ? createServer(onSocket) : createTlsServer(options.tls, onSocket);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    ports.push(typeof address === "object" && address !== null ? address.port : 0);
    servers.push(server);
  }
  return {
    topics,
    ports,
    requests: seen,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

interface Cluster {
  readonly options: KafkaFixtureOptions;
  readonly topics: KafkaFixture["topics"];
  readonly ports: readonly number[];
  readonly seen: string[];
}

/** What one connection remembers. */
interface Connection {
  readonly id: number;
  /** Answers the client's next message; undefined refuses it. */
  authenticate: (message: string) => string | undefined;
}

function serve(socket: Socket, cluster: Cluster, id: number): void {
  const connection: Connection = { id, authenticate: () => undefined };
  let buffer = Buffer.alloc(0);
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    if (buffer.length > MAX_REQUEST_BYTES) socket.destroy();
    while (buffer.length >= 4 && buffer.length >= 4 + buffer.readInt32BE(0)) {
      const request = new Reader(buffer.subarray(4, 4 + buffer.readInt32BE(0)));
      buffer = buffer.subarray(4 + buffer.readInt32BE(0));
      if (cluster.options.isSilent === true) continue;
      const answer = answerOf(request, cluster, connection);
      if (answer === undefined) socket.destroy();
      else socket.write(Buffer.concat([int32(answer.length), answer]));
    }
  });
}

function answerOf(request: Reader, cluster: Cluster, connection: Connection): Buffer | undefined {
  const [key, version, correlation] = [request.int16(), request.int16(), request.int32()];
  request.text();
  const [name, offered] = requests[key] ?? ["", -1];
  if (version !== offered) return undefined;
  const answers: Readonly<Record<string, () => Buffer>> = {
    ApiVersions: () => versions(),
    Metadata: () => metadata(request, cluster),
    FindCoordinator: () => coordinator(cluster),
    OffsetFetch: () => committedOffsets(request, cluster),
    ListOffsets: () => newestOffsets(request, cluster, connection.id),
    SaslHandshake: () => handshake(request, cluster, connection),
    SaslAuthenticate: () => authenticate(request, connection),
  };
  cluster.seen.push(name);
  const body = answers[name]?.();
  return body === undefined ? undefined : Buffer.concat([int32(correlation), body]);
}

function versions(): Buffer {
  const each = Object.entries(requests).map(([key, [, version]]) =>
    Buffer.concat([int16(Number(key)), int16(version), int16(version)]),
  );
  return Buffer.concat([int16(0), array(each), int32(0)]);
}

function metadata(request: Reader, { topics, ports, options, seen }: Cluster): Buffer {
  const asked = request.array(() => request.text() ?? "");
  const names = asked.length > 0 ? asked : [...topics.keys()];
  seen.push(`Metadata creates topics: ${String(request.boolean())}`);
  const brokers = ports.map((port, id) => Buffer.concat([int32(id), text(options.host), int32(port), text(undefined)]));
  const found = names.map((name) => {
    const partitions = topics.get(name) ?? [];
    const each = partitions.map(({ leader }, index) =>
      Buffer.concat([int16(0), int32(index), int32(leader), array([int32(leader)]), array([int32(leader)])]),
    );
    return Buffer.concat([int16(partitions.length === 0 ? UNKNOWN_TOPIC : 0), text(name), boolean(false), array(each)]);
  });
  return Buffer.concat([int32(0), array(brokers), text("fixture"), int32(0), array(found)]);
}

/** The last broker, so that it is not the one which is asked first. */
function coordinator({ ports, options }: Cluster): Buffer {
  const id = ports.length - 1;
  return Buffer.concat([int16(0), int32(id), text(options.host), int32(ports[id] ?? 0)]);
}

function committedOffsets(request: Reader, { topics, seen }: Cluster): Buffer {
  seen.push(`OffsetFetch of ${request.text() ?? ""}`);
  const asked = request.array(
    () => request.text() ?? "",
    () => request.array(() => request.int32()),
  );
  const names = asked.length > 0 ? asked : [...topics.keys()];
  const each = names.map((name) => {
    const partitions = (topics.get(name) ?? []).map(({ committed }, index) =>
      Buffer.concat([int32(index), int64(committed), text(""), int16(0)]),
    );
    return Buffer.concat([text(name), array(partitions)]);
  });
  return Buffer.concat([int32(0), array(each), int16(0)]);
}

function newestOffsets(request: Reader, { topics, seen }: Cluster, id: number): Buffer {
  request.int32();
  const asked: { name: string; partitions: [number, bigint][] }[] = [];
  for (let left = request.int32(); left > 0; left -= 1) {
    const name = request.text() ?? "";
    asked.push({ name, partitions: request.array(() => [request.int32(), request.int64()]) });
  }
  const each = asked.map(({ name, partitions }) => {
    seen.push(`ListOffsets of ${name} at broker ${id}`);
    const offsets = partitions.flatMap(([index, time]) => {
      const partition = topics.get(name)?.[index];
      if (partition === undefined || partition.isHidden === true) return [];
      // -1 asks for the newest, -2 for the oldest.
      return Buffer.concat([int32(index), int16(0), int64(-1n), int64(time === -1n ? partition.newest : 0n)]);
    });
    return Buffer.concat([text(name), array(offsets)]);
  });
  return array(each);
}

function handshake(request: Reader, { options, seen }: Cluster, connection: Connection): Buffer {
  const mechanism = request.text() ?? "";
  const login = options.login ?? { username: "", password: "" };
  seen.push(`SaslHandshake with ${mechanism}`);
  const mechanisms: Readonly<Record<string, Connection["authenticate"]>> = {
    PLAIN: (message) => (message === `\0${login.username}\0${login.password}` ? "" : undefined),
    "SCRAM-SHA-256": scramServer("sha256", login),
    "SCRAM-SHA-512": scramServer("sha512", login),
  };
  connection.authenticate = mechanisms[mechanism] ?? (() => undefined);
  return Buffer.concat([int16(0), array(Object.keys(mechanisms).map(text))]);
}

function authenticate(request: Reader, connection: Connection): Buffer {
  const message = request.bytes().toString("utf8");
  const answer = connection.authenticate(message);
  // A careless server that repeats what it was sent.
  const fault = answer === undefined ? `refused ${message.replaceAll("\0", " ")}` : undefined;
  const bytes = Buffer.from(answer ?? "");
  return Buffer.concat([
    int16(fault === undefined ? 0 : AUTHENTICATION_FAILED),
    text(fault),
    int32(bytes.length),
    bytes,
  ]);
}

class Reader {
  #at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    return this.#bytes.readInt16BE((this.#at += 2) - 2);
  }

  int32(): number {
    return this.#bytes.readInt32BE((this.#at += 4) - 4);
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE((this.#at += 8) - 8);
  }

  boolean(): boolean {
    return this.#bytes.readInt8((this.#at += 1) - 1) !== 0;
  }

  text(): string | undefined {
    const length = this.int16();
    if (length < 0) return undefined;
    return this.#bytes.toString("utf8", this.#at, (this.#at += length));
  }

  bytes(): Buffer {
    const length = this.int32();
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }

  /** A list, null as an empty one; `rest` reads what follows each item. */
  array<T>(item: () => T, rest: () => unknown = () => undefined): T[] {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left -= 1) {
      items.push(item());
      rest();
    }
    return items;
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function boolean(value: boolean): Buffer {
  return Buffer.from([value ? 1 : 0]);
}

function text(value: string | undefined): Buffer {
  if (value === undefined) return int16(-1);
  const bytes = Buffer.from(value);
  return Buffer.concat([int16(bytes.length), bytes]);
}

function array(items: readonly Buffer[]): Buffer {
  return Buffer.concat([int32(items.length), ...items]);
}
