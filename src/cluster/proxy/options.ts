import { parseArgs } from "node:util";
import { err, ok, type Result } from "#base";

/** The node proxy's command line. */
export interface ProxyCommandOptions {
  /** Absent: the service account of the pod that it runs in. */
  readonly kubeconfig: string | undefined;
  readonly gatewayAddress: string;
  /** 0 picks a free one; undefined: no gateway. */
  readonly gatewayPort: number | undefined;
  readonly statusAddress: string;
  readonly statusPort: number;
  readonly allowsAnyAddress: boolean;
  readonly isVerbose: boolean;
}

export const USAGE = `Usage: node-proxy [options]

Carries the traffic of one node: the ingress gateway, the sidecars of all pods, and the addresses of Services.

  --kubeconfig FILE          how to reach the API server (default: the pod's service account)
  --gateway-address ADDRESS  where the ingress gateway listens (default 127.0.0.1)
  --gateway-port PORT        port of the ingress gateway, for Gateway servers on port 80; 0 picks a free one
  --status-address ADDRESS   where health, metrics and configuration are served (default 127.0.0.1)
  --status-port PORT         (default 15020)
  --allow-any-address        listen on addresses other than 127.x.y.z too
  --verbose                  log refused requests

Example:
  node-proxy --kubeconfig .serin/kubeconfig --gateway-port 8080 --status-address 127.42.0.1
`;

/** Reads the arguments; the error is a sentence for the user. */
export function parseProxyOptions(argv: readonly string[]): Result<ProxyCommandOptions | "help", string> {
  const parsed = parse(argv);
  if (!parsed.ok) return parsed;
  const { values } = parsed;
  if (values.help === true) return ok("help");
  const gatewayPort = readPort("--gateway-port", values["gateway-port"]);
  if (!gatewayPort.ok) return gatewayPort;
  const statusPort = readPort("--status-port", values["status-port"]);
  if (!statusPort.ok) return statusPort;
  return ok({
    kubeconfig: values.kubeconfig,
    gatewayAddress: values["gateway-address"] ?? "127.0.0.1",
    gatewayPort: gatewayPort.value,
    statusAddress: values["status-address"] ?? "127.0.0.1",
    statusPort: statusPort.value ?? 15_020,
    allowsAnyAddress: values["allow-any-address"] === true,
    isVerbose: values.verbose === true,
  });
}

const FLAGS = {
  kubeconfig: { type: "string" },
  "gateway-address": { type: "string" },
  "gateway-port": { type: "string" },
  "status-address": { type: "string" },
  "status-port": { type: "string" },
  "allow-any-address": { type: "boolean" },
  verbose: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

function parse(argv: readonly string[]) {
  try {
    const { values } = parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false });
    return { ok: true as const, values };
  } catch (thrown) {
    return err(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function readPort(flag: string, text: string | undefined): Result<number | undefined, string> {
  if (text === undefined) return ok(undefined);
  const port = Number(text);
  const isPort = /^\d{1,5}$/.test(text) && port <= 65_535;
  return isPort ? ok(port) : err(`${flag}: must be a port from 0 to 65535, received "${text}"`);
}
