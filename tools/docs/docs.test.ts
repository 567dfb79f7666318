import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const documents = ["README.md", ...documentsOf("docs"), ...documentsOf("examples")];

function documentsOf(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
}

/** GitHub's name of a heading: lower case, without punctuation, with hyphens. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}

function anchorsOf(path: string): string[] {
  return [...readFileSync(path, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

test.each(documents)("%s: its links lead to files and headings that are there", (path) => {
  const links = [...readFileSync(path, "utf8").matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g)];
  const broken = links.flatMap(([link, file = "", anchor]) => {
    const target = file === "" ? path : join(dirname(path), file);
    const isThere = existsSync(target) && (anchor === undefined || anchorsOf(target).includes(anchor));
    return isThere ? [] : [link];
  });
  expect(broken).toEqual([]);
});

test.each(documents)("%s: no merge was left half done", (path) => {
  expect(readFileSync(path, "utf8")).not.toMatch(/^(?:<<<<<<<|=======|>>>>>>>)/m);
});
