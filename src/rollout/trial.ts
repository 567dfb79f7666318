import type { Judgement, Missing } from "./evidence/judge-run.ts";
import type { EvidenceRules } from "./evidence/metric-plan.ts";
import type { Move } from "./evidence/move.ts";
import type { Run } from "./evidence/run.ts";
import type { SamplesQuestion } from "./observation.ts";

/** What a tick of a sequential analysis found; undefined between ticks, and for other methods. */
export type Trial =
  /** The samples of the tick are to be asked for. */
  | { readonly kind: "ask"; readonly question: SamplesQuestion }
  /** What was collected cannot be gone on with. */
  | { readonly kind: "restart"; readonly reason: string }
  /** The first samples could not be had, so nothing is planned. */
  | { readonly kind: "unplanned"; readonly missing: readonly Missing[]; readonly isOver: boolean }
  | JudgedTrial;

export interface JudgedTrial {
  readonly kind: "judged";
  readonly run: Run;
  /** Whether the run goes on from one that the status had. */
  readonly isContinued: boolean;
  readonly rules: EvidenceRules;
  readonly move: Move;
  readonly judgement: Judgement;
  /** Whether hooks and metrics that cannot be compared are asked in this tick: once in an interval. */
  readonly areChecksDue: boolean;
  /** Since the look before. */
  readonly sinceLookMs: number;
  readonly queries: ReadonlyMap<string, string>;
  /** Of a rollback: bad requests of the canary fewer in the last interval with which it would have gone on. */
  readonly spared?: number;
}
