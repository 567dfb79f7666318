import type { MeshConfig } from "../routing/compile-mesh.ts";
import type { Mirror } from "../routing/http-route.ts";
import { compileRetryPolicy, type RetryPolicy } from "../routing/retry-policy.ts";
import { findCluster } from "../routing/route.ts";
import type { RequestHead } from "./http-head.ts";
import type { IncomingRequest } from "./incoming-request.ts";
import type { ExchangeContext, Listener } from "./ports.ts";
import { RequestReport } from "./request-report.ts";
import { type CallHandler, UpstreamCall } from "./upstream-call.ts";

/** Copies of a request on their way; they get the body as it comes and their answers are thrown away. */
export interface MirrorCopies {
  writeBody(data: Buffer): void;
  endBody(): void;
  flush(): void;
}

export interface MirrorOptions {
  readonly context: ExchangeContext;
  readonly config: MeshConfig;
  readonly listener: Listener;
  readonly remoteAddress: string;
  readonly request: IncomingRequest;
  readonly head: RequestHead;
  readonly mirrors: readonly Mirror[];
  /** Writes the head for a copy, with the authority it is sent to. */
  readonly writeHead: (authority: string) => string;
  readonly timeoutMs: number | undefined;
}

const NO_RETRY: RetryPolicy = compileRetryPolicy({ attempts: 0 });
/** A copy without a route timeout must end at some time too. */
const TIMEOUT_MS = 15_000;
/** A copy whose target is slower than the original is given up beyond this body. */
const BODY_BYTES_MAX = 1024 * 1024;

/** Starts a copy for each mirror whose roll succeeds. Source: istio-spec 1.11. */
export function startMirrors(options: MirrorOptions): MirrorCopies | undefined {
  const copies = options.mirrors
    .filter(({ share }) => options.context.random.next() < share)
    .flatMap((mirror) => startCopy(mirror, options) ?? []);
  if (copies.length === 0) return undefined;
  return {
    writeBody: (data) => copies.forEach((copy) => copy.writeBody(data)),
    endBody: () => copies.forEach((copy) => copy.endBody()),
    flush: () => copies.forEach((copy) => copy.flush()),
  };
}

function startCopy(mirror: Mirror, options: MirrorOptions): MirrorCopies | undefined {
  const { context, config, request, head } = options;
  const cluster = findCluster(config, mirror, request);
  if (cluster === undefined) return undefined;
  let responseBytes = 0;
  const report = new RequestReport({ ...options, writtenBytes: () => responseBytes });
  report.setCluster(cluster);
  const handler: CallHandler = {
    onHead(response) {
      responseBytes += response.headBytes;
      report.setResponse(response, call.pool);
    },
    onBody(data) {
      responseBytes += data.length;
    },
    onEnd: () => end(),
    onBroken: () => end("UC"),
    onFailure(failed) {
      report.setLocalResponse(failed.status);
      for (const flag of failed.flags) report.addFlag(flag);
      end();
    },
    onReadDone: () => undefined,
    onWritable: () => undefined,
  };
  const call = new UpstreamCall(
    {
      runtime: context.runtimeOf(cluster),
      retry: NO_RETRY,
      headText: options.writeHead(`${request.authority}-shadow`),
      method: head.method,
      wantsUpgrade: false,
      isChunked: head.framing.kind === "chunked",
      hashKey: undefined,
      wheel: context.wheel,
      nowMs: () => context.clock.nowMs(),
      chance: () => context.random.next(),
      onAttempt: (attempt) => report.recordAttempt(attempt),
    },
    handler,
  );
  const timer = context.wheel.schedule(options.timeoutMs ?? TIMEOUT_MS, () => giveUp("UT"));
  let isDone = false;

  function end(flag = ""): void {
    if (isDone) return;
    isDone = true;
    timer.cancel();
    report.addFlag(flag);
    report.finish();
  }

  function giveUp(flag: string): void {
    call.cancel("clientGone");
    end(flag);
  }

  call.start();
  return {
    writeBody(data) {
      if (isDone) return;
      report.addRequestBytes(data.length);
      call.writeBody(data);
      const isLagging = !call.flush() && report.requestBytes > BODY_BYTES_MAX;
      if (isLagging) giveUp("DC");
    },
    endBody() {
      if (!isDone) call.endBody();
    },
    flush() {
      if (!isDone) call.flush();
    },
  };
}
