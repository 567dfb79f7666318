import { expect, test } from "vitest";
import type { Pod } from "#api";
import { type PodAction, type PodEvent, type PodState, planPod, podStatus } from "./index.ts";
import { beginPod, type EarlierRun } from "./begin-pod.ts";
import { LEAVE_MS, nextDueMs, step } from "./step.ts";

const START_MS = Date.parse("2026-01-01T00:00:00Z");

/** Drives `step` as the node does: ticks at the times that it asks for, each action noted with its time. */
class Rehearsal {
  nowMs = START_MS;
  state: PodState;
  readonly log: string[] = [];

  constructor(
    spec: Partial<Pod["spec"]>,
    options: { earlier?: ReadonlyMap<string, EarlierRun>; isOver?: boolean } = {},
  ) {
    const pod: Pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "shop", uid: "u1" },
      spec: { containers: [{ name: "app", image: "app:1" }], ...spec },
    };
    this.state = beginPod(planPod(pod), { nowMs: this.nowMs, ...options });
    this.send({ type: "tick" });
  }

  send(event: PodEvent): this {
    const { state, actions } = step(this.state, event, this.nowMs);
    this.state = state;
    for (const action of actions) this.log.push(`${this.nowMs - START_MS} ${show(action)}`);
    return this;
  }

  /** Lets time pass, ticking when something is due. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    for (let guard = 0; guard < 10_000; guard++) {
      const dueMs = nextDueMs(this.state);
      if (dueMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, dueMs);
      this.send({ type: "tick" });
    }
    this.nowMs = untilMs;
    return this;
  }

  started(container = "app", run = 1): this {
    return this.send({ type: "started", container, run, containerId: `process://${run}` });
  }

  exited(exitCode: number, run: number, container = "app"): this {
    return this.send({ type: "exited", container, run, exitCode });
  }

  probed(probe: "startup" | "liveness" | "readiness", isSuccess: boolean, run = 1): this {
    return this.send({ type: "probed", container: "app", run, probe, isSuccess, output: "no" });
  }

  /** What was noted since the last call, events left out unless asked for. */
  take(withEvents = false): string[] {
    const lines = this.log.splice(0);
    return withEvents ? lines : lines.filter((line) => !/^\d+ event/.test(line));
  }

  status(): ReturnType<typeof podStatus> {
    return podStatus(this.state, {
      podIp: "127.10.1.1",
      hostIp: "127.10.0.1",
      conditions: [],
      readinessGates: [],
      nowMs: this.nowMs,
    });
  }

  condition(type: string): string | undefined {
    return this.status().conditions?.find((condition) => condition.type === type)?.status;
  }
}

function show(action: PodAction): string {
  switch (action.type) {
    case "start":
      return `start ${action.container} run=${action.run}`;
    case "probe":
      return `probe ${action.container} ${action.probe}`;
    case "hook":
      return `hook ${action.container} ${action.hook}`;
    case "signal":
      return `signal ${action.container} ${action.signal}`;
    case "event":
      return `event ${action.eventType} ${action.reason}: ${action.message}`;
    case "finish":
      return "finish";
  }
}

test("step: a pod without probes is ready as soon as it runs", () => {
  const pod = new Rehearsal({});
  expect(pod.take()).toEqual(["0 start app run=1"]);
  expect(pod.status().phase).toBe("Pending");
  expect(pod.status().containerStatuses?.[0]?.state).toEqual({ waiting: { reason: "ContainerCreating" } });
  pod.started();
  expect(pod.take(true)).toEqual([
    '0 event Normal Pulled: Container image "app:1" already present on machine',
    "0 event Normal Created: Created container: app",
    "0 event Normal Started: Started container app",
  ]);
  expect(pod.status().phase).toBe("Running");
  expect(pod.condition("Ready")).toBe("True");
});

test("step: the first restart is immediate, then 10 s doubling to 5 min", () => {
  const pod = new Rehearsal({});
  for (const [index, delayMs] of [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000].entries()) {
    const run = index + 1;
    pod.started("app", run).pass(1000).take();
    const diedMs = pod.nowMs;
    pod.exited(1, run).pass(delayMs);
    expect(pod.take()).toEqual([`${diedMs + delayMs - START_MS} start app run=${run + 1}`]);
  }
});

