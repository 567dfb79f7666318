import { type Canary, type CanaryStatus, keyOf, splitKey } from "#api";
import { deepEqual, formatProblem, type Problem } from "#base";
import { ApiFailure, type ReconcileOutcome } from "#kube";
import {
  type Answer,
  type Command,
  type Decision,
  decide,
  isTold,
  MAX_ROUNDS,
  namesOf,
  type Observation,
  STALLED,
  withoutCondition,
} from "#rollout";
import { type Announcements, createAnnouncements } from "./announcements.ts";
import {
  createFloorMemory,
  createMarkIndex,
  createPodTimes,
  type FloorMemory,
  type MarkIndex,
  type PodTimes,
} from "./capacity/index.ts";
import type { OperatorContext } from "./operator-context.ts";
import { perform } from "./perform.ts";
import {
  accepted,
  answerAll,
  capacityResources,
  type Findings,
  findingsOf,
  floorInForce,
  observe,
  read,
  refusalsOf,
  refused,
  type Snapshot,
} from "./reconcilers/index.ts";
import {
  forgetRefusals,
  isFloorRefused,
  nudgeReplicas,
  returnStrayFloors,
  sweepCanary,
  sweepNamespace,
} from "./performers/index.ts";
import type { CopyFigures, Identity, Span } from "./telemetry/index.ts";
import { createStalls, type Stalls } from "./stalls.ts";
import { RECHECK_MS } from "./views/index.ts";

/** Shortest pause between two looks at a Canary that asks for another at once. */
const MIN_REQUEUE_MS = 10;

const STATUS_ATTEMPT_COUNT = 3;

/** What this process remembers of the Canaries; all of it may be lost without harm. */
export interface CanaryMemory {
  readonly lastTickMs: Map<string, number>;
  /** Which object a Canary is, and under which names its figures are published, to take them back when it is gone. */
  readonly identities: Map<string, Identity & { readonly uid: string | undefined }>;
  readonly announcements: Announcements;
  readonly stalls: Stalls;
  readonly podTimes: PodTimes;
  readonly floors: FloorMemory;
  readonly marks: MarkIndex;
}

export function createCanaryMemory(): CanaryMemory {
  return {
    lastTickMs: new Map(),
    identities: new Map(),
    announcements: createAnnouncements(),
    stalls: createStalls(),
    podTimes: createPodTimes(),
    floors: createFloorMemory(),
    marks: createMarkIndex(),
  };
}

/** Brings one Canary a step further: read → observe → decide → perform → record. */
export function reconcileCanary(
  key: string,
  memory: CanaryMemory,
  context: OperatorContext,
): Promise<ReconcileOutcome> {
  return context.tracer.span("reconcile", { canary: key }, (span) =>
    reconcileTraced(key, memory, { ...context, span }),
  );
}

async function reconcileTraced(
  key: string,
  memory: CanaryMemory,
  context: OperatorContext & { readonly span: Span },
): Promise<ReconcileOutcome> {
  const canary = context.views.canaries.get(splitKey(key));
  const known = memory.identities.get(key);
  // One that was deleted and made anew between two looks is another: nothing of the first is left to it.
  const isGone = canary === undefined || (known !== undefined && known.uid !== canary.metadata.uid);
  const forgotten = isGone ? await forget(key, memory, context) : {};
  if (canary === undefined) return forgotten;
  const isSwept = await sweepCanary(canary, memory.marks, context);
  const outcome = await workOn(key, canary, { memory, context });
  return isSwept && forgotten.requeueAfterMs === undefined ? outcome : triedAgain(outcome);
}

async function workOn(
  key: string,
  canary: Canary,
  { memory, context }: { readonly memory: CanaryMemory; readonly context: OperatorContext & { readonly span: Span } },
): Promise<ReconcileOutcome> {
  const { tracer } = context;
  // What a Canary needs is opened first, so that what is read is all there is.
  await context.views.further.offer(capacityResources(canary));
  const refusals = await refusalsOf(canary, context);
  const snapshot = tracer.span("read", {}, () => read(key, context));
  if (snapshot === undefined) return forget(key, memory, context);
  if (refusals.length > 0) {
    const outcome = await refuse(refusals, snapshot, { memory, context });
    if (outcome !== undefined) return outcome;
  }
  identify(key, snapshot, { memory, context });
  const startedMs = context.clock.nowMs();
  const { decision, problems } = await observeAndDecide(key, snapshot, { memory, context });
  if (context.signal.aborted) return {};
  const findings = findingsOf(snapshot, { label: decision.label, problems, floors: memory.floors }, context);
  const told = [...findings.blocking, ...findings.mild].filter((problem) => !isTold(snapshot.canary, problem));
  const commands = [
    ...(keepsTwin(decision, snapshot) ? [{ kind: "ensure-scaler", mode: "sync" } as const] : []),
    ...decision.commands,
    ...told.map((problem) => standing(formatProblem(problem))),
    ...findings.advice.map(note),
  ];
  const { announcements, floors } = memory;
  const { phase, canaryWeight } = decision.status;
  context.span.set({ phase, label: decision.label, weight: canaryWeight });
  await tracer.span("perform", {}, () => perform(commands, { snapshot, announcements, floors, phase }, context));
  forgetRefusals(commands, { snapshot, floors });
  await returnStrayFloors(decision.status, { snapshot, floors }, context);
  await nudgeReplicas({ snapshot, floors }, context);
  await tracer.span("record", {}, () => record(decision, { snapshot, findings }, context));
  const outcome = next(key, decision, { memory, context, startedMs });
  return isFloorRefused({ snapshot, floors }) ? triedAgain(outcome) : outcome;
}

