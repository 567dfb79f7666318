import { type Canary, type CanaryStatus, keyOf, splitKey } from "#api";
import { deepEqual } from "#base";
import { ApiFailure, type ReconcileOutcome } from "#kube";
import { type Answer, type Decision, decide, MAX_ROUNDS, namesOf } from "#rollout";
import { type Announcements, createAnnouncements } from "./announcements.ts";
import type { OperatorContext } from "./operator-context.ts";
import { perform } from "./perform.ts";
import type { Identity, Span } from "./telemetry/index.ts";
import { answerAll, observe, read, type Snapshot } from "./reconcilers/index.ts";

/** Shortest pause between two looks at a Canary that asks for another at once. */
const MIN_REQUEUE_MS = 10;

const STATUS_ATTEMPT_COUNT = 3;

/** What this process remembers of the Canaries; all of it may be lost without harm. */
export interface CanaryMemory {
  readonly lastTickMs: Map<string, number>;
  /** Under which names a Canary's figures are published, to take them back when it is gone. */
  readonly identities: Map<string, Identity>;
  readonly announcements: Announcements;
}

export function createCanaryMemory(): CanaryMemory {
  return { lastTickMs: new Map(), identities: new Map(), announcements: createAnnouncements() };
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
  const { tracer } = context;
  const snapshot = tracer.span("read", {}, () => read(key, context));
  if (snapshot === undefined) return forget(key, memory, context);
  memory.identities.set(key, { name: snapshot.names.target, namespace: snapshot.names.namespace });
  const startedMs = context.clock.nowMs();
  const decision = await observeAndDecide(key, snapshot, { memory, context });
  if (context.signal.aborted) return {};
  const { announcements } = memory;
  const { phase, canaryWeight } = decision.status;
  context.span.set({ phase, label: decision.label, weight: canaryWeight });
  await tracer.span("perform", {}, () => perform(decision.commands, { snapshot, announcements, phase }, context));
  await tracer.span("record", {}, () => record(decision, snapshot.canary, context));
  return next(key, decision, { memory, context, startedMs });
}

/** Observes and decides, asking hooks and metrics in between for as long as the decision needs their answers. */
async function observeAndDecide(
  key: string,
  snapshot: Snapshot,
  { memory, context }: { memory: CanaryMemory; context: OperatorContext },
): Promise<Decision> {
  const { minIntervalMs } = context.settings;
  const nowMs = context.clock.nowMs();
  const answers = new Map<string, Answer>();
  const lastTickMs = memory.lastTickMs.get(key);
  let decision: Decision;
  let rounds = 0;
  do {
    const observation = observe(snapshot, context, { lastTickMs, answers });
    decision = context.tracer.span("decide", {}, () => decide(snapshot.canary, observation, { nowMs, minIntervalMs }));
    const { questions } = decision;
    if (questions.length === 0) break;
    const asked = () => answerAll(questions, snapshot.canary, context);
    for (const [id, answer] of await context.tracer.span("observe", {}, asked)) answers.set(id, answer);
    rounds += 1;
  } while (decision.questions.length > 0 && rounds < MAX_ROUNDS && !context.signal.aborted);
  return decision;
}

async function record(decision: Decision, canary: Canary, context: OperatorContext): Promise<void> {
  const { status, label, explanation } = decision;
  const { target: name, namespace, canaryRef } = namesOf(canary);
  if (!deepEqual(status, canary.status)) {
    await writeStatus(canary, status, context);
    context.log.info("decided", { canary: canaryRef, label, why: explanation.sentence, phase: status.phase });
  } else context.log.debug("decided", { canary: canaryRef, label, why: explanation.sentence });
  context.metrics.observe({ name, namespace, phase: status.phase, canaryWeight: status.canaryWeight });
}

/**
 * Writes the status. What was decided has been done by now, so a writer of anything else that came in between must not
 * make it be decided again, hooks and all; a writer of the status must.
 */
async function writeStatus(canary: Canary, status: CanaryStatus, { views }: OperatorContext): Promise<void> {
  let current = canary;
  for (let attempt = 1; ; attempt++) {
    try {
      await views.canaries.update({ ...current, status }, "status");
      return;
    } catch (thrown) {
      const isConflict = thrown instanceof ApiFailure && thrown.httpStatus === 409;
      const fresh = views.canaries.get(splitKey(keyOf(canary)));
      const isMine = fresh?.metadata.uid === canary.metadata.uid && deepEqual(fresh?.status, canary.status);
      if (!isConflict || fresh === undefined || !isMine || attempt >= STATUS_ATTEMPT_COUNT) throw thrown;
      current = fresh;
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

function forget(key: string, memory: CanaryMemory, { metrics }: OperatorContext): ReconcileOutcome {
  const identity = memory.identities.get(key);
  if (identity !== undefined) metrics.forget(identity);
  memory.identities.delete(key);
  memory.lastTickMs.delete(key);
  memory.announcements.forget(key);
  return {};
}
