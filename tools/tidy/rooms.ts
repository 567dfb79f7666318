/** The rooms of src/ and who may import whom; the table of docs/ARCHITECTURE.md as data. */

export interface Room {
  /** Rooms whose door (`#name`) this one may import. */
  readonly mayImport: readonly string[];
  /** No I/O, clock, chance or globals. */
  readonly isPure: boolean;
  /** Its folders are sub-rooms: they import each other only through the folder's index.ts. */
  readonly hasSubRooms?: boolean;
}

export const rooms: Readonly<Record<string, Room>> = {
  base: { mayImport: [], isPure: true },
  api: { mayImport: ["base"], isPure: true },
  promql: { mayImport: ["base"], isPure: true },
  scaling: { mayImport: ["base", "api"], isPure: true },
  stats: { mayImport: ["base"], isPure: true },
  rollout: { mayImport: ["base", "api", "stats"], isPure: true },
  lint: { mayImport: ["base", "api", "promql", "rollout"], isPure: true },
  simulator: { mayImport: ["base", "api", "scaling", "stats", "rollout"], isPure: true },
  kube: { mayImport: ["base", "api"], isPure: false },
  mesh: { mayImport: ["base", "api"], isPure: false },
  operator: {
    mayImport: ["base", "api", "promql", "stats", "rollout", "lint", "kube"],
    isPure: false,
    hasSubRooms: true,
  },
  cluster: { mayImport: ["base", "api", "promql", "scaling", "kube", "mesh"], isPure: false, hasSubRooms: true },
  dashboard: { mayImport: ["base", "api", "kube"], isPure: false },
  cli: {
    mayImport: [
      "base",
      "api",
      "promql",
      "stats",
      "rollout",
      "lint",
      "simulator",
      "kube",
      "mesh",
      "operator",
      "cluster",
    ],
    isPure: false,
  },
  testing: { mayImport: ["base", "api", "kube", "cluster"], isPure: false },
};

/** Folders inside an effect room that are pure all the same. */
export const pureFolders: readonly string[] = ["src/mesh/routing/"];

/** Libraries that compute and do nothing else; pure code may import no other. */
export const pureLibraries: readonly string[] = ["@marcbachmann/cel-js", "@prometheus-io/lezer-promql", "re2js"];
