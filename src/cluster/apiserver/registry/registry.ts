import type { KindDefinition } from "#api";
import { conversionOf, storageGroupOf } from "./conversions.ts";
import { type Endpoint, endpointOf } from "./endpoint.ts";

/** Every kind the server serves: the built-in ones, and those of the custom resource definitions, which come and go. */
export interface Registry {
  /** The endpoint of a plural, or the one that answers for all others of its group and version. */
  find(group: string, version: string, plural: string): Endpoint | undefined;
  /** Endpoint of a kind in any version, the preferred one first. */
  findAnyVersion(group: string, plural: string): Endpoint | undefined;
  hasGroup(group: string): boolean;
  hasVersion(group: string, version: string): boolean;
  /** Groups in discovery order, the core group first. */
  groups(): readonly GroupVersions[];
  endpointsOf(group: string, version: string): readonly Endpoint[];
  all(): readonly Endpoint[];
  /** Serves the versions of a custom resource definition, instead of what the same definition had before. */
  setCustom(definition: string, kinds: readonly KindDefinition[]): void;
  removeCustom(definition: string): void;
  /** Serves more endpoints that are not kept in the store. */
  addVirtual(endpoints: readonly Endpoint[]): void;
  /** Rises with every change, so that what is derived from the kinds can be cached. */
  readonly generation: number;
}

export interface GroupVersions {
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly string[];
}

export function createRegistry(builtinKinds: readonly KindDefinition[]): Registry {
  let builtin: readonly Endpoint[] = builtinKinds.map(builtinEndpoint);
  const custom = new Map<string, readonly Endpoint[]>();
  let generation = 0;
  let index = indexOf(builtin);

  function rebuild(): void {
    generation += 1;
    index = indexOf([...builtin, ...[...custom.values()].flat()]);
  }

  return {
    find: (group, version, plural) =>
      index.byPath.get(`${group}/${version}/${plural}`) ?? index.byPath.get(`${group}/${version}/*`),
    findAnyVersion: (group, plural) => {
      for (const version of index.groups.get(group) ?? []) {
        const found = index.byPath.get(`${group}/${version}/${plural}`);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    hasGroup: (group) => index.groups.has(group),
    hasVersion: (group, version) => index.groups.get(group)?.includes(version) === true,
    groups: () => [...index.groups].map(([group, versions]) => ({ group, versions })),
    endpointsOf: (group, version) =>
      index.all.filter(({ kind }) => kind.resource.group === group && kind.resource.version === version),
    all: () => index.all,
    setCustom: (definition, kinds) => {
      custom.set(
        definition,
        kinds.map((kind) => endpointOf(kind, `${kind.resource.group}/${kind.resource.plural}`)),
      );
      rebuild();
    },
    removeCustom: (definition) => {
      if (custom.delete(definition)) rebuild();
    },
    addVirtual: (endpoints) => {
      builtin = [...builtin, ...endpoints];
      rebuild();
    },
    get generation() {
      return generation;
    },
  };
}

interface Index {
  readonly all: readonly Endpoint[];
  readonly byPath: ReadonlyMap<string, Endpoint>;
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

function builtinEndpoint(kind: KindDefinition): Endpoint {
  const collection = `${storageGroupOf(kind.resource)}/${kind.resource.plural}`;
  return endpointOf(kind, collection, conversionOf(kind.resource));
}

function indexOf(endpoints: readonly Endpoint[]): Index {
  const byPath = new Map<string, Endpoint>();
  const groups = new Map<string, string[]>();
  for (const endpoint of endpoints) {
    const { group, version, plural } = endpoint.kind.resource;
    byPath.set(`${group}/${version}/${plural}`, endpoint);
    const versions = groups.get(group) ?? [];
    if (!versions.includes(version)) versions.push(version);
    groups.set(group, versions);
  }
  for (const versions of groups.values()) versions.sort(compareVersions);
  return { all: endpoints, byPath, groups };
}

const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;

/**
 * Orders versions as discovery does: released before beta before alpha, higher numbers first, others last by name.
 *
 * Source: apimachinery `version.CompareKubeAwareVersionStrings`.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [VERSION.exec(a), VERSION.exec(b)];
  if (left === null || right === null) return left === right ? (a < b ? -1 : 1) : left === null ? 1 : -1;
  const rank = (match: RegExpExecArray): number => (match[2] === undefined ? 2 : match[2] === "beta" ? 1 : 0);
  return rank(right) - rank(left) || Number(right[1]) - Number(left[1]) || Number(right[3] ?? 0) - Number(left[3] ?? 0);
}
