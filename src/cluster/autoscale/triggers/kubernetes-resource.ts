import { err, ok, parseQuantity, type Result } from "#base";
import { unreadable } from "./clients/client-failure.ts";
import { externalTargetType } from "./parameters/target-type.ts";
import { mustBePositive } from "./parameters/thresholds.ts";
import type { TriggerConfig } from "./parameters/trigger-config.ts";
import type { TriggerKind, TriggerReading, TriggerWorld } from "./trigger.ts";
import { type NumberReader, numberReader } from "./clients/values/read-number.ts";

/** Follows a number that stands in a ConfigMap or a Secret of the same namespace. Source: keda-hpa-spec 15.10. */
export const kubernetesResource: TriggerKind = {
  types: ["kubernetes-resource"],
  canCache: true,
  async build(options, world) {
    const { config, scaledObject } = options;
    const kind = config.choice("resourceKind", ["ConfigMap", "Secret"], { isRequired: true }) ?? "ConfigMap";
    const name = config.text("resourceName", { isRequired: true });
    const key = config.text("key", { isRequired: true });
    const reader = await readerOf(config);
    const target = config.number("targetValue", { isRequired: true });
    mustBePositive(config, "targetValue");
    const activation = config.number("activationTargetValue") ?? 0;
    const targetType = externalTargetType(options);
    config.end();
    const metric = { name: `${kind.toLowerCase()}-${name}-${key}`, target, targetType, isWhole: false };
    const place: Place = { kind, namespace: scaledObject.namespace, name, key };
    return {
      kind: "external",
      metrics: () => Promise.resolve([metric]),
      // After a turn, so that a failure is a rejection and never a throw.
      read: () => Promise.resolve().then(() => readingOf(valueOf(place, reader, world), activation)),
      close: () => Promise.resolve(),
    };
  },
};

function readingOf(value: number, activation: number): TriggerReading {
  return { values: [value], isActive: value > activation };
}

interface Place {
  readonly kind: "ConfigMap" | "Secret";
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
}

const numberTypes = ["float64", "int64", "quantity"] as const;

async function readerOf(config: TriggerConfig): Promise<NumberReader> {
  const format = config.choice("format", ["number", "json", "yaml"]) ?? "number";
  const type = config.choice("valueType", numberTypes) ?? "float64";
  const location = config.text("valueLocation");
  if (format === "number") {
    if (location !== undefined) config.mistake('parameter "valueLocation" is for the formats json and yaml only');
    return (text) => plainNumber(text.trim(), type);
  }
  if (location === undefined) {
    config.mistake(`parameter "valueLocation" is required for the format ${format}`);
    return () => err("it has no location");
  }
  const reader = await numberReader(format, location);
  if (!reader.ok) {
    config.mistake(`parameter "valueLocation" value "${location}" cannot be used: ${reader.error}`);
    return () => reader;
  }
  return (text) => {
    const value = reader.value(text);
    return value.ok && type === "int64" ? ok(Math.trunc(value.value)) : value;
  };
}

function plainNumber(text: string, type: (typeof numberTypes)[number]): Result<number, string> {
  if (type === "quantity") {
    const quantity = parseQuantity(text);
    return quantity.ok ? quantity : err("it is no quantity");
  }
  const form = type === "int64" ? /^[+-]?\d+$/ : /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
  return form.test(text) ? ok(Number(text)) : err(type === "int64" ? "it is no whole number" : "it is no number");
}

function valueOf({ kind, namespace, name, key }: Place, reader: NumberReader, world: TriggerWorld): number {
  const where = `${kind} "${namespace}/${name}"`;
  const object = kind === "ConfigMap" ? world.configMap(namespace, name) : world.secret(namespace, name);
  if (object === undefined) throw unreadable(`${where} does not exist`);
  const { data = {} } = object;
  const text = Object.hasOwn(data, key) ? data[key] : undefined;
  if (text === undefined) throw unreadable(`${where} has no key "${key}"`);
  const isSecret = kind === "Secret";
  const value = reader(isSecret ? Buffer.from(text, "base64").toString("utf8") : text);
  // What stands in a Secret is not for messages, even when it is no number.
  if (!value.ok) throw unreadable(`key "${key}" of ${where} is not usable${isSecret ? "" : `: ${value.error}`}`);
  return value.value;
}
