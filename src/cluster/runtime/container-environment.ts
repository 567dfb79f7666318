import type { ConfigMap, Container, EnvFromSource, EnvVar, Pod, Secret } from "#api";
import { err, ok, parseQuantity, type Result } from "#base";
import { expandVariables } from "./expand-variables.ts";

/** What the variables of a container are taken from. */
export interface EnvironmentSources {
  readonly pod: Pod;
  readonly container: Container;
  readonly podIp: string;
  readonly hostIp: string;
  /** Set before the container's own; these may not be seen by `$(NAME)` of another container. */
  readonly base: Readonly<Record<string, string>>;
  /** What `resourceFieldRef` answers for a limit that is not set. */
  readonly nodeCapacity: { readonly cpuCores: number; readonly memoryBytes: number };
  configMap(name: string): Promise<ConfigMap | undefined>;
  secret(name: string): Promise<Secret | undefined>;
}

type Outcome = Result<string | undefined, string>;

/** Builds a container's variables: the base, then envFrom, then env, later ones winning. The error is a kubelet's. */
export async function containerEnvironment(sources: EnvironmentSources): Promise<Result<Map<string, string>, string>> {
  const variables = new Map(Object.entries(sources.base));
  for (const source of sources.container.envFrom ?? []) {
    const data = await readAll(source, sources);
    if (!data.ok) return data;
    for (const [key, value] of Object.entries(data.value)) variables.set(`${source.prefix ?? ""}${key}`, value);
  }
  for (const variable of sources.container.env ?? []) {
    const value = await readOne(variable, sources, variables);
    if (!value.ok) return value;
    if (value.value !== undefined) variables.set(variable.name, value.value);
  }
  return ok(variables);
}

async function readAll(
  source: EnvFromSource,
  sources: EnvironmentSources,
): Promise<Result<Record<string, string>, string>> {
  if (source.configMapRef !== undefined) {
    const { name = "", optional } = source.configMapRef;
    const found = await sources.configMap(name);
    if (found === undefined) return optional === true ? ok({}) : err(`configmap "${name}" not found`);
    return ok({ ...found.data });
  }
  if (source.secretRef !== undefined) {
    const { name = "", optional } = source.secretRef;
    const found = await sources.secret(name);
    if (found === undefined) return optional === true ? ok({}) : err(`secret "${name}" not found`);
    return ok(Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, decodeBase64(value)])));
  }
  return ok({});
}

async function readOne(
  variable: EnvVar,
  sources: EnvironmentSources,
  soFar: ReadonlyMap<string, string>,
): Promise<Outcome> {
  const from = variable.valueFrom;
  if (from === undefined) return ok(expandVariables(variable.value ?? "", soFar));
  if (from.fieldRef !== undefined) return readField(from.fieldRef.fieldPath, sources);
  if (from.resourceFieldRef !== undefined) return readResource(from.resourceFieldRef, sources);
  if (from.configMapKeyRef !== undefined) return readConfigMapKey(from.configMapKeyRef, sources);
  if (from.secretKeyRef !== undefined) return readSecretKey(from.secretKeyRef, sources);
  return ok(undefined);
}

interface KeyRef {
  readonly name?: string;
  readonly key: string;
  readonly optional?: boolean;
}

async function readConfigMapKey(ref: KeyRef, sources: EnvironmentSources): Promise<Outcome> {
  const { name = "", key, optional } = ref;
  const found = await sources.configMap(name);
  const value = ownValue(found?.data, key);
  if (value !== undefined || optional === true) return ok(value);
  if (found === undefined) return err(`configmap "${name}" not found`);
  return err(`couldn't find key ${key} in ConfigMap ${sources.pod.metadata.namespace ?? "default"}/${name}`);
}

async function readSecretKey(ref: KeyRef, sources: EnvironmentSources): Promise<Outcome> {
  const { name = "", key, optional } = ref;
  const found = await sources.secret(name);
  const value = ownValue(found?.data, key);
  if (value !== undefined) return ok(decodeBase64(value));
  if (optional === true) return ok(undefined);
  if (found === undefined) return err(`secret "${name}" not found`);
  return err(`couldn't find key ${key} in Secret ${sources.pod.metadata.namespace ?? "default"}/${name}`);
}

function ownValue(data: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return data !== undefined && Object.hasOwn(data, key) ? data[key] : undefined;
}

function decodeBase64(text: string): string {
  return Buffer.from(text, "base64").toString("utf8");
}

/** Source: core/v1 ObjectFieldSelector: the fields that the downward API knows. */
function readField(path: string, { pod, podIp, hostIp }: EnvironmentSources): Outcome {
  const subscript = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(path);
  if (subscript !== null) {
    const map = subscript[1] === "labels" ? pod.metadata.labels : pod.metadata.annotations;
    return ok(ownValue(map, subscript[2] ?? "") ?? "");
  }
  switch (path) {
    case "metadata.name":
      return ok(pod.metadata.name ?? "");
    case "metadata.namespace":
      return ok(pod.metadata.namespace ?? "");
    case "metadata.uid":
      return ok(pod.metadata.uid ?? "");
    case "spec.nodeName":
      return ok(pod.spec.nodeName ?? "");
    case "spec.serviceAccountName":
      return ok(pod.spec.serviceAccountName ?? "default");
    case "status.podIP":
    case "status.podIPs":
      return ok(podIp);
    case "status.hostIP":
    case "status.hostIPs":
      return ok(hostIp);
    default:
      return err(`fieldPath "${path}" is not supported`);
  }
}

function readResource(
  ref: { readonly containerName?: string; readonly resource: string; readonly divisor?: string },
  { pod, container, nodeCapacity }: EnvironmentSources,
): Outcome {
  const of =
    ref.containerName === undefined
      ? container
      : [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(({ name }) => name === ref.containerName);
  if (of === undefined) return err(`container "${ref.containerName ?? ""}" of resourceFieldRef not found`);
  const match = /^(limits|requests)\.(cpu|memory)$/.exec(ref.resource);
  if (match === null) return err(`resource "${ref.resource}" is not supported`);
  const [, kind, resource = ""] = match;
  const quantities = kind === "limits" ? of.resources?.limits : of.resources?.requests;
  const text = quantities?.[resource];
  const fallback = kind === "requests" ? 0 : resource === "cpu" ? nodeCapacity.cpuCores : nodeCapacity.memoryBytes;
  const amount = text === undefined ? ok(fallback) : parseQuantity(text);
  if (!amount.ok) return amount;
  const divisor = parseQuantity(ref.divisor === undefined || ref.divisor === "0" ? "1" : ref.divisor);
  if (!divisor.ok) return divisor;
  // Floating division of exact millicores may end a hair above the whole number.
  return ok(String(Math.ceil(amount.value / divisor.value - 1e-9)));
}
