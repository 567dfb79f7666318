import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program of another make that a test runs, or why there is none. */
export type FoundProgram = { readonly path: string } | { readonly missing: string };

/** How long apt may take to install the package. */
const INSTALL_TIMEOUT_MS = 110_000;

/**
 * Finds a program: on PATH, else in Debian's package, which root may install, else none, with the reason. The package's
 * own service is not left running: a test starts what it needs itself.
 */
export function findProgram(name: string, { debianPackage }: { debianPackage: string }): FoundProgram {
  const onPath = lookUp(name);
  if (onPath !== undefined) return { path: onPath };
  if (!existsSync("/etc/debian_version"))
    return { missing: `no ${name} on PATH, and this is no Debian to install it on` };
  if (process.getuid?.() !== 0) return { missing: `no ${name} on PATH, and only root may install ${debianPackage}` };
  const install = spawnSync("apt-get", ["install", "-y", "--no-install-recommends", debianPackage], {
    // With this level packages do not start what they install.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    encoding: "utf8",
    timeout: INSTALL_TIMEOUT_MS,
  });
  const installed = lookUp(name);
  if (installed === undefined) {
    const said = (install.stderr ?? "").trim().split("\n").at(-1) ?? "";
    return { missing: `no ${name} on PATH, and apt-get could not install ${debianPackage}: ${said}` };
  }
  if (existsSync("/run/systemd/system")) spawnSync("systemctl", ["disable", "--now", debianPackage]);
  return { path: installed };
}

function lookUp(name: string): string | undefined {
  return [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/lib/rabbitmq/bin"]
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}
