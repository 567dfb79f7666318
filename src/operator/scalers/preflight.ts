import type { Problem } from "#base";
import { pauseOf } from "./pauses.ts";
import { type Finding, pathOf, type PreflightFacts, type ScalerFindings } from "./preflight-facts.ts";
import { containerFindings, envFindings } from "./preflight-template.ts";
import { selectorFindings } from "./preflight-selectors.ts";
import { metricFindings, triggerFindings } from "./preflight-triggers.ts";

/** Looks at the autoscalers of both copies, at the template that is to be released, and at who else is there. Pure. */
export function preflight(facts: PreflightFacts): ScalerFindings {
  const found = [...foreignFindings(facts), ...(facts.scaler?.source === undefined ? [] : ownFindings(facts))];
  const ofLevel = (level: Finding["level"]): Problem[] =>
    found.filter((finding) => finding.level === level).map(({ problem }) => problem);
  return { blocking: ofLevel("blocking"), mild: ofLevel("mild"), advice: ofLevel("advice") };
}

function ownFindings(facts: PreflightFacts): Finding[] {
  return [
    ...pauseFindings(facts),
    ...leavingFindings(facts),
    ...versionFindings(facts),
    ...selectorFindings(facts),
    ...containerFindings(facts),
    ...envFindings(facts),
    ...triggerFindings(facts),
    ...metricFindings(facts),
  ];
}

/** Two autoscalers on one workload undo each other's work, and KEDA refuses the second. Source: keda-hpa-spec 20.6, 20.19. */
function foreignFindings({ others, names }: PreflightFacts): Finding[] {
  return others.foreign.map(({ kind, name, scales }) => ({
    level: "blocking",
    problem: {
      path: "spec.autoscalerRef",
      code: "foreign-scaler",
      message: `the ${kind} "${names.namespace}/${name}" works on "${scales}", which is the Canary's to scale`,
      fix:
        scales === names.primary
          ? "delete it: the primary gets a twin of the autoscaler that autoscalerRef names"
          : "name it in spec.autoscalerRef, or delete it",
    },
  }));
}

/** A pause that a person made is theirs to end. Source: keda-hpa-spec 20.12. */
function pauseFindings({ scaler, names }: PreflightFacts): Finding[] {
  const { source, primary } = scaler ?? {};
  return [source, primary].flatMap((object) => {
    const pause = object === undefined || object.kind !== "ScaledObject" ? undefined : pauseOf(object);
    if (object === undefined || pause?.kind !== "foreign") return [];
    return [
      {
        level: "blocking",
        problem: {
          path: `${pathOf(object)} metadata.annotations[${pause.annotation}]`,
          code: "scaler-paused",
          message: `is "${pause.value}": somebody has paused it, and releases of "${names.target}" wait`,
          fix: "remove the annotation when the pause is over",
        },
      },
    ];
  });
}

/** An old twin that does not go keeps KEDA from taking the new one. */
function leavingFindings({ others, scaler }: PreflightFacts): Finding[] {
  if (scaler?.primary !== undefined) return [];
  return others.orphans
    .filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    .map((object) => ({
      level: "mild",
      problem: {
        path: pathOf(object),
        code: "scaler-leaving",
        message: "is being deleted, and the primary has no autoscaler until it is gone",
        fix: "look for what holds it in metadata.finalizers: KEDA's operator must be running",
      },
    }));
}

/** First versions of KEDA that do what is asked of it. Source: keda-hpa-spec 2.1, 8. */
const PAUSES_AT_ZERO = 11;
const FORCES_ACTIVATION = 18;

/** An older KEDA does not do all that is asked of it. Source: keda-hpa-spec 20.2, 20.15. */
function versionFindings({ scaler, kedaVersion, names }: PreflightFacts): Finding[] {
  const source = scaler?.source;
  const minor = Number(/^2\.(\d+)\b/.exec(kedaVersion ?? "")?.[1] ?? Number.NaN);
  if (source?.kind !== "ScaledObject" || Number.isNaN(minor)) return [];
  const problem = (message: string, fix: string): Finding => ({
    level: "mild",
    problem: { path: pathOf(source), code: "keda-version", message, fix },
  });
  if (minor < PAUSES_AT_ZERO)
    return [
      problem(`KEDA ${kedaVersion} keeps a pod of "${names.target}" while it rests`, "install KEDA 2.11 or later"),
    ];
  if (minor >= FORCES_ACTIVATION || scaler?.maySleep !== true) return [];
  const message = `KEDA ${kedaVersion} may take the pods of "${names.target}" away before it gets traffic`;
  return [problem(message, "set minReplicaCount to 1 and leave idleReplicaCount out, or install KEDA 2.18 or later")];
}