test("step: the back-off is reported as a kubelet does, and forgotten after ten good minutes", () => {
  const pod = new Rehearsal({}).started().exited(1, 1).started("app", 2).exited(3, 2);
  expect(pod.take(true)).toContain(
    "0 event Warning BackOff: Back-off restarting failed container app in pod web_shop(u1)",
  );
  const [container] = pod.status().containerStatuses ?? [];
  expect(container?.restartCount).toBe(1);
  expect(container?.state?.waiting).toEqual({
    reason: "CrashLoopBackOff",
    message: "back-off 10s restarting failed container=app pod=web_shop(u1)",
  });
  expect(container?.lastState?.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  expect(pod.status().phase).toBe("Running");
  pod.pass(10_000).started("app", 3).pass(600_001).take();
  pod.exited(1, 3);
  expect(pod.take()).toEqual(["610001 start app run=4"]);
});

test("step: restart policies", () => {
  const cases = [
    { restartPolicy: "Always", exitCode: 0, restarts: true, phase: "Running" },
    { restartPolicy: "OnFailure", exitCode: 0, restarts: false, phase: "Succeeded" },
    { restartPolicy: "OnFailure", exitCode: 1, restarts: true, phase: "Running" },
    { restartPolicy: "Never", exitCode: 0, restarts: false, phase: "Succeeded" },
    { restartPolicy: "Never", exitCode: 1, restarts: false, phase: "Failed" },
  ] as const;
  for (const { restartPolicy, exitCode, restarts, phase } of cases) {
    const pod = new Rehearsal({ restartPolicy }).started();
    pod.take();
    pod.exited(exitCode, 1);
    expect({ restartPolicy, exitCode, restarts: pod.take().length > 0, phase: pod.status().phase }).toEqual({
      restartPolicy,
      exitCode,
      restarts,
      phase,
    });
  }
});

test("step: init containers run one after the other, then the others together", () => {
  const pod = new Rehearsal({
    initContainers: [{ name: "i1" }, { name: "i2" }],
    containers: [{ name: "app" }, { name: "side" }],
  });
  expect(pod.take()).toEqual(["0 start i1 run=1"]);
  expect(pod.status().containerStatuses?.[0]?.state?.waiting?.reason).toBe("PodInitializing");
  pod.started("i1").exited(0, 1, "i1");
  expect(pod.take()).toEqual(["0 start i2 run=1"]);
  expect(pod.condition("Initialized")).toBe("False");
  pod.started("i2").exited(0, 1, "i2");
  expect(pod.take()).toEqual(["0 start app run=1", "0 start side run=1"]);
  expect(pod.condition("Initialized")).toBe("True");
  pod.started("app");
  expect(pod.status().phase).toBe("Pending");
  expect(pod.status().conditions?.find(({ type }) => type === "Ready")?.message).toBe(
    "containers with unready status: [side]",
  );
  pod.started("side");
  expect(pod.condition("Ready")).toBe("True");
});

test("step: an init container that fails under Never fails the pod", () => {
  const pod = new Rehearsal({ initContainers: [{ name: "i1" }], restartPolicy: "Never" });
  pod.started("i1").take();
  pod.exited(1, 1, "i1");
  expect(pod.take()).toEqual([]);
  expect(pod.status().phase).toBe("Failed");
});

test("step: readiness is probed early until it passes once, and counted by its period after that", () => {
  const readinessProbe = { periodSeconds: 5, failureThreshold: 2, tcpSocket: { port: 1 } };
  const pod = new Rehearsal({ containers: [{ name: "app", readinessProbe }] });
  pod.take();
  pod.started();
  expect(pod.take()).toEqual(["0 probe app readiness"]);
  pod.probed("readiness", false);
  expect(pod.take(true)).toContain("0 event Warning Unhealthy: Readiness probe failed: no");
  pod.pass(100);
  expect(pod.take()).toEqual(["100 probe app readiness"]);
  pod.probed("readiness", false).pass(200);
  expect(pod.take(true)).toEqual(["300 probe app readiness"]);
  expect(pod.condition("Ready")).toBe("False");
  pod.probed("readiness", true);
  expect(pod.condition("Ready")).toBe("True");
  pod.pass(10_000);
  expect(pod.take()).toEqual(["5000 probe app readiness"]);
  pod.probed("readiness", false);
  expect(pod.condition("Ready")).toBe("True");
  pod.pass(0).probed("readiness", false);
  expect(pod.condition("Ready")).toBe("False");
});

test("step: a liveness probe that fails to its threshold stops the container, which starts again", () => {
  const livenessProbe = { initialDelaySeconds: 5, periodSeconds: 1, failureThreshold: 2, tcpSocket: { port: 1 } };
  const pod = new Rehearsal({ containers: [{ name: "app", livenessProbe }], terminationGracePeriodSeconds: 3 });
  pod.take();
  pod.started().pass(5000);
  expect(pod.take()).toEqual(["5000 probe app liveness"]);
  pod.probed("liveness", false).pass(1000).probed("liveness", false);
  expect(pod.take(true).slice(-3)).toEqual([
    "6000 event Warning Unhealthy: Liveness probe failed: no",
    "6000 event Normal Killing: Container app failed liveness probe, will be restarted",
    "6000 signal app SIGTERM",
  ]);
  pod.pass(3000);
  expect(pod.take()).toEqual(["9000 signal app SIGKILL"]);
  pod.exited(137, 1);
  expect(pod.take()).toEqual(["9000 start app run=2"]);
});

test("step: liveness and readiness wait for the startup probe", () => {
  const probe = { periodSeconds: 1, tcpSocket: { port: 1 } };
  const pod = new Rehearsal({
    containers: [
      { name: "app", startupProbe: { ...probe, failureThreshold: 2 }, livenessProbe: probe, readinessProbe: probe },
    ],
  });
  pod.take();
  pod.started();
  expect(pod.take()).toEqual(["0 probe app startup"]);
  pod.probed("startup", false).pass(1000);
  expect(pod.take()).toEqual(["1000 probe app startup"]);
  expect(pod.status().containerStatuses?.[0]?.started).toBe(false);
  pod.probed("startup", true);
  expect(pod.take()).toEqual(["1000 probe app liveness", "1000 probe app readiness"]);
  expect(pod.status().containerStatuses?.[0]?.started).toBe(true);
});

test("step: deletion lets routers go first, then preStop, SIGTERM, and SIGKILL at the end of the grace period", () => {
  const pod = new Rehearsal({
    containers: [{ name: "app", lifecycle: { preStop: { exec: { command: ["bye"] } } } }],
    terminationGracePeriodSeconds: 10,
  });
  pod.started().take();
  pod.send({ type: "delete", graceMs: 10_000 });
  expect(pod.take(true)).toEqual(["0 event Normal Killing: Stopping container app"]);
  pod.pass(LEAVE_MS);
  expect(pod.take()).toEqual([`${LEAVE_MS} hook app preStop`]);
  pod.pass(750).send({ type: "hook-ended", container: "app", run: 1, hook: "preStop", problem: undefined });
  expect(pod.take()).toEqual(["1000 signal app SIGTERM"]);
  pod.pass(9000);
  expect(pod.take()).toEqual(["10000 signal app SIGKILL"]);
  pod.exited(137, 1);
  expect(pod.take()).toEqual(["10000 finish"]);
  expect(pod.pass(60_000).take()).toEqual([]);
});

test("step: a preStop hook that takes the whole grace period leaves two seconds for SIGTERM", () => {
  const lifecycle = { preStop: { exec: { command: ["bye"] } } };
  const pod = new Rehearsal({ containers: [{ name: "app", lifecycle }] }).started();
  pod.take();
  pod.send({ type: "delete", graceMs: 5000 }).pass(10_000);
  expect(pod.take()).toEqual([`${LEAVE_MS} hook app preStop`, "5000 signal app SIGTERM", "7000 signal app SIGKILL"]);
});

test("step: a grace period of zero kills at once, and a second deletion shortens the first", () => {
  const forced = new Rehearsal({}).started();
  forced.take();
  expect(forced.send({ type: "delete", graceMs: 0 }).take()).toEqual(["0 signal app SIGKILL"]);

  const shortened = new Rehearsal({}).started();
  shortened.take();
  shortened.send({ type: "delete", graceMs: 30_000 }).pass(1000).send({ type: "delete", graceMs: 1000 }).pass(5000);
  expect(shortened.take()).toEqual([`${LEAVE_MS} signal app SIGTERM`, "2000 signal app SIGKILL"]);
});

test("step: deletion while a container starts stops it when it has started; nothing starts afterwards", () => {
  const pod = new Rehearsal({});
  pod.take();
  expect(pod.send({ type: "delete", graceMs: 1000 }).take()).toEqual([]);
  pod.started().pass(LEAVE_MS);
  expect(pod.take()).toEqual([`${LEAVE_MS} signal app SIGTERM`]);
  expect(pod.exited(1, 1).take()).toEqual([`${LEAVE_MS} finish`]);

  const refused = new Rehearsal({});
  refused.send({ type: "delete", graceMs: 1000 }).take();
  refused.send({ type: "refused", container: "app", run: 1, reason: "ContainerCreating", message: "stopped" });
  expect(refused.take()).toEqual(["0 finish"]);
});

test("step: an image that is unknown is ErrImagePull, then ImagePullBackOff, and is tried again", () => {
  const pod = new Rehearsal({});
  pod.take();
  pod.send({ type: "refused", container: "app", run: 1, reason: "ErrImagePull", message: "no program" });
  expect(pod.take(true)).toEqual([
    '0 event Warning Failed: Failed to pull image "app:1": no program',
    "0 event Warning Failed: Error: ErrImagePull",
  ]);
  expect(pod.status().containerStatuses?.[0]?.state?.waiting).toEqual({
    reason: "ErrImagePull",
    message: "no program",
  });
  pod.pass(1000);
  expect(pod.status().containerStatuses?.[0]?.state?.waiting?.reason).toBe("ImagePullBackOff");
  pod.pass(10_000);
  expect(pod.take()).toEqual(["11000 start app run=2"]);
  expect(pod.status().phase).toBe("Pending");
});

test("step: a missing reference is CreateContainerConfigError, told once, and tried again", () => {
  const pod = new Rehearsal({});
  for (const run of [1, 2, 3]) {
    const message = 'configmap "c" not found';
    pod.send({ type: "refused", container: "app", run, reason: "CreateContainerConfigError", message }).pass(2000);
  }
  expect(pod.take(true).filter((line) => line.includes("event"))).toEqual([
    '0 event Warning Failed: Error: configmap "c" not found',
  ]);
  expect(pod.status().containerStatuses?.[0]?.state?.waiting?.reason).toBe("CreateContainerConfigError");
  expect(pod.started("app", 4).status().containerStatuses?.[0]?.restartCount).toBe(0);
});

test("step: a program that cannot be executed ends with code 128 and StartError", () => {
  const pod = new Rehearsal({ restartPolicy: "Never" });
  pod.send({ type: "failed-to-start", container: "app", run: 1, message: 'exec: "x": not found' });
  expect(pod.status().phase).toBe("Failed");
  expect(pod.status().containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 128, reason: "StartError" });
});

