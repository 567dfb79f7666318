/** A place of a JSON text: the path as strict decoding errors write it, and where it stands. */
export interface KeyPosition {
  readonly path: string;
  readonly offset: number;
}

export interface ScannedKeys {
  /** Keys that stand twice in one object, at their second place. */
  readonly duplicates: readonly KeyPosition[];
  /** First place of every key. */
  readonly offsets: ReadonlyMap<string, number>;
}

interface Frame {
  readonly path: string;
  readonly isList: boolean;
  index: number;
  readonly seen: Set<string>;
}

/**
 * Finds the repeated keys of a text that `JSON.parse` has accepted, which keeps only the last of them.
 *
 * Source: the strict decoding of `sigs.k8s.io/json`, whose errors name each repeated key with its path.
 */
export function scanKeys(json: string): ScannedKeys {
  const duplicates: KeyPosition[] = [];
  const offsets = new Map<string, number>();
  const frames: Frame[] = [];
  let path = "";
  for (let at = 0; at < json.length; at++) {
    const char = json[at];
    const frame = frames.at(-1);
    if (char === "{" || char === "[")
      frames.push({ path: pathInside(frame, path), isList: char === "[", index: 0, seen: new Set() });
    else if (char === "}" || char === "]") frames.pop();
    else if (char === "," && frame?.isList === true) frame.index += 1;
    else if (char === '"') {
      const end = endOfText(json, at);
      if (frame !== undefined && !frame.isList && isKey(json, end)) {
        const key = JSON.parse(json.slice(at, end)) as string;
        path = frame.path === "" ? key : `${frame.path}.${key}`;
        if (frame.seen.has(key)) duplicates.push({ path, offset: at });
        else if (!offsets.has(path)) offsets.set(path, at);
        frame.seen.add(key);
      }
      at = end - 1;
    }
  }
  return { duplicates, offsets };
}

function pathInside(frame: Frame | undefined, path: string): string {
  if (frame === undefined) return "";
  return frame.isList ? `${frame.path}[${frame.index}]` : path;
}

function endOfText(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}

function isKey(json: string, end: number): boolean {
  let at = end;
  while (json[at] === " " || json[at] === "\n" || json[at] === "\r" || json[at] === "\t") at++;
  return json[at] === ":";
}
