import type { Command } from "commander";
import { parseDuration } from "#base";
import { systemClock } from "#kube";
import { formatTime, INTENT_ANNOTATION, readIntent } from "#rollout";
import { type ProgramContext, type ProgramState, UsageError } from "../program-context.ts";
import { awaitEffect } from "./await-effect.ts";
import { addClusterOptions, type ClusterOptions, connect, type Connection } from "./connection.ts";
import { findCanary } from "./find-canary.ts";
import type { Asked, Wish } from "./plan-intent.ts";
import { type Sent, sendWish } from "./send-wish.ts";
import { undo } from "./undo.ts";

/**
 * `serin promote | pause | resume | abort | retry | skip | undo`: what people decide about a release. Each writes an
 * annotation on the Canary with the user's own rights; the operator does the rest.
 */

interface PeopleCommand {
  readonly wish: Wish;
  readonly description: string;
  /** After `serin WISH`. */
  readonly examples: readonly string[];
  readonly notes?: string;
}

const commands: readonly PeopleCommand[] = [
  {
    wish: "promote",
    description: "promote the release as soon as its pods are ready, whatever steps, gates and checks are left",
    examples: ["web -n shop --why 'hotfix, checked by hand'", "--wait --timeout 10m"],
  },
  {
    wish: "pause",
    description: "hold the release where it is, or the next one before it starts, until serin resume",
    examples: ["web -n shop --why 'incident 4711'"],
  },
  {
    wish: "resume",
    description: "end a pause, and go on past a gate that is waited for",
    examples: ["web -n shop", "web -n shop --wait"],
  },
  {
    wish: "abort",
    description: "roll the release back now",
    examples: ["web -n shop --why 'customers see errors'", "web -n shop --wait"],
  },
  {
    wish: "retry",
    description: "release a rejected revision once more, from the first step",
    examples: ["web -n shop --why 'the database was down'"],
  },
  {
    wish: "skip",
    description: "take the next step now, without its gate and checks",
    examples: ["web -n shop"],
  },
  {
    wish: "undo",
    description: "go back to the revision that was promoted before the present one, without an analysis",
    examples: ["web -n shop --why 'orders are lost since 14:00'", "web -n shop --wait"],
    notes:
      "It sets the pod template of the target; ConfigMaps and Secrets stay as they are. Where a GitOps tool writes the\ntarget, revert in Git as well, or it brings the present revision back.",
  },
];

interface RawOptions extends ClusterOptions {
  readonly why?: string;
  readonly by?: string;
  readonly wait?: boolean;
  readonly timeout: string;
}

/** Adds the seven commands to a program. */
export function addPeopleCommands(program: Command, context: ProgramContext, state: ProgramState): void {
  for (const command of commands) {
    const { wish, description } = command;
    const added = program
      .command(wish)
      .description(description)
      .argument("[canary]", "name of the Canary; may be left out when the namespace has one")
      .option("--why <text>", "reason, for those who read it later")
      .option("--by <name>", "who asks; the kubeconfig's user, else this machine's, without it")
      .option("--wait", "follow until it took effect")
      .option("--timeout <duration>", "longest time that --wait follows", "5m");
    addClusterOptions(added)
      .addHelpText("after", helpText(command))
      .action(async (name: string | undefined, raw: RawOptions) => {
        state.status = await runPeopleCommand({ wish, name, raw }, context);
      });
  }
}

function helpText({ wish, examples, notes }: PeopleCommand): string {
  const lines = examples.map((example) => `  serin ${wish} ${example}`);
  const about = notes === undefined ? "" : `\n${notes}\n`;
  return `${about}\nExamples:\n${lines.join("\n")}\n\nExit status: 0 when it is asked for (with --wait: took effect), 1 when it is refused or failed, 2 for a wrong command line.`;
}

async function runPeopleCommand(
  command: { readonly wish: Wish; readonly name: string | undefined; readonly raw: RawOptions },
  context: ProgramContext,
): Promise<number> {
  const { wish, name, raw } = command;
  const timeout = parseDuration(raw.timeout);
  if (!timeout.ok) throw new UsageError(`--timeout: ${timeout.error}`);
  const connection = await connect(raw, context.env);
  const { client } = connection;
  try {
    const sent = await send(connection, { wish, name, raw });
    const { plan } = sent;
    if (plan.kind === "refuse") return report(sent, { wish, raw, outcome: "refused" }, context);
    if (raw.wait !== true)
      return report(sent, { wish, raw, outcome: plan.kind === "write" ? "asked" : "unchanged" }, context);
    if (raw.output === "text") context.stdout.write(`${plan.message}\n`);
    const { clock, signal } = { clock: systemClock, signal: context.signal };
    const revision = revisionAsked(sent);
    const end = await awaitEffect(client, sent.canary, { wish, revision, timeoutMs: timeout.value, clock, signal });
    const outcome = end.isDone ? "done" : "failed";
    return report({ canary: end.canary, plan: { ...plan, message: end.message } }, { wish, raw, outcome }, context);
  } finally {
    await client.close();
  }
}

async function send(
  { client, namespace, user }: Connection,
  { wish, name, raw }: { readonly wish: Wish; readonly name: string | undefined; readonly raw: RawOptions },
): Promise<Sent> {
  const canary = await findCanary(client, { namespace, name });
  const asked: Asked = { wish, by: raw.by ?? user, why: raw.why ?? "", at: now() };
  return wish === "undo" ? undo(client, canary, asked) : sendWish(client, canary, asked);
}

/** People read it, in events and conditions: without milliseconds. */
function now(): string {
  return formatTime(systemClock.nowMs()).replace(/\.\d+Z$/, "Z");
}

/** The revision that the written intent names; what was applied last when none is written. */
function revisionAsked({ canary, plan }: Sent): string | undefined {
  const text = plan.kind === "write" ? plan.annotations[INTENT_ANNOTATION] : undefined;
  if (text === undefined || text === null) return canary.status?.lastAppliedSpec;
  const intent = readIntent({ ...canary, metadata: { annotations: { [INTENT_ANNOTATION]: text } } });
  return typeof intent === "object" ? intent.revision : undefined;
}

/** Prints what came of it: a sentence, or one JSON object. Returns the exit status. */
function report(
  { canary, plan }: Sent,
  of: {
    readonly wish: Wish;
    readonly raw: RawOptions;
    readonly outcome: "asked" | "unchanged" | "refused" | "done" | "failed";
  },
  { stdout, stderr }: ProgramContext,
): number {
  const { wish, raw, outcome } = of;
  const isGood = outcome !== "refused" && outcome !== "failed";
  if (raw.output === "json") {
    const { namespace = "", name = "" } = canary.metadata;
    const phase = canary.status?.phase ?? "";
    stdout.write(
      `${JSON.stringify({ action: wish, namespace, canary: name, outcome, phase, message: plan.message })}\n`,
    );
  } else if (isGood) stdout.write(`${plan.message}\n`);
  else stderr.write(`serin: ${plan.message}\n`);
  return isGood ? 0 : 1;
}
