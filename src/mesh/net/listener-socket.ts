import { createServer, type Server, type Socket } from "node:net";
import { Failure } from "#base";

/** Connections of one listener at a time; further ones are closed at once. */
const CONNECTIONS_MAX = 20_000;

export interface BindOptions {
  readonly address: string;
  readonly port: number;
  /** Unless true, only addresses 127.x.y.z are listened on. */
  readonly allowsAnyAddress: boolean;
}

/**
 * Binds a socket and hands over each connection, half-open ones included.
 *
 * @throws Failure `AddressInUse` or `AddressUnavailable`, naming address and port.
 */
export function bind(options: BindOptions, onConnection: (socket: Socket) => void): Promise<Server> {
  const { address, port } = options;
  if (!options.allowsAnyAddress && !address.startsWith("127."))
    return Promise.reject(
      new Failure(`Cannot listen on "${address}": only addresses 127.x.y.z are allowed unless a flag says otherwise`, {
        code: "AddressRefused",
      }),
    );
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
    server.maxConnections = CONNECTIONS_MAX;
    server.once("error", (cause: NodeJS.ErrnoException) => reject(bindFailure(options, cause)));
    server.listen({ host: address, port, exclusive: true, backlog: 4096 }, () => resolve(server));
  });
}

function bindFailure({ address, port }: BindOptions, cause: NodeJS.ErrnoException): Failure {
  if (cause.code === "EADDRINUSE")
    return new Failure(
      `Cannot listen on ${address}:${port}: the port is taken; stop what uses it, or choose another port`,
      {
        code: "AddressInUse",
        cause,
      },
    );
  return new Failure(`Cannot listen on ${address}:${port}`, { code: "AddressUnavailable", cause });
}

/** The port a server got when it asked for any. */
export function boundPort(server: Server): number {
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}
