import type { ConfigMap, KubeObject, PodTemplateSpec, Secret } from "#api";
import { Failure, type Log, messageOf } from "#base";
import type { TriggerConfigSources } from "../triggers/index.ts";
import { targetEnvironment } from "./target-environment.ts";
import { decodeAuthentication, type KeyReference, type TriggerAuthentication } from "./trigger-authentication.ts";

/** What the resolution of a trigger's parameters needs of the world; objects come from local copies. */
export interface AuthWorld {
  readonly log: Log;
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  triggerAuthentication(namespace: string, name: string): KubeObject | undefined;
  clusterTriggerAuthentication(name: string): KubeObject | undefined;
  /** A token of the API server. @throws Failure when it gives none. */
  serviceAccountToken(account: ServiceAccountRequest): Promise<string>;
  /** Where Secrets of a ClusterTriggerAuthentication lie. Source: KEDA_CLUSTER_OBJECT_NAMESPACE. */
  readonly clusterObjectNamespace: string;
}

export interface ServiceAccountRequest {
  readonly namespace: string;
  readonly name: string;
  readonly expirationSeconds: number;
}

/** Which trigger of which ScaledObject, and the pods of the target. */
export interface TriggerSourcesRequest {
  readonly scaledObject: {
    readonly namespace: string;
    readonly name: string;
    /** `scaleTargetRef.envSourceContainerName`. */
    readonly envSourceContainerName?: string | undefined;
  };
  readonly trigger: {
    readonly metadata?: Readonly<Record<string, string>> | undefined;
    readonly authenticationRef?: { readonly name?: string; readonly kind?: string } | undefined;
  };
  /** Absent for a target that makes no pods itself; then there is no environment. */
  readonly podTemplate: PodTemplateSpec | undefined;
}

export type TriggerSources = TriggerConfigSources & { readonly podIdentity: string | undefined };

/** Source: KEDA_BOUND_SERVICE_ACCOUNT_TOKEN_EXPIRY. */
const TOKEN_SECONDS = 3600;

/**
 * Gathers what a trigger's parameters are read from.
 *
 * What the user's objects do not have is an empty parameter and a line of the log: the trigger then says which parameter
 * it lacks. What cannot be executed here, or what must be asked for and is refused, fails.
 * Source: keda-hpa-spec 13.
 *
 * @throws Failure `TriggerSourcesUnresolved`
 */
export async function resolveTriggerSources(request: TriggerSourcesRequest, world: AuthWorld): Promise<TriggerSources> {
  const { scaledObject, trigger } = request;
  const env = await environmentOf(request, world, scaledObject.envSourceContainerName);
  const found = findAuthentication(request, world);
  const metadata = trigger.metadata ?? {};
  if (found === undefined) return { metadata, env, auth: {}, podIdentity: undefined };
  const auth = await parametersOf(found, request, world);
  return { metadata, env, auth, podIdentity: found.authentication.podIdentity };
}

interface FoundAuthentication {
  readonly authentication: TriggerAuthentication;
  readonly name: string;
  readonly isCluster: boolean;
  /** Where Secrets, ConfigMaps and service accounts of it lie. */
  readonly namespace: string;
}

function findAuthentication(
  { scaledObject, trigger }: TriggerSourcesRequest,
  world: AuthWorld,
): FoundAuthentication | undefined {
  const { name = "", kind = "TriggerAuthentication" } = trigger.authenticationRef ?? {};
  if (name === "") return undefined;
  const isCluster = kind === "ClusterTriggerAuthentication";
  const object = isCluster
    ? world.clusterTriggerAuthentication(name)
    : world.triggerAuthentication(scaledObject.namespace, name);
  if (object === undefined) {
    world.log.warn("The authentication of a trigger does not exist; its parameters are empty", {
      kind,
      authentication: name,
      scaledObject: `${scaledObject.namespace}/${scaledObject.name}`,
    });
    return undefined;
  }
  const namespace = isCluster ? world.clusterObjectNamespace : scaledObject.namespace;
  return { authentication: decodeAuthentication(object), name, isCluster, namespace };
}

