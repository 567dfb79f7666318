import { Writable } from "node:stream";
import { runProgram } from "./program.ts";

/** Command lines for tests: run in this process, with what they print kept. */

export interface EndedCommand {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Starts a command line; `out` is what it has printed so far. */
export function startCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): { readonly out: () => string; readonly ended: Promise<EndedCommand> } {
  const [out, err] = [collect(), collect()];
  const { signal } = new AbortController();
  const running = runProgram({ argv, stdout: out.stream, stderr: err.stream, env, signal });
  return { out: out.text, ended: running.then((status) => ({ status, out: out.text(), err: err.text() })) };
}

function collect(): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  let text = "";
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  // What the program uses of a WriteStream is what a Writable has.
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text };
}
