import { createServer } from "node:net";
import { Failure } from "#base";

/**
 * Checks that a TCP port is free, and picks a free one for 0.
 *
 * Another process can still take it before it is used; the user of the port reports that in its own words.
 *
 * @throws Failure `PortTaken` naming the port, what it was for and the flag that changes it.
 */
export function claimPort(wanted: {
  readonly address: string;
  readonly port: number;
  readonly purpose: string;
  readonly flag: string;
}): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (cause) => {
      const message = `Cannot listen on ${wanted.address}:${wanted.port} for ${wanted.purpose}: ${describe(cause)}; choose another port with ${wanted.flag}`;
      reject(new Failure(message, { code: "PortTaken" }));
    });
    probe.listen({ host: wanted.address, port: wanted.port, exclusive: true }, () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : wanted.port;
      probe.close(() => resolve(port));
    });
  });
}

function describe(cause: Error): string {
  const code = "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") return "another process uses the port";
  if (code === "EACCES") return "this user may not use the port";
  return cause.message;
}
