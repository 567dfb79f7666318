import { createHash } from "node:crypto";
import type { ConfigMap, KubeObject, OwnerReference, PodTemplateSpec, Secret } from "#api";
import { deepEqual, type Problem } from "#base";
import type { ObjectKey } from "#kube";
import { type ConfigRef, configId, configRefs } from "./config-refs.ts";
import { includedOnly } from "./metadata.ts";

/** The configs of a target that belong to its revision. */
export interface TrackedConfigs {
  readonly configMaps: readonly ConfigMap[];
  readonly secrets: readonly Secret[];
  /** By {@link configId}. */
  readonly checksums: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
}

/** A workload with a pod template. */
interface PodOwner extends KubeObject {
  readonly spec: { readonly template: PodTemplateSpec };
}

export interface ConfigSource {
  configMap(key: ObjectKey): ConfigMap | undefined;
  secret(key: ObjectKey): Secret | undefined;
}

/** Other types are written by controllers (tokens, Helm releases) and are no configuration. Source: flagger-spec 3.7. */
const TRACKED_SECRET_TYPES = new Set([
  "Opaque",
  "kubernetes.io/basic-auth",
  "kubernetes.io/ssh-auth",
  "kubernetes.io/tls",
]);
const TRACKING_ANNOTATION = "flagger.app/config-tracking";

/** Finds the configs that the target's pods use and that are tracked. */
export function trackedConfigsOf(target: PodOwner, source: ConfigSource): TrackedConfigs {
  const configMaps: ConfigMap[] = [];
  const secrets: Secret[] = [];
  const checksums: Record<string, string> = {};
  const problems: Problem[] = [];
  const namespace = target.metadata.namespace ?? "default";
  for (const ref of configRefs(target.spec.template.spec)) {
    const key = { namespace, name: ref.name };
    const found = ref.kind === "ConfigMap" ? source.configMap(key) : source.secret(key);
    if (found === undefined) {
      if (!ref.isOptional) problems.push(missing(target, ref));
      continue;
    }
    if (!isTracked(ref, found)) continue;
    checksums[configId(ref)] = checksumOf(found.data);
    if (ref.kind === "ConfigMap") configMaps.push(found as ConfigMap);
    else secrets.push(found as Secret);
  }
  return { configMaps, secrets, checksums, problems };
}

function missing(target: PodOwner, ref: ConfigRef): Problem {
  return {
    path: `${target.kind.toLowerCase()}/${target.metadata.name ?? ""}`,
    code: "missing-config",
    message: `its pods use the ${ref.kind} "${ref.name}", which does not exist`,
    fix: `create ${ref.kind} "${ref.name}" or mark the reference optional`,
  };
}

function isTracked(ref: ConfigRef, object: KubeObject): boolean {
  if (object.metadata.annotations?.[TRACKING_ANNOTATION]?.startsWith("disable") === true) return false;
  if (ref.kind === "ConfigMap") return true;
  return typeof object.type !== "string" || TRACKED_SECRET_TYPES.has(object.type);
}

/**
 * The first 8 bytes, in hex, of the SHA-256 of the data as Go's JSON encoder writes it, so that the checksums that
 * Flagger recorded stay valid. Source: flagger-spec 2.4.
 */
export function checksumOf(data: Readonly<Record<string, string>> | undefined): string {
  return createHash("sha256").update(goJson(data)).digest("hex").slice(0, 16);
}

function goJson(data: Readonly<Record<string, string>> | undefined): string {
  if (data === undefined) return "null";
  // Go sorts keys by bytes; Buffer compares so too.
  const keys = Object.keys(data).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const json = `{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(data[key])}`).join(",")}}`;
  return json.replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Name of the primary's copy. */
export function primaryConfigName(name: string): string {
  return `${name}-primary`;
}

/**
 * Plans the primary's copy of a config; undefined when the live one is right already.
 *
 * Binary data is copied too, which Flagger leaves out. Other Canaries that share the config keep their reference.
 * Source: flagger-spec 3.7 and 10.4.27.
 */
export function planConfigCopy<T extends ConfigMap | Secret>(
  original: T,
  live: T | undefined,
  options: { readonly owner: OwnerReference; readonly labelPrefixes: readonly string[] },
): T | undefined {
  const owners = (live?.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== options.owner.uid);
  const isShared = owners.length > 0;
  const { data, binaryData, type } = original as { data?: unknown; binaryData?: unknown; type?: unknown };
  const copy = {
    apiVersion: original.apiVersion,
    kind: original.kind,
    metadata: {
      ...live?.metadata,
      name: primaryConfigName(original.metadata.name ?? ""),
      namespace: original.metadata.namespace,
      labels: includedOnly(original.metadata.labels, options.labelPrefixes),
      ownerReferences: [
        ...owners.map((owner) => ({ ...owner, controller: false })),
        isShared ? { ...options.owner, controller: false } : options.owner,
      ],
    },
    ...(data === undefined ? {} : { data }),
    ...(binaryData === undefined ? {} : { binaryData }),
    ...(type === undefined ? {} : { type }),
  } as unknown as T;
  return live !== undefined && isSameCopy(copy, live) ? undefined : copy;
}

function isSameCopy(copy: KubeObject, live: KubeObject): boolean {
  const part = ({ data, binaryData, metadata }: KubeObject): unknown[] => [
    data ?? {},
    binaryData ?? {},
    metadata.labels ?? {},
    metadata.ownerReferences ?? [],
  ];
  return deepEqual(part(copy), part(live));
}
