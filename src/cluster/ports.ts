import { createServer, type Server } from "node:net";
import { Failure } from "#base";

/** A port that the cluster is about to listen on. */
export interface WantedPort {
  readonly address: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** For people: `the API server`. */
  readonly purpose: string;
  /** The flag that changes it. */
  readonly flag: string;
}

/**
 * Checks that TCP ports are free, and picks free ones for 0. All are held until the last one is found, so that no two are
 * the same.
 *
 * Another process can still take one before it is used; the user of the port reports that in its own words.
 *
 * @throws Failure `PortTaken` naming the port, what it was for and the flag that changes it.
 */
export async function claimPorts<const T extends readonly WantedPort[]>(
  wanted: T,
): Promise<{ readonly [K in keyof T]: number }> {
  const probes: Server[] = [];
  const ports: number[] = [];
  try {
    for (const one of wanted) {
      const before = wanted.slice(0, ports.length).find((_, i) => ports[i] === one.port);
      if (before !== undefined) throw taken(one, `${before.purpose} uses the port`);
      const probe = await listen(one);
      probes.push(probe);
      const address = probe.address();
      ports.push(typeof address === "object" && address !== null ? address.port : one.port);
    }
  } finally {
    await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  }
  return ports as { readonly [K in keyof T]: number };
}

function listen(wanted: WantedPort): Promise<Server> {
  return new Promise((resolve, reject) => {
    const probe = createServer((socket) => socket.destroy());
    probe.once("error", (cause) => reject(taken(wanted, describe(cause))));
    probe.listen({ host: wanted.address, port: wanted.port, exclusive: true }, () => resolve(probe));
  });
}

function taken({ address, port, purpose, flag }: WantedPort, why: string): Failure {
  const message = `Cannot listen on ${address}:${port} for ${purpose}: ${why}; choose another port with ${flag}`;
  return new Failure(message, { code: "PortTaken" });
}

function describe(cause: Error): string {
  const code = "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") return "another process uses the port";
  if (code === "EACCES") return "this user may not use the port";
  return cause.message;
}