/** Looked at again before long for the sake of a write that was refused and that nothing else waits for. */
function triedAgain({ requeueAfterMs = RECHECK_MS }: ReconcileOutcome): ReconcileOutcome {
  return { requeueAfterMs: Math.min(requeueAfterMs, RECHECK_MS) };
}

/** Figures of a Canary that names another target now are those of the other one. */
function identify(
  key: string,
  { canary, names: { target: name, namespace } }: Snapshot,
  { memory, context }: { memory: CanaryMemory; context: OperatorContext },
): void {
  const known = memory.identities.get(key);
  const { uid } = canary.metadata;
  // Made anew while it was looked at: the next look lets go of the first.
  if (known !== undefined && known.uid !== uid) return;
  if (known !== undefined && known.name !== name) context.metrics.forget(known);
  memory.identities.set(key, { name, namespace, uid });
}

/** Observes and decides, asking hooks and metrics in between for as long as the decision needs their answers. */
async function observeAndDecide(
  key: string,
  snapshot: Snapshot,
  { memory, context }: { memory: CanaryMemory; context: OperatorContext },
): Promise<{ readonly decision: Decision; readonly problems: readonly Problem[] }> {
  const { minIntervalMs, meshProvider: defaultProvider, forbidsForeignNamespaces } = context.settings;
  const limits = { minIntervalMs, defaultProvider, forbidsForeignNamespaces };
  const nowMs = context.clock.nowMs();
  const answers = new Map<string, Answer>();
  const lastTickMs = memory.lastTickMs.get(key);
  const podTimes = memory.podTimes.see(key, sightsOf(snapshot), nowMs);
  let decision: Decision;
  let observation: Observation;
  let rounds = 0;
  do {
    const observed = observe(snapshot, { lastTickMs, answers, podTimes });
    observation = observed;
    decision = context.tracer.span("decide", {}, () => decide(snapshot.canary, observed, { nowMs, ...limits }));
    const { questions } = decision;
    if (questions.length === 0) break;
    const asked = () => answerAll(questions, snapshot.canary, context);
    for (const [id, answer] of await context.tracer.span("observe", {}, asked)) answers.set(id, answer);
    rounds += 1;
  } while (decision.questions.length > 0 && rounds < MAX_ROUNDS && !context.signal.aborted);
  return { decision, problems: observation.problems };
}

function sightsOf({ workload, capacity }: Snapshot): Parameters<PodTimes["see"]>[1] {
  const [primary, canary] = [workload?.observePrimary(), workload?.observeTarget()];
  return {
    primary: primary && { ...primary, addresses: capacity.endpoints.primary },
    canary: canary && { ...canary, addresses: capacity.endpoints.canary },
  };
}

/**
 * Tells a Canary why it is not worked on. Undefined when it is being deleted and may give back what it had: a duplicate
 * has nothing, and only lets go.
 */
async function refuse(
  problems: readonly Problem[],
  snapshot: Snapshot,
  { memory, context }: { memory: CanaryMemory; context: OperatorContext },
): Promise<ReconcileOutcome | undefined> {
  const { canary } = snapshot;
  const { announcements, floors } = memory;
  const status = withoutCondition(refused(canary, problems, context.clock.nowMs()), STALLED);
  const options = { snapshot, announcements, floors, phase: status.phase };
  if (canary.metadata.deletionTimestamp !== undefined) {
    if (!problems.some(({ code }) => code === "duplicate-target")) return undefined;
    await perform([{ kind: "remove-finalizer" }], options, context);
    return {};
  }
  const told = problems.filter((problem) => !isTold(canary, problem));
  const events = told.map((problem) => standing(`Cannot run the canary: ${formatProblem(problem)}`));
  await perform(events, options, context);
  if (!deepEqual(status, canary.status)) await writeStatus(canary, status, context);
  return problems.some(({ code }) => code === "not-served") ? { requeueAfterMs: RECHECK_MS } : {};
}

