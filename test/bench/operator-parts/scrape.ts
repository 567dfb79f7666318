import { request } from "undici";

/** Samples of a /metrics page, by name with labels. */
export type Samples = ReadonlyMap<string, number>;

export async function scrape(url: string): Promise<Samples> {
  const { body } = await request(url);
  const samples = new Map<string, number>();
  for (const line of (await body.text()).split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)/.exec(line);
    if (match?.[1] !== undefined) samples.set(match[1], Number(match[2]));
  }
  return samples;
}

/** The sum of every series of a metric, or what it grew by since `before`. */
export function total(samples: Samples, name: string, before?: Samples): number {
  let sum = 0;
  for (const [key, value] of samples) {
    if (key === name || key.startsWith(`${name}{`)) sum += value - (before?.get(key) ?? 0);
  }
  return sum;
}

/** The smallest bucket bound that holds a share of the observations since `before`. Labels other than `le` are summed. */
export function quantileBound(samples: Samples, name: string, options: { share: number; before: Samples }): number {
  const buckets = new Map<number, number>();
  for (const [key, value] of samples) {
    const le = key.startsWith(`${name}_bucket{`) ? /le="([^"]+)"/.exec(key)?.[1] : undefined;
    if (le === undefined) continue;
    const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
    buckets.set(bound, (buckets.get(bound) ?? 0) + value - (options.before.get(key) ?? 0));
  }
  const all = buckets.get(Number.POSITIVE_INFINITY) ?? 0;
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  return bounds.find((bound) => (buckets.get(bound) ?? 0) >= all * options.share) ?? Number.NaN;
}