/** Later sources win. Source: keda-hpa-spec 13, order of resolution. */
async function parametersOf(
  found: FoundAuthentication,
  request: TriggerSourcesRequest,
  world: AuthWorld,
): Promise<Readonly<Record<string, string>>> {
  const { authentication, namespace } = found;
  const [foreign] = authentication.notExecuted;
  if (foreign !== undefined)
    throw unresolved(found, `${foreign} is not executed in the embedded cluster; write the values into a Secret`);
  const parameters = new Map<string, string>();
  for (const { parameter, name, containerName } of authentication.env)
    parameters.set(parameter, await variableOf({ name, containerName }, request, world));
  const lookup: Lookup = { namespace, log: world.log };
  for (const reference of authentication.configMaps)
    parameters.set(reference.parameter, valueOf({ ...lookup, kind: "ConfigMap" }, reference, world));
  for (const reference of authentication.secrets)
    parameters.set(reference.parameter, valueOf({ ...lookup, kind: "Secret" }, reference, world));
  for (const { parameter, serviceAccountName } of authentication.tokens)
    parameters.set(parameter, await tokenOf(found, serviceAccountName, world));
  return Object.fromEntries(parameters);
}

/** A container that does not exist leaves the parameter empty, as a variable does that it does not have. */
async function variableOf(
  { name, containerName }: { name: string; containerName: string | undefined },
  request: TriggerSourcesRequest,
  world: AuthWorld,
): Promise<string> {
  try {
    const env = await environmentOf(request, world, containerName);
    return Object.hasOwn(env, name) ? (env[name] ?? "") : "";
  } catch (thrown) {
    world.log.warn("Cannot resolve a variable of a trigger's authentication", {
      variable: name,
      reason: messageOf(thrown),
    });
    return "";
  }
}

async function environmentOf(
  { scaledObject: { namespace }, podTemplate }: TriggerSourcesRequest,
  world: AuthWorld,
  containerName: string | undefined,
): Promise<Readonly<Record<string, string>>> {
  if (podTemplate === undefined) return {};
  return targetEnvironment({
    namespace,
    podTemplate,
    containerName: containerName === "" ? undefined : containerName,
    configMap: (name) => world.configMap(namespace, name),
    secret: (name) => world.secret(namespace, name),
  });
}

interface Lookup {
  readonly namespace: string;
  readonly log: Log;
}

function valueOf(
  { namespace, kind, log }: Lookup & { readonly kind: "ConfigMap" | "Secret" },
  { name, key, parameter }: KeyReference,
  world: AuthWorld,
): string {
  const object = kind === "Secret" ? world.secret(namespace, name) : world.configMap(namespace, name);
  const { data = {} } = object ?? {};
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  if (value === undefined) {
    log.warn("A parameter of a trigger's authentication does not exist and is empty", {
      parameter,
      from: `${kind} ${namespace}/${name}`,
      key,
    });
    return "";
  }
  return kind === "Secret" ? Buffer.from(value, "base64").toString("utf8") : value;
}

async function tokenOf(found: FoundAuthentication, name: string, world: AuthWorld): Promise<string> {
  try {
    return await world.serviceAccountToken({ namespace: found.namespace, name, expirationSeconds: TOKEN_SECONDS });
  } catch (thrown) {
    throw unresolved(found, `no token of service account "${found.namespace}/${name}": ${messageOf(thrown)}`);
  }
}

function unresolved({ name, isCluster }: FoundAuthentication, why: string): Failure {
  const kind = isCluster ? "ClusterTriggerAuthentication" : "TriggerAuthentication";
  return new Failure(`Cannot resolve ${kind} "${name}": ${why}`, { code: "TriggerSourcesUnresolved", retryable: true });
}
