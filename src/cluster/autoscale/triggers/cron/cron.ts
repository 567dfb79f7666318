import { type CronWindow, isInside, isTimezone, scheduleFault } from "./cron-schedule.ts";
import { externalTargetType } from "../parameters/target-type.ts";
import { mustBePositive } from "../parameters/thresholds.ts";
import type { TriggerConfig } from "../parameters/trigger-config.ts";
import type { ExternalMetricSpec, TriggerKind } from "../trigger.ts";

/** Wants a number of replicas between two times. Source: keda-hpa-spec 15.3. */
export const cron: TriggerKind = {
  types: ["cron"],
  canCache: false,
  build(options, { clock }) {
    const { config } = options;
    const window = windowOf(config, clock.nowMs());
    const replicas = config.number("desiredReplicas", { isRequired: true, isWhole: true });
    mustBePositive(config, "desiredReplicas");
    const metric: ExternalMetricSpec = {
      name: nameOf(window),
      target: 1,
      targetType: externalTargetType(options),
      isWhole: true,
    };
    config.end();
    return Promise.resolve({
      kind: "external",
      metrics: () => Promise.resolve([metric]),
      read() {
        const isActive = isInside(window, clock.nowMs());
        return Promise.resolve({ values: [isActive ? replicas : 0], isActive });
      },
      close: () => Promise.resolve(),
    });
  },
};

function windowOf(config: TriggerConfig, nowMs: number): CronWindow {
  const timezone = config.text("timezone", { isRequired: true });
  const start = config.text("start", { isRequired: true });
  const end = config.text("end", { isRequired: true });
  if (timezone !== "" && !isTimezone(timezone))
    config.mistake(`unable to load timezone "${timezone}": write a name such as Europe/Berlin or UTC`);
  for (const [name, expression] of Object.entries({ start, end })) {
    const fault = expression === "" ? undefined : scheduleFault(expression, nowMs);
    if (fault !== undefined) config.mistake(`error parsing ${name} schedule "${expression}": ${fault}`);
  }
  if (start !== "" && start === end) config.mistake(`start and end are both "${start}": the window has no length`);
  return { start, end, timezone };
}

/** Source: keda-hpa-spec 15.3: spaces dropped, and four characters written out. */
function nameOf({ start, end, timezone }: CronWindow): string {
  const written = [start, end].map((text) =>
    text.replaceAll(/\s/g, "").replaceAll("*", "x").replaceAll("/", "Sl").replaceAll("?", "Qm").replaceAll(",", "Cm"),
  );
  return ["cron", timezone, ...written].join("-");
}
