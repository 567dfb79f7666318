import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Container, Pod } from "#api";
import { err, ok, type Result } from "#base";
import type { CatalogImage } from "../workloads/index.ts";

/** An image made ready to run. */
export interface ResolvedImage {
  /** Put first in PATH. */
  readonly folder: string;
  readonly workingDirectory: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly tag: string;
  /** One of our own programs: it watches the lifeline. */
  readonly isBuiltIn: boolean;
}

export interface ImageStore {
  /** Finds what an image stands for; the error says what to do about one that stands for nothing. */
  resolve(container: Container, pod: Pod): Result<ResolvedImage, string>;
}

export interface ImageStoreOptions {
  /** Where the folders of images are made. */
  readonly directory: string;
  readonly catalog: readonly CatalogImage[];
  /** Shell commands by image name, with or without tag; they run in `workingDirectory`. */
  readonly extraImages: ReadonlyMap<string, string>;
  readonly workingDirectory: string;
  /** Where the build output with the catalogue's scripts is. */
  readonly distDirectory: string;
  readonly nodePath: string;
}

/** Pod annotation that names the command of a container whose image is unknown; `serin.dev/command.NAME` for one of several. */
const COMMAND_ANNOTATION = "serin.dev/command";

/** Creates the store; folders are written when an image is first used. */
export function createImageStore(options: ImageStoreOptions): ImageStore {
  const prepared = new Map<string, string>();

  function folderOf(name: string, programs: CatalogImage["programs"]): string {
    const known = prepared.get(name);
    if (known !== undefined) return known;
    const folder = join(options.directory, name.replaceAll(/[^\w.-]/g, "_"));
    mkdirSync(folder, { recursive: true });
    for (const [program, { script, args = [] }] of Object.entries(programs)) {
      const words = [options.nodePath, join(options.distDirectory, script), ...args].map(quoteForShell).join(" ");
      const path = join(folder, program);
      writeFileSync(path, `#!/bin/sh\nexec ${words} "$@"\n`);
      chmodSync(path, 0o755);
    }
    prepared.set(name, folder);
    return folder;
  }

  return {
    resolve(container, pod) {
      const image = container.image ?? "";
      const { repository, tag } = splitImage(image);
      const known = options.catalog.find((candidate) => candidate.repository === repository);
      if (known !== undefined) {
        const folder = folderOf(repository, known.programs);
        const { entrypoint, command } = known;
        return ok({ folder, workingDirectory: folder, entrypoint, command, tag, isBuiltIn: true });
      }
      const annotations = pod.metadata.annotations ?? {};
      const annotated = annotations[`${COMMAND_ANNOTATION}.${container.name}`] ?? annotations[COMMAND_ANNOTATION];
      const extra = options.extraImages.get(image) ?? options.extraImages.get(repository);
      const line = annotated ?? extra;
      if (line === undefined) return err(unknownImage(image));
      const { workingDirectory } = options;
      return ok({
        folder: folderOf(repository, {}),
        workingDirectory,
        entrypoint: ["/bin/sh", "-c", `${line} "$@"`, image],
        command: [],
        tag,
        isBuiltIn: false,
      });
    },
  };
}

function unknownImage(image: string): string {
  return (
    `image "${image}" has no program on this machine: start the cluster with --image '${splitImage(image).repository}=COMMAND', ` +
    `or set the pod's annotation ${COMMAND_ANNOTATION} to a shell command`
  );
}

/** Splits an image reference into name and tag; a digest is dropped, a missing tag is `latest`. */
export function splitImage(image: string): { readonly repository: string; readonly tag: string } {
  const withoutDigest = image.split("@", 1)[0] ?? "";
  const colon = withoutDigest.lastIndexOf(":");
  // A colon before a slash belongs to a registry's port.
  if (colon <= withoutDigest.lastIndexOf("/")) return { repository: withoutDigest, tag: "latest" };
  return { repository: withoutDigest.slice(0, colon), tag: withoutDigest.slice(colon + 1) };
}

function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The words that a container runs. Source: core/v1 Container: `command` replaces the entrypoint, `args` the image's command. */
export function commandWords(container: Container, image: ResolvedImage): readonly string[] {
  const { command, args } = container;
  if (command !== undefined && command.length > 0) return [...command, ...(args ?? [])];
  return [...image.entrypoint, ...(args !== undefined && args.length > 0 ? args : image.command)];
}
