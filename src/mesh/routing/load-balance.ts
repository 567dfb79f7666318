/** Choice of one endpoint of a cluster. Pure: what changes between two choices (cursor, load, chance) is passed in. */

export interface Candidate {
  /** Stable identity, for hashing. */
  readonly key: string;
  readonly activeCount: number;
}

export interface ChoiceInput {
  readonly kind: "leastRequest" | "roundRobin" | "random" | "hash";
  /** Counts the choices made so far, for round-robin. */
  readonly cursor: number;
  /** Uniform in [0, 1), new at every call. */
  readonly chance: () => number;
  /** Hash key of the request; undefined chooses at random. */
  readonly hashKey?: string | undefined;
}

/** Index of the chosen candidate; -1 when there is none. */
export function chooseEndpoint(candidates: readonly Candidate[], input: ChoiceInput): number {
  const count = candidates.length;
  if (count <= 1) return count - 1;
  switch (input.kind) {
    case "roundRobin":
      return input.cursor % count;
    case "random":
      return randomIndex(count, input.chance);
    case "hash":
      return input.hashKey === undefined ? randomIndex(count, input.chance) : highestWeight(candidates, input.hashKey);
    case "leastRequest":
      return lessLoadedOfTwo(candidates, input.chance);
  }
}

function randomIndex(count: number, chance: () => number): number {
  return Math.min(Math.floor(chance() * count), count - 1);
}

/** Source: Mitzenmacher, "The power of two choices in randomized load balancing"; Envoy's LEAST_REQUEST with choice count 2. */
function lessLoadedOfTwo(candidates: readonly Candidate[], chance: () => number): number {
  const first = randomIndex(candidates.length, chance);
  const other = randomIndex(candidates.length - 1, chance);
  const second = other >= first ? other + 1 : other;
  return (candidates[second]?.activeCount ?? 0) < (candidates[first]?.activeCount ?? 0) ? second : first;
}

/**
 * Rendezvous hashing: a key stays where it is unless its own endpoint leaves, with no ring to keep.
 *
 * Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates".
 */
function highestWeight(candidates: readonly Candidate[], key: string): number {
  let best = -1;
  let bestWeight = -1;
  candidates.forEach((candidate, index) => {
    const weight = hash32(`${candidate.key}\0${key}`);
    if (weight <= bestWeight) return;
    best = index;
    bestWeight = weight;
  });
  return best;
}

/** FNV-1a with a final mix, because its high bits alone are poor. Source: Fowler, Noll, Vo; mix of MurmurHash3. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
