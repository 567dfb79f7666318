import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { resources } from "#api";
import { type ApiReply, startTestApiServer, type TestApiServer } from "#testing";
import type { AdmissionRequest, AdmissionReviewer } from "../admission.ts";

/** The stage that asks reviewers about writes, with one that listens to all writes of ConfigMaps. */

let server: TestApiServer;
let asked: (AdmissionRequest & { readonly neighbours: number })[] = [];

const MERGE = { "content-type": "application/merge-patch+json" };
const APPLY = { "content-type": "application/apply-patch+yaml" };
const MAPS = "/api/v1/namespaces/default/configmaps";

const listener: AdmissionReviewer = {
  name: "maps.example.com",
  resource: resources.configMaps,
  review: (request, view) => {
    asked.push({ ...request, neighbours: view.list(resources.configMaps, "default").length });
    const { data } = request.object as { readonly data?: Readonly<Record<string, string>> };
    const message = `the word is ${data?.["word"]}`;
    return {
      problems: data?.["word"] === "bad" ? [{ path: "data.word", code: "word", message, fix: "say it nicely" }] : [],
      warnings: data?.["word"] === "odd" ? [`a "quoted"\nword`, "and another"] : [],
    };
  },
};

beforeAll(async () => {
  server = await startTestApiServer();
  server.attachAdmission([listener]);
});

afterAll(() => server.close());

beforeEach(() => {
  asked = [];
});

const map = (name: string, word: string) => ({ metadata: { name }, data: { word } });
const post = (path: string, body: object): Promise<ApiReply> => server.call({ method: "POST", path, body });
const patch = (path: string, body: object, headers = MERGE): Promise<ApiReply> =>
  server.call({ method: "PATCH", path, body, headers });

test("admission: a refused create is what kubectl knows from webhooks, and nothing is stored", async () => {
  const reply = await post(MAPS, map("refused", "bad"));
  expect(reply.code).toBe(403);
  expect(reply.json).toEqual({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    reason: "Forbidden",
    code: 403,
    message: 'admission webhook "maps.example.com" denied the request: data.word: the word is bad (say it nicely)',
  });
  expect((await server.call({ path: `${MAPS}/refused` })).code).toBe(404);
});

test("admission: it sees what would be stored, what is, and whether it is a dry run; of replace, patch and apply alike", async () => {
  const created = await post(MAPS, map("seen", "good"));
  expect(created.headers["warning"]).toBeUndefined();
  expect(asked).toEqual([
    {
      object: expect.objectContaining({ data: { word: "good" } }),
      old: undefined,
      isDryRun: false,
      neighbours: expect.any(Number),
    },
  ]);
  expect(asked[0]?.object.metadata).toMatchObject({ name: "seen", namespace: "default", uid: expect.any(String) });
  const put = await server.call({ method: "PUT", path: `${MAPS}/seen`, body: map("seen", "bad") });
  const merged = await patch(`${MAPS}/seen?dryRun=All`, { data: { word: "bad" } });
  const applied = await patch(
    `${MAPS}/seen?fieldManager=me&force=true`,
    { apiVersion: "v1", kind: "ConfigMap", ...map("seen", "bad") },
    APPLY,
  );
  expect([put, merged, applied].map(({ code }) => code)).toEqual([403, 403, 403]);
  expect(asked.slice(1).map(({ isDryRun }) => isDryRun)).toEqual([false, true, false]);
  for (const { old } of asked.slice(1)) expect(old).toEqual(created.json);
  expect((await server.call({ path: `${MAPS}/seen` })).json).toEqual(created.json);
});

test("admission: other kinds and deletions are not asked about", async () => {
  await post("/api/v1/namespaces/default/secrets", { metadata: { name: "s" }, data: {} });
  await post(MAPS, map("gone", "good"));
  await server.call({ method: "DELETE", path: `${MAPS}/gone` });
  expect(asked.map(({ object }) => object.metadata.name)).toEqual(["gone"]);
});

test("admission: warnings go out as headers, in the form of RFC 7234", async () => {
  const reply = await post(MAPS, map("odd", "odd"));
  expect(reply.code).toBe(201);
  expect(reply.headers["warning"]).toBe('299 - "a \\"quoted\\" word", 299 - "and another"');
  const again = await patch(`${MAPS}/odd`, { data: { more: "1" } });
  expect(again.headers["warning"]).toBe(reply.headers["warning"]);
});

test("admission: a reviewer that breaks is an error of the server, and stores nothing", async () => {
  const broken: AdmissionReviewer = {
    ...listener,
    review: () => {
      throw new Error("no idea");
    },
  };
  server.attachAdmission([broken]);
  const reply = await post(MAPS, map("broken", "good"));
  server.attachAdmission([listener]);
  expect(reply.json).toMatchObject({ code: 500, message: "Internal error occurred: no idea" });
  expect((await server.call({ path: `${MAPS}/broken` })).code).toBe(404);
});
