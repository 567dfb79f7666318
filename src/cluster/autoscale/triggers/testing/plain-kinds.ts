import { err, ok } from "#base";
import type { CompileFormula } from "../../reconcile-scaled-object.ts";
import type { TriggerKind } from "../trigger.ts";

/** A trigger that the autoscaler reads itself. */
export const cpuKind: TriggerKind = {
  types: ["test-cpu"],
  canCache: false,
  build: async () => ({
    kind: "resource",
    metric: { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } },
    close: async () => undefined,
  }),
};

/** One whose metrics have one name. */
export const twiceKind: TriggerKind = {
  types: ["test-twice"],
  canCache: true,
  async build() {
    const spec = { target: 1, targetType: "Value", isWhole: true } as const;
    return {
      kind: "external",
      metrics: async () => [
        { ...spec, name: "same" },
        { ...spec, name: "same" },
      ],
      read: async () => ({ values: [1], isActive: true }),
      close: async () => undefined,
    };
  },
};

/** Formulas of sums: `a + b`. */
export const compileSum: CompileFormula = (text, names) => {
  const parts = text.split("+").map((part) => part.trim());
  const unknown = parts.find((part) => !names.includes(part));
  if (unknown !== undefined) return err(`unknown name ${unknown}`);
  return ok({
    evaluate: (values) => ok(parts.reduce((sum, part) => sum + (values[part] ?? 0), 0)),
  });
};
