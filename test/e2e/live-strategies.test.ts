import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DaemonSet, type Deployment, resources, type Service, type VirtualService } from "#api";
import { applyObjects } from "../../src/cli/demo/apply.ts";
import { APP, fastWorkload, NEW_IMAGE, OLD_IMAGE } from "./fast-app.ts";
import { failuresOf, isFromPrimary, openStage, runsOf, type Stage } from "./stage.ts";
import { visitOnce } from "./visitor.ts";

/**
 * Every strategy of the Canary API on one `serin up`, with real pods and real traffic. Each test has an app in a namespace of
 * its own, and they run side by side.
 */

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const OLD = "6.4.0";
const NEW = "6.4.1";
const ONLY_ERRORS = [{ name: "request-success-rate", interval: "10s", thresholdRange: { min: 99 } }];
const PROMOTED = { severity: "info", message: "Canary analysis completed successfully, promotion finished." };

describe.concurrent("strategies on serin up", () => {
  test("A/B: who has the header or the cookie meets the new version, others never", async () => {
    const match = [
      { headers: { "x-beta": { exact: "1" } } },
      { headers: { cookie: { regex: "^(.*?;\\s*)?(beta=always)(;.*)?$" } } },
    ];
    const app = stage.app("ab", { analysis: { iterations: 4, match } });
    await app.install();
    const plain = app.visitor();
    const other = app.visitor({ headers: { "x-beta": "0", cookie: "beta=never" } });
    const header = app.visitor({ headers: { "x-beta": "1" } });
    const cookie = app.visitor({ headers: { cookie: "a=b; beta=always" } });
    await app.release();
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    expect(failuresOf(await app.leave())).toEqual([]);
    for (const visits of [plain.visits, other.visits]) {
      expect(visits.every(isFromPrimary)).toBe(true);
      // While the primary is updated, pods of both revisions answer.
      expect([visits[0]?.version, visits.at(-1)?.version]).toEqual([OLD, NEW]);
    }
    for (const { visits } of [header, cookie]) {
      const copies = runsOf(visits.map((visit) => (isFromPrimary(visit) ? "primary" : "canary")));
      expect(copies).toEqual(["primary", "canary", "primary"]);
    }
    expect(await app.terminalAlert()).toMatchObject(PROMOTED);
  });

  test("blue/green: all traffic moves at once, and nobody sees an error", async () => {
    const app = stage.app("blue-green", { analysis: { iterations: 3 } });
    await app.install();
    const visitors = [app.visitor(), app.visitor(), app.visitor()];
    await app.release();
    await app.waitForPhase("Progressing");
    // Nobody else meets the canary before the cutover.
    const tester = app.visitor(await app.atService(`${APP}-canary`));
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    await app.leave();
    for (const { visits } of visitors) {
      expect(failuresOf(visits)).toEqual([]);
      const copies = visits.map((visit) => `${isFromPrimary(visit) ? "primary" : "canary"} ${visit.version}`);
      expect(runsOf(copies)).toEqual([`primary ${OLD}`, `canary ${NEW}`, `primary ${NEW}`]);
    }
    expect(tester.visits.some(({ version }) => version === NEW)).toBe(true);
    expect(await app.terminalAlert()).toMatchObject(PROMOTED);
  });

  test("blue/green with mirroring: copies of the requests find the fault, and no client sees an answer to them", async () => {
    const app = stage.app("bg-mirror", {
      analysis: { iterations: 20, mirror: true, threshold: 4, metrics: ONLY_ERRORS },
    });
    await app.install();
    app.visitor();
    app.visitor();
    await app.release({ fault: "errors=100%" });
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Failed");
    const visits = await app.leave();
    expect(failuresOf(visits)).toEqual([]);
    expect(visits.every((visit) => isFromPrimary(visit) && visit.version === OLD)).toBe(true);
    const end = await app.terminalAlert();
    expect(end).toMatchObject({ severity: "error", message: "Failed checks threshold reached 4" });
    expect(end.reason).toMatch(/success rate 0(\.00)?% < 99%/);
  });

  test("canary with mirroring: copies first, then the steps", async () => {
    const app = stage.app("mirror", { analysis: { mirror: true } });
    await app.install();
    app.visitor();
    app.visitor();
    await app.release();
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    const visits = await app.leave();
    expect(failuresOf(visits)).toEqual([]);
    const events = await app.events();
    const steps = events.filter((line) => line.includes("canary weight")).map((line) => line.split(" ").at(-1));
    expect(steps).toEqual(["0", "20", "40", "60"]);
    const query = `sum(istio_requests_total{destination_workload="${APP}",destination_workload_namespace="mirror",reporter="destination"})`;
    const received = await stage.instant(query);
    const answered = visits.filter((visit) => !isFromPrimary(visit)).length;
    expect(answered).toBeGreaterThan(0);
    expect(received).toBeGreaterThan(answered);
  });

  test("session affinity: who has the cookie stays; after the release it is taken back", async () => {
    const sessionAffinity = { cookieName: "serin-canary", maxAge: 3600 };
    const app = stage.app("affinity", { analysis: { stepWeight: 10, maxWeight: 50, sessionAffinity } });
    await app.install();
    const visitors = Array.from({ length: 5 }, () => app.visitor({ keepsCookies: true }));
    await app.release();
    await app.waitUntil("cookie", async () => ((await app.canary()).status?.sessionAffinityCookie ?? "") !== "");
    const cookie = (await app.canary()).status?.sessionAffinityCookie ?? "";
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    expect(failuresOf(await app.leave())).toEqual([]);
    const met = visitors.filter(({ visits }) => visits.some((visit) => !isFromPrimary(visit)));
    expect(met.length).toBeGreaterThan(0);
    for (const { visits } of met) {
      expect(runsOf(visits.map((visit) => (isFromPrimary(visit) ? "primary" : "canary")))).toEqual([
        "primary",
        "canary",
        "primary",
      ]);
      expect(visits.find((visit) => !isFromPrimary(visit))?.setCookie).toContain(`${cookie}; Max-Age=3600`);
    }
    const late = await visitOnce({ ...app.atGateway(), headers: { cookie } });
    expect(late).toMatchObject({ status: 200, version: NEW });
    expect(late.setCookie).toMatch(/^serin-canary=.*; Max-Age=-1/);
    expect((await visitOnce(app.atGateway())).setCookie).toBe("");
  });

  test("stepWeightPromotion: the traffic goes back to the primary in steps", async () => {
    const app = stage.app("step-promotion", { analysis: { stepWeight: 50, maxWeight: 100, stepWeightPromotion: 50 } });
    await app.install();
    app.visitor();
    await app.release();
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    expect(failuresOf(await app.leave())).toEqual([]);
    const steps = (await app.events()).filter((line) => line.includes(" weight "));
    expect(steps).toEqual([
      "Advance web.step-promotion canary weight 50",
      "Advance web.step-promotion canary weight 100",
      "Advance web.step-promotion primary weight 50",
      "Advance web.step-promotion primary weight 100",
    ]);
  });

  test("skipAnalysis: promoted without a step", async () => {
    const app = stage.app("skip-analysis", { spec: { skipAnalysis: true } });
    await app.install();
    app.visitor();
    await app.release();
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    const visits = await app.leave();
    expect(failuresOf(visits)).toEqual([]);
    expect(visits.every(isFromPrimary)).toBe(true);
    expect((await app.events()).some((line) => line.includes("canary weight"))).toBe(false);
    expect(await app.terminalAlert()).toMatchObject({ message: "Canary analysis was skipped, promotion finished." });
  });

  test("suspend: a new revision waits until it is taken back", async () => {
    const app = stage.app("suspend");
    await app.install();
    await app.patchCanary({ spec: { suspend: true } });
    app.visitor();
    await app.release();
    await app.waitForEvent("suspend");
    expect((await app.canary()).status?.phase).toBe("Initialized");
    await app.patchCanary({ spec: { suspend: false } });
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    expect(failuresOf(await app.leave())).toEqual([]);
  });

  test("a DaemonSet", async () => {
    const app = stage.app("daemon-set", { kind: "DaemonSet" });
    await app.install();
    app.visitor();
    app.visitor();
    await app.release();
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    const visits = await app.leave();
    expect(failuresOf(visits)).toEqual([]);
    expect(visits.some((visit) => !isFromPrimary(visit) && visit.version === NEW)).toBe(true);
    const primary = await stage.client.get<DaemonSet>(resources.daemonSets, app.key(`${APP}-primary`));
    expect(primary?.spec.template.spec.containers[0]?.image).toBe(NEW_IMAGE);
  });

  test("a core Service: its new selector is released like an image", async () => {
    // The built-in metrics look for a workload of the target's name, and there is none.
    const requests = `istio_requests_total{reporter="source",destination_service_namespace="core-service",destination_service_name="${APP}-canary"`;
    const query = `100 * sum(rate(${requests},response_code!~"5.*"}[10s])) / sum(rate(${requests}}[10s]))`;
    const app = stage.app("core-service", {
      spec: { targetRef: { apiVersion: "v1", kind: "Service", name: APP } },
      analysis: { metrics: [{ name: "canary success rate", query, thresholdRange: { min: 99 } }] },
    });
    const { namespace } = app;
    const service = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: APP, namespace },
      spec: { selector: { app: "one" }, ports: [{ name: "http", port: 9898, targetPort: 9898 }] },
    };
    await applyObjects(stage.client, [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
      service,
      fastWorkload({ namespace, replicas: 1 }, { name: "one", image: OLD_IMAGE }),
      fastWorkload({ namespace, replicas: 1 }, { name: "two", image: NEW_IMAGE }),
    ]);
    await app.install();
    app.visitor();
    await app.waitUntil("ready pods", async () => {
      const two = await stage.client.get<Deployment>(resources.deployments, app.key("two"));
      return two?.status?.readyReplicas === 1;
    });
    const body = { spec: { selector: { app: "two" } } };
    await stage.client.patch(resources.services, app.key(), { kind: "merge", body });
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    const visits = await app.leave();
    expect(failuresOf(visits)).toEqual([]);
    expect(visits.at(-1)?.version).toBe(NEW);
    const primary = await stage.client.get<Service>(resources.services, app.key(`${APP}-primary`));
    expect(primary?.spec.selector).toEqual({ app: "two" });
  });

  test("provider kubernetes: blue/green by the Service alone", async () => {
    const app = stage.app("plain-kube", {
      isScraped: true,
      spec: { provider: "kubernetes" },
      analysis: { iterations: 2, metrics: ONLY_ERRORS },
    });
    await app.install({ isRouted: false });
    const user = app.visitor(await app.atService());
    await app.release();
    await app.waitForPhase("Progressing");
    app.visitor(await app.atService(`${APP}-canary`));
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    await app.leave();
    expect(failuresOf(user.visits)).toEqual([]);
    expect(user.visits.every(isFromPrimary)).toBe(true);
    expect([user.visits[0]?.version, user.visits.at(-1)?.version]).toEqual([OLD, NEW]);
  });

  test("delegation: a route of somebody else leads to the Canary's", async () => {
    const app = stage.app("delegation", { service: { delegation: true, hosts: undefined, gateways: undefined } });
    await applyObjects(stage.client, [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: app.namespace } },
      {
        apiVersion: "networking.istio.io/v1beta1",
        kind: "VirtualService",
        metadata: { name: "front", namespace: app.namespace },
        spec: {
          hosts: [app.host],
          gateways: [`${app.namespace}/gateway`],
          http: [{ match: [{ uri: { prefix: "/" } }], delegate: { name: APP, namespace: app.namespace } }],
        },
      },
    ]);
    await app.install();
    app.visitor();
    app.visitor();
    await app.release();
    expect(await app.waitForPhase("Succeeded", "Failed")).toBe("Succeeded");
    const visits = await app.leave();
    expect(failuresOf(visits)).toEqual([]);
    expect(visits.some((visit) => !isFromPrimary(visit) && visit.version === NEW)).toBe(true);
  });

  test("revertOnDeletion: the Canary is deleted under load, and target, Service and route are as they were", async () => {
    const app = stage.app("revert", { spec: { revertOnDeletion: true } });
    const { namespace } = app;
    const route = {
      hosts: [app.host],
      gateways: [`${namespace}/gateway`],
      http: [{ route: [{ destination: { host: APP } }] }],
    };
    await applyObjects(stage.client, [
      { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: APP, namespace },
        spec: { selector: { app: APP }, ports: [{ name: "http", port: 9898, targetPort: 9898 }] },
      },
      {
        apiVersion: "networking.istio.io/v1beta1",
        kind: "VirtualService",
        metadata: { name: APP, namespace },
        spec: route,
      },
    ]);
    await app.install();
    app.visitor();
    app.visitor();
    app.visitor(await app.atService());
    await stage.client.delete(resources.canaries, app.key());
    await app.waitUntil("end of the primary", async () => {
      const canary = await stage.client.get(resources.canaries, app.key());
      const primary = await stage.client.get(resources.deployments, app.key(`${APP}-primary`));
      return canary === undefined && primary === undefined;
    });
    // Requests that only the target can answer now.
    expect(await visitOnce(app.atGateway())).toMatchObject({ status: 200, version: OLD });
    const visits = await app.leave();
    expect(failuresOf(visits)).toEqual([]);
    expect(visits.length).toBeGreaterThan(0);
    const target = await stage.client.get<Deployment>(resources.deployments, app.key());
    expect(target?.status).toMatchObject({ readyReplicas: 1, availableReplicas: 1 });
    const service = await stage.client.get<Service>(resources.services, app.key());
    expect(service?.spec.selector).toEqual({ app: APP });
    const routes = await stage.client.get<VirtualService>(resources.virtualServices, app.key());
    expect(routes?.spec).toMatchObject(route);
  });
});
