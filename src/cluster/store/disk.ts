import { ClassicLevel } from "classic-level";
import type { KubeObject } from "#api";
import { Failure } from "#base";
import type { Change, ObjectPath, StoredObject } from "./store.ts";

/** Raised when the layout of the database changes; an older or newer one is refused, never guessed at. */
const FORMAT = "1";
const FORMAT_KEY = "meta\u0000format";
const REVISION_KEY = "meta\u0000revision";
const OBJECT_PREFIX = "object\u0000";

export interface Disk {
  /** Writes all changes, or none of them, and returns when they are synced. */
  write(changes: readonly Change[], revision: number): Promise<void>;
  close(): Promise<void>;
}

export interface Loaded {
  readonly disk: Disk;
  readonly revision: number;
  readonly objects: readonly StoredObject[];
}

/**
 * Opens the LevelDB database of the directory, creating it when it is missing, and reads all of it.
 *
 * Layout: `object\0collection\0namespace\0name` → the object's JSON; `meta\0revision` → the newest revision. A batch is
 * one record of LevelDB's log with a checksum, so that a crash leaves all of it or nothing.
 */
export async function openDisk(directory: string): Promise<Loaded> {
  const level = new ClassicLevel<string, string>(directory, { keyEncoding: "utf8", valueEncoding: "utf8" });
  try {
    await level.open();
    await checkFormat(level, directory);
    const revision = Number((await level.get(REVISION_KEY)) ?? "0");
    return { disk: diskOn(level), revision, objects: await readObjects(level) };
  } catch (thrown) {
    await level.close();
    if (thrown instanceof Failure) throw thrown;
    throw new Failure(`Cannot open the store in "${directory}"; is another process using it?`, {
      code: "StoreNotOpened",
      cause: thrown,
    });
  }
}

async function checkFormat(level: ClassicLevel<string, string>, directory: string): Promise<void> {
  const format = await level.get(FORMAT_KEY);
  if (format === FORMAT) return;
  if (format === undefined) {
    await level.put(FORMAT_KEY, FORMAT, { sync: true });
    return;
  }
  throw new Failure(
    `Cannot open the store in "${directory}": its format is "${format}", this version reads "${FORMAT}"`,
    {
      code: "StoreFormat",
    },
  );
}

async function readObjects(level: ClassicLevel<string, string>): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const [key, json] of level.iterator({ gte: OBJECT_PREFIX, lt: "object\u0001" })) {
    objects.push(decodeObject(key, json));
  }
  return objects;
}

function decodeObject(key: string, json: string): StoredObject {
  const [, collection = "", namespace = "", name = ""] = key.split("\u0000");
  const object = JSON.parse(json) as KubeObject;
  return { collection, namespace, name, revision: Number(object.metadata.resourceVersion), object, json };
}

function diskOn(level: ClassicLevel<string, string>): Disk {
  return {
    write: (changes, revision) => {
      const operations = changes.map(({ type, current }) =>
        type === "put"
          ? { type: "put" as const, key: keyOnDisk(current), value: current.json }
          : { type: "del" as const, key: keyOnDisk(current) },
      );
      return level.batch([...operations, { type: "put", key: REVISION_KEY, value: String(revision) }], { sync: true });
    },
    close: () => level.close(),
  };
}

function keyOnDisk(path: ObjectPath): string {
  return `${OBJECT_PREFIX}${path.collection}\u0000${path.namespace}\u0000${path.name}`;
}
