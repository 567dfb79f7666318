import { dirname, join, normalize } from "node:path";
import { pureFolders, pureLibraries, rooms } from "./rooms.ts";
import type { Source } from "./sources.ts";

/** One broken house rule. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

const LINES_MAX = 500;
const TEST_LINES_MAX = 800;

/** Runs every rule over the sources. */
export function checkSources(sources: readonly Source[]): Finding[] {
  return [
    ...sources.flatMap((source) => [...checkImports(source), ...checkShape(source), ...checkBans(source)]),
    ...checkCycles(sources),
  ];
}

/** The room a path lies in: `src/kube/client.ts` → `kube`; undefined outside src/. */
function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}

function checkImports(source: Source): Finding[] {
  const name = roomOf(source.path);
  if (name === undefined) return [];
  const room = rooms[name];
  if (room === undefined)
    return [
      {
        path: source.path,
        line: 1,
        message: `src/${name} is not a room; add it to tools/tidy/rooms.ts with a design note`,
      },
    ];
  return source.imports.flatMap((target) => {
    const message = importFault({ source, name, target });
    return message === undefined ? [] : [{ path: source.path, line: lineOf(source, `"${target}"`), message }];
  });
}

function importFault({ source, name, target }: { source: Source; name: string; target: string }): string | undefined {
  const room = rooms[name];
  if (room === undefined) return undefined;
  if (target.startsWith("#")) {
    const other = target.slice(1);
    if (source.isTest && (other === "testing" || room.mayImport.includes(other) || isPureRoom(other))) return undefined;
    if (other === name) return `imports its own room by "#${name}"; use a relative path`;
    return room.mayImport.includes(other) ? undefined : `room "${name}" must not import room "${other}"`;
  }
  if (target.endsWith(".json")) return undefined;
  if (target.startsWith(".")) return relativeFault(source.path, target);
  if (isPure(source) && !pureLibraries.some((name) => target === name || target.startsWith(`${name}/`)))
    return `pure code must not import "${target}"; take a port from #base`;
  return undefined;
}

function relativeFault(path: string, target: string): string | undefined {
  const resolved = normalize(join(dirname(path), target));
  const own = roomOf(path);
  if (roomOf(resolved) !== own) return `leaves room "${own}" by a relative path; import the other room's door "#…"`;
  if (own === undefined || rooms[own]?.hasSubRooms !== true) return undefined;
  const from = path.split("/")[2] ?? "";
  const to = resolved.split("/")[2] ?? "";
  const crosses = to !== from && !to.endsWith(".ts");
  if (crosses && resolved !== `src/${own}/${to}/index.ts`)
    return `enters sub-room "${to}" past its door; import src/${own}/${to}/index.ts`;
  return undefined;
}

function isPureRoom(name: string): boolean {
  return rooms[name]?.isPure === true;
}

function isPure(source: Source): boolean {
  if (source.isTest) return false;
  return isPureRoom(roomOf(source.path) ?? "") || pureFolders.some((folder) => source.path.startsWith(folder));
}

function checkShape(source: Source): Finding[] {
  const findings: Finding[] = [];
  const max = source.isTest ? TEST_LINES_MAX : LINES_MAX;
  const count = source.lines.length - 1;
  if (count > max)
    findings.push({
      path: source.path,
      line: max,
      message: `has ${count} lines, the limit is ${max}; split it by what changes together`,
    });
  if (/\/(utils?|helpers?|common|types|misc)\.ts$/.test(source.path)) {
    findings.push({ path: source.path, line: 1, message: "is named for no thing; name the file for what is inside" });
  }
  if (!/^[a-z0-9./-]+$/.test(source.path)) findings.push({ path: source.path, line: 1, message: "is not kebab-case" });
  return findings;
}

interface Ban {
  readonly pattern: RegExp;
  readonly message: string;
  readonly appliesTo?: (source: Source) => boolean;
}

/** The one file that turns the system's clock and chance into ports. */
const SYSTEM_PORTS = "src/kube/system-ports.ts";

const bans: readonly Ban[] = [
  { pattern: /\benum\s+\w+\s*\{/, message: "no enums; use a union of string literals" },
  { pattern: /\bas any\b|:\s*any\b/, message: "no any; use unknown and decode" },
  {
    pattern: /\bexport default\b/,
    message: "no default exports; name the export",
    appliesTo: (s) => s.path.startsWith("src/"),
  },
  {
    pattern: /\bnew Date\(\s*\)|\bDate\.now\(/,
    message: "pure code reads no clock; take the time as an argument",
    appliesTo: isPure,
  },
  { pattern: /\bMath\.random\(/, message: "pure code has no chance; take a Random from #base", appliesTo: isPure },
  {
    pattern: /\bconsole\.|\bprocess\.|\bsetTimeout\(|\bsetInterval\(|\bfetch\(/,
    message: "pure code has no effects; take a port from #base",
    appliesTo: isPure,
  },
  { pattern: /\bit\.only\(|\btest\.only\(|\bdescribe\.only\(/, message: "leaves other tests out; remove .only" },
  {
    pattern: /\bMath\.random\(/,
    message: "use a Random port, so that runs can be repeated",
    appliesTo: (s) => s.path.startsWith("src/") && s.path !== SYSTEM_PORTS,
  },
];

function checkBans(source: Source): Finding[] {
  const code = source.code.split("\n");
  const findings: Finding[] = [];
  for (const ban of bans) {
    if (ban.appliesTo !== undefined && !ban.appliesTo(source)) continue;
    code.forEach((line, index) => {
      if (ban.pattern.test(line)) findings.push({ path: source.path, line: index + 1, message: ban.message });
    });
  }
  source.lines.forEach((line, index) => {
    if (/@ts-(ignore|nocheck)/.test(line))
      findings.push({ path: source.path, line: index + 1, message: "no such comment; mend the type" });
    if (/\/\/\s*(TODO|FIXME|XXX)\b/.test(line))
      findings.push({ path: source.path, line: index + 1, message: "no TODO in the tree; do it or file it" });
  });
  return findings;
}

/** Finds import cycles between files, type-only imports included, by depth-first search. */
function checkCycles(sources: readonly Source[]): Finding[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const state = new Map<string, "open" | "done">();
  const findings: Finding[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      const cycle = [...trail.slice(trail.indexOf(path)), path].join(" → ");
      findings.push({ path, line: 1, message: `import cycle ${cycle}` });
      return;
    }
    state.set(path, "open");
    for (const next of targetsOf(byPath.get(path))) if (byPath.has(next)) visit(next, [...trail, path]);
    state.set(path, "done");
  };
  for (const path of byPath.keys()) visit(path, []);
  return findings;
}

function targetsOf(source: Source | undefined): string[] {
  if (source === undefined) return [];
  return source.imports.flatMap((target) => {
    if (target.startsWith(".")) return [normalize(join(dirname(source.path), target))];
    return target.startsWith("#") ? [`src/${target.slice(1)}/index.ts`] : [];
  });
}

function lineOf(source: Source, needle: string): number {
  return source.lines.findIndex((line) => line.includes(needle)) + 1;
}
