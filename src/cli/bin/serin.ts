#!/usr/bin/env node
import { setMaxListeners } from "node:events";
import { runProgram } from "../program.ts";

const stop = new AbortController();
// Every part of a cluster listens for the end; Node takes more than ten for a leak.
setMaxListeners(0, stop.signal);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop.abort());

process.exitCode = await runProgram({
  argv: process.argv.slice(2),
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  signal: stop.signal,
});
