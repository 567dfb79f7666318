import { err, ok, type Result } from "#base";

/** Annotations of a ScaledObject that steer it. Source: keda-hpa-spec 2.1. */
export const annotations = {
  paused: "autoscaling.keda.sh/paused",
  pausedReplicas: "autoscaling.keda.sh/paused-replicas",
  pausedScaleIn: "autoscaling.keda.sh/paused-scale-in",
  pausedScaleOut: "autoscaling.keda.sh/paused-scale-out",
  forceActivation: "autoscaling.keda.sh/force-activation",
  transferHpa: "scaledobject.keda.sh/transfer-hpa-ownership",
  hpaExcludedLabels: "scaledobject.keda.sh/hpa-excluded-labels",
} as const;

/** What the annotations ask for. */
export interface Pause {
  /** Nothing scales, and there is no autoscaler. */
  readonly isPaused: boolean;
  /** The size to be paused at; an error text when it is no number. */
  readonly replicas: Result<number, string> | undefined;
  readonly isScaleInPaused: boolean;
  readonly isScaleOutPaused: boolean;
  /** Counts as active whatever the triggers say. */
  readonly isForcedActive: boolean;
}

const MAX_INT32 = 2 ** 31 - 1;

/** Reads the annotations. `paused-replicas` pauses by being there, also beside `paused: "false"`. */
export function readPause(of: Readonly<Record<string, string>> = {}): Pause {
  const size = of[annotations.pausedReplicas];
  return {
    isPaused: size !== undefined || readFlag(of[annotations.paused]),
    replicas: size === undefined ? undefined : readSize(size),
    isScaleInPaused: readFlag(of[annotations.pausedScaleIn]),
    isScaleOutPaused: readFlag(of[annotations.pausedScaleOut]),
    isForcedActive: readFlag(of[annotations.forceActivation]),
  };
}

/** Only what Go reads as false is false; anything else that is written, nothing at all included, is true. */
function readFlag(text: string | undefined): boolean {
  return text !== undefined && !["0", "f", "F", "false", "FALSE", "False"].includes(text);
}

function readSize(text: string): Result<number, string> {
  const size = /^\+?\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (size <= MAX_INT32) return ok(size);
  return err(`annotation "${annotations.pausedReplicas}" must be a whole number of replicas, received "${text}"`);
}

/**
 * Whether a change of annotations concerns what was read from them. KEDA takes an absent annotation and an empty one for
 * equal here, though an empty one pauses. Source: keda-hpa-spec 4.
 */
export function changesPause(
  before: Readonly<Record<string, string>> = {},
  after: Readonly<Record<string, string>> = {},
): boolean {
  const { paused, pausedReplicas, pausedScaleIn, pausedScaleOut, forceActivation } = annotations;
  return [paused, pausedReplicas, pausedScaleIn, pausedScaleOut, forceActivation].some(
    (key) => before[key] !== after[key],
  );
}
