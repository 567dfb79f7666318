import { createHash } from "node:crypto";
import { apiVersionOf, encodeOpenApiV2Protobuf, type KindDefinition, openApiV2Document, openApiV3Document } from "#api";
import type { Registry } from "../registry/registry.ts";

/** A document and the hash by which clients know whether theirs is still good. */
export interface HashedDocument {
  readonly bytes: Uint8Array;
  readonly hash: string;
}

/** The OpenAPI documents of what is served; each is made when it is first asked for, and again after its kinds change. */
export interface OpenApiDocuments {
  /** `/openapi/v3`: where the document of each group and version is, with its hash. */
  index(): object;
  /** Document of `api/v1` or `apis/GROUP/VERSION`; undefined when nothing is served there. */
  v3(path: string): HashedDocument | undefined;
  v2Json(): HashedDocument;
  v2Protobuf(): HashedDocument;
}

export function createOpenApiDocuments(registry: Registry): OpenApiDocuments {
  const hashes = new WeakMap<KindDefinition, string>();
  const kept = new Map<string, HashedDocument>();

  function hashOf(kinds: readonly KindDefinition[]): string {
    const parts = kinds.map((kind) => {
      const known = hashes.get(kind) ?? hash(JSON.stringify(kind));
      hashes.set(kind, known);
      return known;
    });
    return hash(parts.join());
  }

  /** Returns the document kept under the key, or makes it anew when the kinds are no longer those it was made from. */
  function cached(key: string, kinds: readonly KindDefinition[], make: () => Uint8Array): HashedDocument {
    const wanted = hashOf(kinds);
    const known = kept.get(key);
    if (known?.hash === wanted) return known;
    const made = { bytes: make(), hash: wanted };
    kept.set(key, made);
    return made;
  }

  function kindsByPath(): ReadonlyMap<string, readonly KindDefinition[]> {
    const byPath = new Map<string, KindDefinition[]>();
    for (const kind of publishedKinds(registry)) {
      const path = pathOf(kind);
      byPath.set(path, [...(byPath.get(path) ?? []), kind]);
    }
    return byPath;
  }

  return {
    index: () => {
      const byPath = kindsByPath();
      for (const key of kept.keys()) if (key.startsWith("api") && !byPath.has(key)) kept.delete(key);
      const entries = [...byPath].map(([path, kinds]) => [
        path,
        { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(kinds)}` },
      ]);
      return { paths: Object.fromEntries(entries) as object };
    },
    v3: (path) => {
      const kinds = kindsByPath().get(path);
      const [first] = kinds ?? [];
      if (kinds === undefined || first === undefined) return undefined;
      return cached(path, kinds, () => jsonBytes(openApiV3Document(apiVersionOf(first.resource), kinds)));
    },
    v2Json: () => {
      const kinds = publishedKinds(registry);
      return cached("v2-json", kinds, () => jsonBytes(openApiV2Document(kinds)));
    },
    v2Protobuf: () => {
      const kinds = publishedKinds(registry);
      return cached("v2-protobuf", kinds, () => encodeOpenApiV2Protobuf(openApiV2Document(kinds)));
    },
  };
}

function publishedKinds(registry: Registry): readonly KindDefinition[] {
  return registry
    .all()
    .filter(({ virtualVerbs }) => virtualVerbs === undefined)
    .map(({ kind }) => kind);
}

function pathOf({ resource }: KindDefinition): string {
  return resource.group === "" ? `api/${resource.version}` : `apis/${apiVersionOf(resource)}`;
}

/** As long as the real server's hashes, which clients treat as opaque. */
function hash(text: string): string {
  return createHash("sha512").update(text).digest("hex").toUpperCase();
}

function jsonBytes(document: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(document));
}