/** What keeps a release from going on says nothing against the primary's autoscaler, which serves meanwhile. */
function keepsTwin({ label }: Decision, { scaler }: Snapshot): boolean {
  return label === "blocked" && scaler?.primary !== undefined;
}

function note(problem: Problem): Command {
  return { kind: "event", type: "Normal", message: formatProblem(problem), isStanding: false };
}

function standing(message: string): Command {
  return { kind: "event", type: "Warning", message, isStanding: true };
}

async function record(
  decision: Decision,
  of: { readonly snapshot: Snapshot; readonly findings: Findings },
  context: OperatorContext,
): Promise<void> {
  const { label, explanation, commands } = decision;
  const { canary } = of.snapshot;
  const { target: name, namespace, canaryRef } = namesOf(canary);
  // Whatever was refused before went through.
  const status = accepted(withoutCondition(decision.status, STALLED), {
    canary,
    findings: of.findings,
    nowMs: context.clock.nowMs(),
  });
  const isGone = commands.some(({ kind }) => kind === "remove-finalizer");
  if (!isGone && !deepEqual(status, canary.status)) {
    await writeStatus(canary, status, context);
    context.log.info("decided", { canary: canaryRef, label, why: explanation.sentence, phase: status.phase });
  } else context.log.debug("decided", { canary: canaryRef, label, why: explanation.sentence });
  const { phase, canaryWeight } = status;
  const capacity = {
    primary: figuresOf("primary", status, of.snapshot),
    canary: figuresOf("canary", status, of.snapshot),
  };
  context.metrics.observe({ name, namespace, phase, canaryWeight, capacity });
  context.metrics.decided({ name, namespace }, decision);
  context.runs.note(canary, decision);
}

function figuresOf(copy: "primary" | "canary", { capacity }: CanaryStatus, snapshot: Snapshot): CopyFigures {
  return { ready: capacity?.[copy]?.ready, need: capacity?.[copy]?.need, floor: floorInForce(copy, snapshot) };
}

/**
 * Writes the status. What was decided has been done by now, so a writer of anything else that came in between must not
 * make it be decided again, hooks and all; a writer of the status must.
 */
export async function writeStatus(canary: Canary, status: CanaryStatus, { views }: OperatorContext): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const fresh = views.canaries.get(splitKey(keyOf(canary)));
    const isMine = fresh?.metadata.uid === canary.metadata.uid && deepEqual(fresh?.status, canary.status);
    try {
      await views.canaries.update({ ...(isMine && fresh !== undefined ? fresh : canary), status }, "status");
      return;
    } catch (thrown) {
      const isConflict = thrown instanceof ApiFailure && thrown.httpStatus === 409;
      const now = views.canaries.get(splitKey(keyOf(canary)));
      const isStillMine = now?.metadata.uid === canary.metadata.uid && deepEqual(now?.status, canary.status);
      if (!isConflict || !isStillMine || attempt >= STATUS_ATTEMPT_COUNT) throw thrown;
    }
  }
}

function next(
  key: string,
  decision: Decision,
  { memory, context, startedMs }: { memory: CanaryMemory; context: OperatorContext; startedMs: number },
): ReconcileOutcome {
  const nowMs = context.clock.nowMs();
  if (decision.isTick) {
    memory.lastTickMs.set(key, startedMs);
    const identity = memory.identities.get(key);
    if (identity !== undefined) context.metrics.ticked(identity, (nowMs - startedMs) / 1000);
  }
  if (decision.wakeAtMs === undefined) return {};
  return { requeueAfterMs: Math.max(MIN_REQUEUE_MS, decision.wakeAtMs - nowMs) };
}

/** Lets go of a Canary that is gone, and of what it held; also called with the key of a namespace, which names none, to sweep it. */
async function forget(key: string, memory: CanaryMemory, context: OperatorContext): Promise<ReconcileOutcome> {
  const { metrics, runs } = context;
  const identity = memory.identities.get(key);
  if (identity !== undefined) metrics.forget(identity);
  memory.identities.delete(key);
  memory.lastTickMs.delete(key);
  memory.announcements.forget(key);
  memory.podTimes.forget(key);
  memory.floors.forget(key);
  memory.stalls.forget(key);
  runs.forget(key);
  const isSwept = await sweepNamespace(splitKey(key).namespace, memory.marks, context);
  return isSwept ? {} : { requeueAfterMs: RECHECK_MS };
}
