import type { Canary } from "#api";
import type { Samples, SamplesQuestion } from "#rollout";
import type { MeasureContext } from "./measure-context.ts";

/** Counts what both copies did since the last tick; never rejects. */
export async function measureSamples(
  _question: SamplesQuestion,
  _subject: { readonly canary: Canary },
  _context: MeasureContext,
): Promise<Samples> {
  return { untilMs: undefined, metrics: [] };
}
