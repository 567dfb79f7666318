import type { KubeObject } from "#api";
import { isObject } from "#base";

/**
 * The parts of a TriggerAuthentication or ClusterTriggerAuthentication that are executed, and the names of those that are
 * not. Source: keda-hpa-spec 13.
 */
export interface TriggerAuthentication {
  readonly podIdentity: string | undefined;
  readonly env: readonly EnvReference[];
  readonly configMaps: readonly KeyReference[];
  readonly secrets: readonly KeyReference[];
  readonly tokens: readonly { readonly parameter: string; readonly serviceAccountName: string }[];
  /** Sources that reach for a service of a vendor, or for files of this machine; a trigger that needs one is refused. */
  readonly notExecuted: readonly string[];
}

export interface EnvReference {
  readonly parameter: string;
  readonly name: string;
  readonly containerName: string | undefined;
}

export interface KeyReference {
  readonly parameter: string;
  readonly name: string;
  readonly key: string;
}

const foreignSources = ["hashiCorpVault", "azureKeyVault", "gcpSecretManager", "awsSecretManager", "oauth2"];

/** Reads the object; entries without a parameter's name are passed over, as the schema refuses them. */
export function decodeAuthentication({ spec }: KubeObject): TriggerAuthentication {
  const fields = isObject(spec) ? spec : {};
  const provider = isObject(fields["podIdentity"]) ? textOf(fields["podIdentity"], "provider") : "";
  return {
    podIdentity: provider === "" || provider === "none" ? undefined : provider,
    env: entriesOf(fields["env"]).map((entry) => {
      const containerName = textOf(entry, "containerName");
      return {
        parameter: textOf(entry, "parameter"),
        name: textOf(entry, "name"),
        containerName: containerName === "" ? undefined : containerName,
      };
    }),
    configMaps: entriesOf(fields["configMapTargetRef"]).map(keyReference),
    secrets: entriesOf(fields["secretTargetRef"]).map(keyReference),
    tokens: entriesOf(fields["boundServiceAccountToken"]).map((entry) => ({
      parameter: textOf(entry, "parameter"),
      serviceAccountName: textOf(entry, "serviceAccountName"),
    })),
    notExecuted: [
      ...foreignSources.filter((name) => isObject(fields[name])),
      // Files of this machine are not for objects that anybody may write.
      ...(textOf(fields, "filePath") === "" ? [] : ["filePath"]),
    ],
  };
}

function keyReference(entry: Record<string, unknown>): KeyReference {
  return { parameter: textOf(entry, "parameter"), name: textOf(entry, "name"), key: textOf(entry, "key") };
}

function entriesOf(list: unknown): readonly Record<string, unknown>[] {
  return Array.isArray(list) ? list.filter((entry) => isObject(entry) && textOf(entry, "parameter") !== "") : [];
}

function textOf(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}
