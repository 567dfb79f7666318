import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program of another make that a test runs, or why there is none. */
export type FoundProgram = { readonly path: string } | { readonly missing: string };

export interface DebianProgram {
  /** The package that has it. */
  readonly debianPackage: string;
  /** Where else than on PATH it may lie, the best first. */
  readonly folders?: () => readonly string[];
}

/**
 * Finds a program: on PATH, else in Debian's package, which root may install, else none, with the reason. What a package would
 * start is not started: a test starts what it needs itself.
 */
export function findProgram(name: string, { debianPackage, folders = () => [] }: DebianProgram): FoundProgram {
  const lookUp = (): string | undefined =>
    [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", ...folders()]
      .map((folder) => join(folder, name))
      .find((path) => existsSync(path));
  const found = lookUp();
  if (found !== undefined) return { path: found };
  if (!existsSync("/etc/debian_version")) return { missing: `no ${name} here, and this is no Debian to install it on` };
  if (process.getuid?.() !== 0) return { missing: `no ${name} here, and only root may install ${debianPackage}` };
  const said = installPackage(debianPackage);
  const installed = lookUp();
  if (installed !== undefined) return { path: installed };
  return { missing: `no ${name} here, and apt-get could not install ${debianPackage}: ${said}` };
}

/** RabbitMQ with its Erlang takes the longest, on a machine that has to fetch it, behind two other installations. */
const INSTALL_TIMEOUT_MS = 900_000;

/**
 * One installation at a time on the whole machine: test files of several runs may start together, and who removes the rule that
 * keeps services from being started must be the last who needs it. Others than tests may hold apt's own lock, which is waited
 * for. The lists of packages are fetched when the package is unknown, or no longer to be had in the version that they name.
 */
const INSTALL_SCRIPT = `
rule=/usr/sbin/policy-rc.d
mark='# Of a test of Serin: keeps packages from starting what they install.'
if [ ! -e $rule ] || grep -qxF "$mark" $rule; then
  trap 'rm -f '$rule EXIT
  printf '#!/bin/sh\\n%s\\nexit 101\\n' "$mark" > $rule && chmod 755 $rule
fi
install() { apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$1"; }
install "$1" || { apt-get -o DPkg::Lock::Timeout=300 update && install "$1"; }
`;

/** Installs it; returns the last line of what went wrong, if anything did. */
function installPackage(debianPackage: string): string {
  const lock = "/run/lock/serin-test-packages";
  const install = spawnSync("flock", [lock, "sh", "-c", INSTALL_SCRIPT, "sh", debianPackage], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    encoding: "utf8",
    timeout: INSTALL_TIMEOUT_MS,
  });
  return (install.stderr ?? "").trim().split("\n").at(-1) ?? String(install.error ?? "");
}
