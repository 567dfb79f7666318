import { err, ok, type Result } from "#base";
import {
  durationFlag,
  type FlagSet,
  type FlagValues,
  integerFlag,
  listFlag,
  parseGoFlags,
  stringFlag,
  switchFlag,
} from "../go-flags.ts";
import { podAddress } from "../pod-address.ts";
import { type Capacity, parseCapacity } from "./capacity.ts";
import { type Fault, parseFault } from "./fault.ts";

/** Flags that do something here. Source: podinfo 6.4, cmd/podinfo/main.go. */
const flags = {
  host: stringFlag(""),
  port: integerFlag(9898),
  "port-metrics": integerFlag(0),
  "grpc-port": integerFlag(0),
  "grpc-service-name": stringFlag("podinfo"),
  level: stringFlag("info"),
  "backend-url": listFlag(),
  "http-client-timeout": durationFlag(120_000),
  "http-server-timeout": durationFlag(30_000),
  "server-shutdown-timeout": durationFlag(5000),
  "ui-logo": stringFlag(""),
  "ui-color": stringFlag("#34577c"),
  "ui-message": stringFlag(""),
  "random-delay": switchFlag(),
  "random-delay-unit": stringFlag("s"),
  "random-delay-min": integerFlag(0),
  "random-delay-max": integerFlag(5),
  "random-error": switchFlag(),
  unhealthy: switchFlag(),
  unready: switchFlag(),
  version: switchFlag(),
  v: switchFlag(),
} as const satisfies FlagSet;

/** Flags of the real program that are taken so that manifests work, and named in a log line because they change nothing. */
const flagsWithoutEffect = {
  "secure-port": integerFlag(0),
  "data-path": stringFlag(""),
  "config-path": stringFlag(""),
  "cert-path": stringFlag(""),
  config: stringFlag(""),
  "ui-path": stringFlag(""),
  h2c: switchFlag(),
  "stress-cpu": integerFlag(0),
  "stress-memory": integerFlag(0),
  "cache-server": stringFlag(""),
  "otel-service-name": stringFlag(""),
} as const satisfies FlagSet;

export interface PodinfoSettings {
  readonly flags: FlagValues<typeof flags>;
  readonly version: string;
  readonly hostname: string;
  readonly address: string;
  readonly message: string;
  readonly fault: Fault;
  readonly capacity: Capacity;
  /** Flags that were given and change nothing. */
  readonly ignored: readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;

/** Reads flags, then variables `PODINFO_<FLAG>` for what the flags left open, then the defaults. */
export function readSettings(argv: readonly string[], env: Env): Result<PodinfoSettings, string> {
  const all = { ...flags, ...flagsWithoutEffect };
  const parsed = parseGoFlags(all, [...flagsFromEnv(Object.keys(all), env), ...argv]);
  if (!parsed.ok) return parsed;
  const values = parsed.value.values;
  if (parsed.value.rest.length > 0) return err(`unknown argument "${parsed.value.rest[0]}"`);
  for (const name of ["port", "port-metrics", "grpc-port"] as const) {
    if (values[name] < 0 || values[name] > 65_535) return err(`flag "--${name}" must be a port from 0 to 65535`);
  }
  if (!["debug", "info", "warn", "error", "fatal", "panic"].includes(values.level))
    return err(`flag "--level" must be debug, info, warn, error, fatal or panic, received "${values.level}"`);
  if (!["s", "ms"].includes(values["random-delay-unit"]))
    return err(`flag "--random-delay-unit" must be s or ms, received "${values["random-delay-unit"]}"`);
  if (values["random-delay-min"] < 0 || values["random-delay-min"] > values["random-delay-max"])
    return err('flag "--random-delay-min" must be from 0 to --random-delay-max');
  const fault = parseFault(env.PODINFO_FAULT ?? "");
  if (!fault.ok) return err(`PODINFO_FAULT: ${fault.error}`);
  const capacity = parseCapacity(env.PODINFO_CAPACITY ?? "");
  if (!capacity.ok) return err(`PODINFO_CAPACITY: ${capacity.error}`);
  const version = env.SERIN_IMAGE_TAG ?? "unknown";
  return ok({
    flags: values,
    version,
    hostname: env.HOSTNAME ?? "localhost",
    address: values.host === "" ? podAddress(env) : values.host,
    message: values["ui-message"] === "" ? `greetings from podinfo v${version}` : values["ui-message"],
    fault: fault.value,
    capacity: capacity.value,
    ignored: Object.keys(flagsWithoutEffect).filter((name) => parsed.value.given.has(name)),
  });
}

function flagsFromEnv(names: readonly string[], env: Env): string[] {
  return names.flatMap((name) => {
    const value = env[`PODINFO_${name.toUpperCase().replaceAll("-", "_")}`];
    return value === undefined || value === "" ? [] : [`--${name}=${value}`];
  });
}