test("step: a postStart hook holds probes back; when it fails the container is stopped", () => {
  const container = {
    name: "app",
    lifecycle: { postStart: { exec: { command: ["hi"] } } },
    readinessProbe: { tcpSocket: { port: 1 } },
  };
  const hooked = new Rehearsal({ containers: [container] });
  hooked.take();
  expect(hooked.started().take()).toEqual(["0 hook app postStart"]);
  hooked.send({ type: "hook-ended", container: "app", run: 1, hook: "postStart", problem: undefined });
  expect(hooked.take()).toEqual(["0 probe app readiness"]);

  const failed = new Rehearsal({ containers: [container] }).started();
  failed.take();
  failed.send({ type: "hook-ended", container: "app", run: 1, hook: "postStart", problem: "exit 1" });
  expect(failed.take(true)).toEqual([
    "0 event Warning FailedPostStartHook: PostStartHook failed: exit 1",
    "0 event Normal Killing: FailedPostStartHook: stopping container app",
    "0 signal app SIGTERM",
  ]);
});

test("step: reports of an earlier run change nothing", () => {
  const pod = new Rehearsal({}).started().exited(1, 1).started("app", 2);
  const before = pod.state;
  pod.exited(1, 1).probed("liveness", false, 1).started("app", 1);
  expect(pod.state).toEqual(before);
});

