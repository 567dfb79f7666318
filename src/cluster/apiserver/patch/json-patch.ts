import { deepCopy, deepEqual, isObject, type Result } from "#base";
import { attempt } from "./attempt.ts";
import { parsePointer } from "./json-pointer.ts";
import { cannotApply, checkKey, checkUntrusted, malformed, type PatchProblem, PatchRefusal } from "./patch-problem.ts";

/** As many operations as a real server takes in one patch. Source: apiserver `maxJSONPatchOperations`. */
const OPERATIONS_MAX = 10_000;
/** Bounds what `copy` may add in one patch: copying a field into itself doubles it each time. Source: apiserver `JSONPatchMaxCopyBytes`. */
const COPIED_BYTES_MAX = 3 * 1024 * 1024;

/**
 * Applies a JSON patch. All operations apply or none does; the document is not changed.
 *
 * Source: RFC 6902; texts and codes as apiserver `jsonPatcher`.
 */
export function applyJsonPatch(document: unknown, operations: unknown): Result<unknown, PatchProblem> {
  return attempt(() => {
    const patch = decodeOperations(operations);
    const root: Holder = { value: deepCopy(document), copiedBytes: 0 };
    for (const operation of patch) applyOperation(root, operation);
    return root.value;
  });
}

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from: readonly string[] | undefined;
  readonly value: unknown;
  readonly hasValue: boolean;
}

/** Holds the document while it changes, so that an operation on the root replaces it. */
interface Holder {
  value: unknown;
  copiedBytes: number;
}

function decodeOperations(operations: unknown): readonly Operation[] {
  if (!Array.isArray(operations)) {
    const kind = isObject(operations) ? "object" : typeof operations;
    throw new PatchRefusal(
      malformed(`error decoding patch: json: cannot unmarshal ${kind} into Go value of type jsonpatch.Patch`),
    );
  }
  if (operations.length > OPERATIONS_MAX) throw new PatchRefusal(tooMany(operations.length));
  checkUntrusted(operations);
  return operations.map(decodeOperation);
}

function tooMany(count: number): PatchProblem {
  const message = `Request entity too large: The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${count}`;
  return { path: "", code: "RequestEntityTooLarge", message };
}

function decodeOperation(operation: unknown, index: number): Operation {
  if (!isObject(operation)) {
    throw new PatchRefusal(malformed(`error decoding patch: operation ${index} is not an object`));
  }
  const { op, path, from } = operation;
  if (typeof op !== "string") throw new PatchRefusal(cannotApply(`operation ${index} has no "op"`));
  return {
    op,
    path: pointerOf(path, `operation ${index}: path`),
    from: from === undefined ? undefined : pointerOf(from, `operation ${index}: from`),
    value: operation["value"],
    hasValue: Object.hasOwn(operation, "value"),
  };
}

function pointerOf(text: unknown, where: string): readonly string[] {
  const tokens = typeof text === "string" ? parsePointer(text) : undefined;
  if (tokens === undefined) throw new PatchRefusal(cannotApply(`${where} must be a JSON pointer such as "/a/b"`));
  for (const token of tokens) checkKey(token);
  return tokens;
}

function applyOperation(root: Holder, operation: Operation): void {
  switch (operation.op) {
    case "add":
      return addAt(root, operation.path, deepCopy(valueOf(operation)));
    case "remove":
      removeAt(root, operation.path);
      return;
    case "replace":
      return replaceAt(root, operation.path, deepCopy(valueOf(operation)));
    case "move":
      return move(root, operation);
    case "copy":
      return copy(root, operation);
    case "test":
      return check(root, operation);
    default:
      throw new PatchRefusal(cannotApply(`unexpected kind of operation "${operation.op}"`));
  }
}

function valueOf(operation: Operation): unknown {
  if (!operation.hasValue) throw new PatchRefusal(cannotApply(`operation "${operation.op}" has no "value"`));
  return operation.value;
}

function fromOf(operation: Operation): readonly string[] {
  if (operation.from === undefined) throw new PatchRefusal(cannotApply(`operation "${operation.op}" has no "from"`));
  return operation.from;
}

function move(root: Holder, operation: Operation): void {
  const from = fromOf(operation);
  const isIntoItself = from.length < operation.path.length && from.every((token, i) => token === operation.path[i]);
  if (isIntoItself) throw new PatchRefusal(cannotApply(`cannot move ${show(from)} into itself`));
  addAt(root, operation.path, removeAt(root, from));
}

function copy(root: Holder, operation: Operation): void {
  const value = readAt(root, fromOf(operation));
  root.copiedBytes += (JSON.stringify(value) ?? "").length;
  if (root.copiedBytes > COPIED_BYTES_MAX) {
    throw new PatchRefusal(cannotApply(`the patch copies more than ${COPIED_BYTES_MAX} bytes`));
  }
  addAt(root, operation.path, deepCopy(value));
}

function check(root: Holder, operation: Operation): void {
  if (!deepEqual(readAt(root, operation.path), valueOf(operation))) {
    throw new PatchRefusal(cannotApply(`testing value ${show(operation.path)} failed`));
  }
}

function readAt(root: Holder, path: readonly string[]): unknown {
  let value = root.value;
  for (const token of path) value = childOf(value, token, path);
  return value;
}

function childOf(parent: unknown, token: string, path: readonly string[]): unknown {
  if (Array.isArray(parent)) return parent[indexIn(token, parent.length - 1, path)];
  if (isObject(parent) && Object.hasOwn(parent, token)) return parent[token];
  throw missing(path);
}

/** Parses an array index and checks it against the highest one allowed. RFC 6901 forbids leading zeros and signs. */
function indexIn(token: string, highest: number, path: readonly string[]): number {
  const index = /^(?:0|[1-9]\d{0,8})$/.test(token) ? Number(token) : -1;
  if (index < 0 || index > highest) throw missing(path);
  return index;
}

function addAt(root: Holder, path: readonly string[], value: unknown): void {
  const last = path.at(-1);
  if (last === undefined) {
    root.value = value;
    return;
  }
  const parent = readAt(root, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(last === "-" ? parent.length : indexIn(last, parent.length, path), 0, value);
  else if (isObject(parent)) parent[last] = value;
  else throw missing(path);
}

function removeAt(root: Holder, path: readonly string[]): unknown {
  const removed = readAt(root, path);
  const last = path.at(-1);
  if (last === undefined) {
    root.value = null;
    return removed;
  }
  const parent = readAt(root, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isObject(parent)) delete parent[last];
  return removed;
}

function replaceAt(root: Holder, path: readonly string[], value: unknown): void {
  readAt(root, path);
  const last = path.at(-1);
  const parent = last === undefined ? undefined : readAt(root, path.slice(0, -1));
  if (last === undefined) root.value = value;
  else if (Array.isArray(parent)) parent[Number(last)] = value;
  else if (isObject(parent)) parent[last] = value;
}

function missing(path: readonly string[]): PatchRefusal {
  return new PatchRefusal(cannotApply(`${show(path)} does not exist`));
}

function show(path: readonly string[]): string {
  return `"${path.map((token) => `/${token}`).join("")}"`;
}
