import type { SetOperator, VectorMatching } from "./ast.ts";
import type { Operands } from "./binary-operands.ts";
import { type GridSeries, joinSeries } from "./evaluation.ts";
import { matchLabels } from "./match-key.ts";

/** Evaluates `and`, `or` and `unless`, which match many to many and keep elements as they are. */
export function applySetOperator(
  op: SetOperator,
  matching: VectorMatching,
  { left, right }: Operands,
): readonly GridSeries[] {
  switch (op) {
    case "and":
      return restrict(left, presenceByKey(right, matching), { matching, keepsMatched: true });
    case "unless":
      return restrict(left, presenceByKey(right, matching), { matching, keepsMatched: false });
    case "or": {
      const onlyRight = restrict(right, presenceByKey(left, matching), { matching, keepsMatched: false });
      return joinSeries([...left, ...onlyRight]);
    }
  }
}

/** For each match key the steps at which any element has it. */
function presenceByKey(vector: readonly GridSeries[], matching: VectorMatching): ReadonlyMap<string, Uint8Array> {
  const byKey = new Map<string, Uint8Array>();
  for (const { labels, present } of vector) {
    const { key } = matchLabels(labels, matching);
    const steps = byKey.get(key) ?? new Uint8Array(present.length);
    present.forEach((isPresent, step) => {
      if (isPresent === 1) steps[step] = 1;
    });
    byKey.set(key, steps);
  }
  return byKey;
}

interface Restriction {
  readonly matching: VectorMatching;
  readonly keepsMatched: boolean;
}

function restrict(
  vector: readonly GridSeries[],
  others: ReadonlyMap<string, Uint8Array>,
  { matching, keepsMatched }: Restriction,
): readonly GridSeries[] {
  return joinSeries(
    vector.map((series) => {
      const steps = others.get(matchLabels(series.labels, matching).key);
      const present = series.present.map((isPresent, step) =>
        isPresent === 1 && (steps?.[step] === 1) === keepsMatched ? 1 : 0,
      );
      return { ...series, present };
    }),
  );
}
