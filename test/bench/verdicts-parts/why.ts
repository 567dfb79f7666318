import type { WhyReport } from "../../../src/cli/commands/why-report.ts";
import { startSerin } from "../../e2e/serin-process.ts";

/** What `serin why` said of the last release, asked twice as people and programs do. */
export interface Why {
  readonly report: WhyReport;
  /** The text, with every run of white space as one space. */
  readonly text: string;
}

const ANSWER_DEADLINE_MS = 20_000;

/**
 * Asks `serin why` about the last release of a Canary, by the built program.
 *
 * @throws Error with what it printed when its exit status is not 0.
 */
export async function askWhy(kubeconfig: string, key: { namespace: string; name: string }): Promise<Why> {
  const args = ["why", key.name, "-n", key.namespace, "--kubeconfig", kubeconfig];
  const [json, text] = await Promise.all([answerOf([...args, "-o", "json"]), answerOf(args)]);
  return { report: JSON.parse(json) as WhyReport, text: unwrapped(text) };
}

function unwrapped(text: string): string {
  return text.replace(/\s+/g, " ");
}

async function answerOf(args: readonly string[]): Promise<string> {
  const serin = startSerin(args);
  const timer = setTimeout(() => serin.child.kill("SIGKILL"), ANSWER_DEADLINE_MS);
  const status = await serin.ended;
  clearTimeout(timer);
  if (status !== 0) throw new Error(`serin ${args.join(" ")} ended with ${status}: ${serin.stderr()}`);
  return serin.stdout();
}

/** How a release should have ended, and the metric that should be named as the reason; undefined for none. */
export interface Expected {
  readonly outcome: "promoted" | "rolled back";
  readonly metric: string | undefined;
}

/**
 * What is wrong with an explanation, in a sentence; undefined when it is right: the outcome, in the first line the very metric that is
 * to blame, in figures that same one and no other, and the text says what the JSON says.
 */
export function whyFault({ report, text }: Why, { outcome, metric }: Expected): string | undefined {
  const { namespace, canary, sentence, run } = report;
  if (run.outcome !== outcome) return `why says ${run.outcome ?? "that it goes on"}`;
  if (!text.startsWith(unwrapped(`${namespace}/${canary}: ${sentence} `)))
    return "why's text begins with another sentence";
  const named = namedMetrics(report);
  const wanted = metric === undefined ? [] : [metric];
  if (named.join() !== wanted.join())
    return `why names ${named.join(" and ") || "nothing"}, and not ${metric ?? "nothing"}`;
  if (metric !== undefined && !text.includes(`seen ${metric} (`)) return `why's text does not show ${metric}`;
  return undefined;
}

/** Metrics that the explanation blames: what they count stands in the first line, or the data of the end name them. */
export function namedMetrics({ sentence, run }: WhyReport): readonly string[] {
  const deciding = run.records.filter(({ at }) => at === run.endedAt).flatMap(({ evidence }) => evidence ?? []);
  const blamed = deciding.flatMap(({ leading, metrics }) => [
    ...(leading === undefined ? [] : [leading]),
    ...metrics.filter(({ what }) => sentence.includes(`${what} of the canary`)).map(({ metric }) => metric),
  ]);
  return [...new Set(blamed)];
}
