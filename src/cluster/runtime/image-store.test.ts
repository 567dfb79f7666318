import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Pod } from "#api";
import { commandWords, createImageStore, type ImageStore, splitImage } from "./image-store.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "serin image's "));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function store(): ImageStore {
  return createImageStore({
    directory: join(root, "images"),
    catalog: [
      {
        repository: "ghcr.io/stefanprodan/podinfo",
        programs: { podinfo: { script: "echo.js", args: ["first"] } },
        entrypoint: [],
        command: ["./podinfo"],
      },
    ],
    extraImages: new Map([["my/app", "sleep 1"]]),
    workingDirectory: root,
    distDirectory: root,
    nodePath: process.execPath,
  });
}

function pod(image: string, annotations: Record<string, string> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", annotations },
    spec: { containers: [{ name: "app", image }] },
  };
}

test("splitImage: tag, digest, registry port", () => {
  expect(splitImage("ghcr.io/stefanprodan/podinfo:6.4.0")).toEqual({
    repository: "ghcr.io/stefanprodan/podinfo",
    tag: "6.4.0",
  });
  expect(splitImage("localhost:5000/app")).toEqual({ repository: "localhost:5000/app", tag: "latest" });
  expect(splitImage("app:1@sha256:abc")).toEqual({ repository: "app", tag: "1" });
});

test("resolve: an image of the catalogue has its programs in its folder, and they pass arguments on", () => {
  writeFileSync(join(root, "echo.js"), "console.log(JSON.stringify(process.argv.slice(2)))");
  const of = pod("ghcr.io/stefanprodan/podinfo:6.4.1");
  const image = store().resolve(of.spec.containers[0]!, of);
  if (!image.ok) throw new Error(image.error);
  expect(image.value).toMatchObject({ tag: "6.4.1", isBuiltIn: true, command: ["./podinfo"] });
  const output = execFileSync(join(image.value.folder, "podinfo"), ["a b", "$c"], { encoding: "utf8" });
  expect(JSON.parse(output)).toEqual(["first", "a b", "$c"]);
});

test("resolve: other images by option or annotation, the annotation first", () => {
  const own = pod("my/app:2");
  expect(store().resolve(own.spec.containers[0]!, own)).toMatchObject({
    value: { entrypoint: ["/bin/sh", "-c", 'sleep 1 "$@"', "my/app:2"], isBuiltIn: false },
  });
  const annotated = pod("my/app:2", { "serin.dev/command.app": "sleep 2" });
  expect(store().resolve(annotated.spec.containers[0]!, annotated)).toMatchObject({
    value: { entrypoint: ["/bin/sh", "-c", 'sleep 2 "$@"', "my/app:2"] },
  });
});

test("resolve: an image that is unknown is refused with what to do", () => {
  const unknown = pod("nginx:1");
  const image = store().resolve(unknown.spec.containers[0]!, unknown);
  expect(image.ok ? "" : image.error).toContain("--image 'nginx=COMMAND'");
});

test("commandWords: command replaces the entrypoint, args the image's command", () => {
  const image = { folder: "", workingDirectory: "", entrypoint: ["e"], command: ["c"], tag: "", isBuiltIn: true };
  expect(commandWords({ name: "a" }, image)).toEqual(["e", "c"]);
  expect(commandWords({ name: "a", args: ["x"] }, image)).toEqual(["e", "x"]);
  expect(commandWords({ name: "a", command: ["y"] }, image)).toEqual(["y"]);
  expect(commandWords({ name: "a", command: ["y"], args: ["x"] }, image)).toEqual(["y", "x"]);
});