test("beginPod: a pod of an earlier life goes on with its count and its last state", () => {
  const last = {
    type: "ended",
    exitCode: 137,
    reason: "Error",
    message: undefined,
    startedMs: START_MS - 1000,
    finishedMs: START_MS,
    containerId: undefined,
  } as const;
  const earlier = new Map([["app", { restartCount: 2, last }]]);
  const pod = new Rehearsal({}, { earlier }).started();
  expect(pod.status().containerStatuses?.[0]).toMatchObject({
    restartCount: 3,
    lastState: { terminated: { exitCode: 137 } },
  });
  const killed = new Rehearsal({ restartPolicy: "Never" }, { earlier });
  expect(killed.take()).toEqual([]);
  expect(killed.status().phase).toBe("Failed");
  const completed = new Map([["app", { restartCount: 0, last: { ...last, exitCode: 0, reason: "Completed" } }]]);
  expect(new Rehearsal({ restartPolicy: "OnFailure" }, { earlier: completed }).status().phase).toBe("Succeeded");
  expect(new Rehearsal({ restartPolicy: "OnFailure" }, { earlier }).take()).toEqual(["0 start app run=1"]);
  const over = new Rehearsal({ restartPolicy: "Never" }, { earlier, isOver: true });
  expect(over.take()).toEqual([]);
  expect(over.status().phase).toBe("Failed");
  expect(over.send({ type: "delete", graceMs: 0 }).take()).toEqual(["0 finish"]);
});
