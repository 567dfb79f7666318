import type { Cluster } from "../routing/cluster.ts";
import type { HashSource } from "../routing/cluster-policy.ts";
import type { MeshConfig } from "../routing/compile-mesh.ts";
import { type CorsDecision, decideCors } from "../routing/cors.ts";
import { rollFault } from "../routing/fault.ts";
import type { HeaderEdit } from "../routing/header-edit.ts";
import type { HttpRouteRule, WeightedTarget } from "../routing/http-route.ts";
import { DEFAULT_RETRY_POLICY } from "../routing/retry-policy.ts";
import { findCluster, type RouteDecision } from "../routing/route.ts";
import { chooseByWeight } from "../routing/weighted-choice.ts";
import { hashKeyOf, newSessionCookie } from "./hash-key.ts";
import type { RequestHead, ResponseHead } from "./http-head.ts";
import { decideIncoming, type IncomingDecision, type IncomingRequest } from "./incoming-request.ts";
import { type DownstreamFraming, writeDownstreamHead, writeLocalReply, writeUpstreamHead } from "./message-head.ts";
import { type MirrorCopies, startMirrors } from "./mirror.ts";
import { ownRequestHeaders } from "./own-headers.ts";
import type { ClientStream, ExchangeContext, Listener } from "./ports.ts";
import { RequestReport } from "./request-report.ts";
import type { WheelTimer } from "./timer-wheel.ts";
import { type CallFailure, type CallHandler, UpstreamCall } from "./upstream-call.ts";

export interface ExchangeOptions {
  readonly context: ExchangeContext;
  readonly listener: Listener;
  readonly stream: ClientStream;
  readonly head: RequestHead;
  readonly request: IncomingRequest;
}

type Headers = readonly (readonly [name: string, value: string])[];

interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers?: Headers;
}

/**
 * One request of a client, from its head to the last byte of the response.
 *
 * The stages and why they are in this order (Envoy's filters as Istio orders them, istio-spec 1.1): route; answer locally
 * what needs no endpoint; fault, before anything that could retry it; CORS; choice of a target; the call. The report of
 * the source side comes last, for every outcome.
 */
export class Exchange implements CallHandler {
  readonly #context: ExchangeContext;
  readonly #config: MeshConfig;
  readonly #listener: Listener;
  readonly #stream: ClientStream;
  readonly #head: RequestHead;
  readonly #request: IncomingRequest;
  readonly #report: RequestReport;
  #rule: HttpRouteRule | undefined;
  #target: WeightedTarget | undefined;
  #addedHeaders: Headers = [];
  #call: UpstreamCall | undefined;
  #mirrors: MirrorCopies | undefined;
  #heldBody: Buffer[] = [];
  #heldBytes = 0;
  #isRequestEnded = false;
  #isHeadSent = false;
  #isTunnel = false;
  #framing: DownstreamFraming = "asIs";
  #keepsAlive = false;
  #delayTimer: WheelTimer | undefined;
  #timeoutTimer: WheelTimer | undefined;
  #isDone = false;

  constructor(options: ExchangeOptions) {
    this.#context = options.context;
    this.#config = options.context.config;
    this.#listener = options.listener;
    this.#stream = options.stream;
    this.#head = options.head;
    this.#request = options.request;
    const { remoteAddress, writer } = options.stream;
    this.#report = new RequestReport({
      context: options.context,
      listener: options.listener,
      head: options.head,
      request: options.request,
      remoteAddress,
      writtenBytes: () => writer.writtenBytes,
    });
  }

  start(): void {
    const decision = decideIncoming(this.#context, this.#listener, this.#request);
    if (decision.kind === "passthrough") {
      this.#report.setPassthrough(this.#request.authority);
      this.#callCluster(decision.cluster);
      return;
    }
    this.#rule = "rule" in decision ? decision.rule : undefined;
    if (!this.#answersLocally(decision) && decision.kind === "forward") this.#injectFault(decision);
  }

  /** Takes a piece of the request's body that stays valid; false when the client should wait. */
  onRequestBody(data: Buffer): boolean {
    this.#report.addRequestBytes(data.length);
    if (this.#isDone) return true;
    this.#mirrors?.writeBody(data);
    if (this.#call !== undefined) return this.#call.writeBody(data);
    this.#heldBody.push(data);
    this.#heldBytes += data.length;
    return this.#heldBytes < HELD_BYTES_MAX;
  }

  onRequestEnd(): void {
    this.#isRequestEnded = true;
    if (this.#isDone) return;
    this.#call?.endBody();
    this.#mirrors?.endBody();
    this.#armTimeout();
  }

  /** The pieces of one read were all handed over; false when the endpoint wants no more for now. */
  onRequestBatch(): boolean {
    this.#mirrors?.flush();
    return this.#call?.flush() ?? true;
  }

  /** Bytes of the client after a switch of protocols. */
  onTunnelData(data: Buffer): boolean {
    this.#report.addRequestBytes(data.length);
    return this.#call?.writeTunnel(data) ?? true;
  }

  onTunnelEnd(): void {
    this.#call?.endTunnel();
  }

  /** The client takes bytes again. */
  onClientWritable(): void {
    this.#call?.resumeResponse();
  }

  /** The client went away. */
  onClientGone(): void {
    if (this.#isDone) return;
    this.#call?.cancel("clientGone");
    this.#report.addFlag(this.#isTunnel ? "" : "DC");
    this.#end();
  }

  /** Nothing moved for too long. */
  onIdle(): void {
    if (this.#isDone) return;
    this.#call?.cancel("timeout");
    this.#report.addFlag("SI");
    this.#reply({ status: this.#isRequestEnded ? 504 : 408, body: "stream timeout" });
  }

  onHead(head: ResponseHead, attempt: { readonly serviceTimeMs: number; readonly flags: readonly string[] }): void {
    for (const flag of attempt.flags) this.#report.addFlag(flag);
    this.#report.setResponse(head, this.#call?.pool);
    this.#isTunnel = head.status === 101;
    const isOldClient = this.#head.minorVersion === 0;
    this.#framing = framingFor(head, isOldClient);
    this.#keepsAlive = this.#mayKeepAlive() && this.#framing !== "close";
    this.#isHeadSent = true;
    this.#stream.writer.text(
      writeDownstreamHead({
        head,
        edits: this.#responseEdits(),
        added: this.#addedHeaders,
        serviceTimeMs: attempt.serviceTimeMs,
        framing: this.#framing,
        keepsAlive: this.#keepsAlive,
        isOldClient,
      }),
    );
    if (!this.#isTunnel) return;
    this.#timeoutTimer?.cancel();
    this.#stream.startTunnel();
  }

  onBody(data: Buffer): void {
    if (this.#framing === "chunked" && !this.#isTunnel) this.#stream.writer.chunk(data, false);
    else this.#stream.writer.data(data, false);
  }

  onEnd(): void {
    if (this.#framing === "chunked") this.#stream.writer.text("0\r\n\r\n");
    this.#end();
    this.#stream.endExchange({ keepsAlive: this.#keepsAlive && !this.#isTunnel });
  }

  onBroken(): void {
    // A head is out, so the only way left to tell the client is to break off too.
    this.#report.addFlag("UC");
    this.#end();
    this.#stream.flush();
    this.#stream.destroy();
  }

  onFailure(failed: CallFailure): void {
    for (const flag of failed.flags) this.#report.addFlag(flag);
    const headers: Headers = failed.isOverload ? [["x-envoy-overloaded", "true"]] : [];
    this.#reply({ status: failed.status, body: failed.body, headers });
  }

  onReadDone(): void {
    if (!this.#stream.flush() && !this.#isDone) this.#call?.pauseResponse();
  }

  onWritable(): void {
    this.#stream.resumeBody();
  }

  /** Answers what needs no endpoint; true when it did. */
  #answersLocally(decision: Exclude<IncomingDecision, { kind: "passthrough" }>): boolean {
    switch (decision.kind) {
      case "forward":
        return false;
      case "noRoute":
        this.#report.addFlag("NR");
        this.#reply({ status: 404, body: "" });
        return true;
      case "unknownHost":
        this.#report.setBlackHole(decision.host);
        this.#reply({ status: 502, body: "" });
        return true;
      case "redirect":
        this.#reply({ status: decision.status, body: "", headers: [["location", decision.location]] });
        return true;
      case "reply":
        this.#reply({ status: decision.status, body: decision.body });
        return true;
    }
  }

  #injectFault(decision: Extract<RouteDecision, { kind: "forward" }>): void {
    const { fault } = decision.rule;
    const roll = fault === undefined ? undefined : rollFault(fault, () => this.#context.random.next());
    const proceed = (): void => {
      if (roll?.abortStatus === undefined) this.#applyCors(decision);
      else {
        this.#report.addFlag("FI");
        this.#reply({ status: roll.abortStatus, body: "fault filter abort" });
      }
    };
    if (roll === undefined || roll.delayMs === 0) {
      proceed();
      return;
    }
    this.#report.addFlag("DI");
    this.#delayTimer = this.#context.wheel.schedule(roll.delayMs, () => {
      proceed();
      this.#call?.flush();
      this.#stream.resumeBody();
    });
  }

  #applyCors(decision: Extract<RouteDecision, { kind: "forward" }>): void {
    const cors = this.#decideCors(decision.rule);
    if (cors?.kind === "preflight") {
      this.#reply({ status: 200, body: "", headers: cors.headers });
      return;
    }
    this.#addedHeaders = cors?.headers ?? [];
    const { rule, action } = decision;
    const index = action.targets.length === 1 ? 0 : chooseByWeight(action.targets, this.#context.nextChoice(rule.key));
    const target = action.targets[index];
    const cluster = target === undefined ? undefined : findCluster(this.#config, target, this.#request);
    if (target === undefined || cluster === undefined) {
      this.#report.addFlag("NC");
      this.#reply({ status: 503, body: "" });
      return;
    }
    this.#target = target;
    this.#report.setCluster(cluster);
    this.#callCluster(cluster, decision);
  }

  #decideCors(rule: HttpRouteRule): CorsDecision | undefined {
    if (rule.cors === undefined) return undefined;
    return decideCors(rule.cors, {
      method: this.#request.method,
      origin: this.#request.header("origin"),
      requestedMethod: this.#request.header("access-control-request-method"),
    });
  }

  #callCluster(cluster: Cluster, decision?: Extract<RouteDecision, { kind: "forward" }>): void {
    const { query } = this.#request;
    const path = decision?.path ?? this.#request.path;
    const target = query === undefined ? path : `${path}?${query}`;
    const writeHead = this.#headWriter(target, decision?.rule);
    const { balancer } = cluster.policy;
    const call = new UpstreamCall(
      {
        runtime: this.#context.runtimeOf(cluster),
        retry: decision?.rule.retry ?? DEFAULT_RETRY_POLICY,
        headText: writeHead(this.#target?.authority ?? this.#request.authority),
        method: this.#head.method,
        wantsUpgrade: this.#head.upgrade !== undefined,
        isChunked: this.#head.framing.kind === "chunked",
        hashKey: balancer.kind === "hash" ? this.#hashKey(balancer.source) : undefined,
        wheel: this.#context.wheel,
        nowMs: () => this.#context.clock.nowMs(),
        chance: () => this.#context.random.next(),
        onAttempt: (attempt) => this.#report.recordAttempt(attempt),
      },
      this,
    );
    this.#call = call;
    if (this.#head.expectsContinue) this.#stream.writer.text("HTTP/1.1 100 Continue\r\n\r\n");
    if (decision !== undefined && decision.rule.mirrors.length > 0)
      this.#mirrors = this.#mirror(decision.rule, writeHead);
    for (const data of this.#heldBody) {
      call.writeBody(data);
      this.#mirrors?.writeBody(data);
    }
    this.#heldBody = [];
    if (this.#isRequestEnded) {
      call.endBody();
      this.#mirrors?.endBody();
      this.#armTimeout();
    }
    call.start();
    if (this.#head.expectsContinue) this.#stream.flush();
  }

  /** Writes heads that differ in nothing but the authority: for the call and for its mirrors. */
  #headWriter(target: string, rule: HttpRouteRule | undefined): (authority: string) => string {
    const isGateway = this.#listener.kind === "gateway";
    const options = {
      head: this.#head,
      target,
      edits: this.#target?.requestEdits ?? [],
      own: ownRequestHeaders({
        head: this.#head,
        isGateway,
        remoteAddress: this.#stream.remoteAddress,
        originalPath: rule?.rewrite === undefined ? undefined : this.#head.target,
        timeoutMs: rule?.timeoutMs,
      }),
      isFromOutside: isGateway,
      upgrade: this.#head.upgrade,
    };
    return (authority) => writeUpstreamHead(options, authority);
  }

  #hashKey(source: HashSource): string | undefined {
    const key = hashKeyOf(source, this.#request, this.#stream.remoteAddress);
    if (key !== undefined || source.kind !== "cookie" || source.ttlMs === undefined) return key;
    const session = newSessionCookie(source, this.#context.random);
    this.#addedHeaders = [...this.#addedHeaders, ["set-cookie", session.header]];
    return session.value;
  }

  #mirror(rule: HttpRouteRule, writeHead: (authority: string) => string): MirrorCopies | undefined {
    return startMirrors({
      context: this.#context,
      config: this.#config,
      listener: this.#listener,
      remoteAddress: this.#stream.remoteAddress,
      request: this.#request,
      head: this.#head,
      mirrors: rule.mirrors,
      writeHead,
      timeoutMs: rule.timeoutMs,
    });
  }

  /** Source: istio-spec 1.8: the time starts when the whole request is here and covers all attempts. */
  #armTimeout(): void {
    const timeoutMs = this.#rule?.timeoutMs;
    if (timeoutMs === undefined || this.#call === undefined || this.#isDone || this.#timeoutTimer !== undefined) return;
    this.#timeoutTimer = this.#context.wheel.schedule(timeoutMs, () => {
      if (this.#isDone) return;
      this.#call?.cancel("timeout");
      this.#report.addFlag("UT");
      this.#reply({ status: 504, body: "upstream request timeout" });
    });
  }

  #responseEdits(): readonly HeaderEdit[] {
    return this.#target?.responseEdits ?? this.#rule?.responseEdits ?? [];
  }

  #mayKeepAlive(): boolean {
    return this.#head.keepsAlive && this.#isRequestEnded && !this.#stream.isDraining;
  }

  /** Sends a response of our own, or breaks off when the endpoint's is already under way. */
  #reply(reply: Reply): void {
    if (this.#isHeadSent) {
      this.#end();
      this.#stream.destroy();
      return;
    }
    this.#report.setLocalResponse(reply.status);
    const keepsAlive = this.#mayKeepAlive();
    this.#stream.writer.text(
      writeLocalReply({
        status: reply.status,
        body: reply.body,
        headers: [...(reply.headers ?? []), ...this.#addedHeaders],
        edits: this.#responseEdits(),
        date: this.#context.httpDate(),
        isHead: this.#head.method === "HEAD",
        keepsAlive,
        isOldClient: this.#head.minorVersion === 0,
      }),
    );
    this.#end();
    this.#stream.flush();
    this.#stream.endExchange({ keepsAlive });
  }

  #end(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#heldBody = [];
    this.#delayTimer?.cancel();
    this.#timeoutTimer?.cancel();
    this.#report.finish();
  }
}

/** Body kept while a request waits for a fault's delay. */
const HELD_BYTES_MAX = 64 * 1024;

function framingFor(head: ResponseHead, isOldClient: boolean): DownstreamFraming {
  const isDelimited = head.framing.kind === "none" || head.framing.kind === "length";
  if (isDelimited) return "asIs";
  return isOldClient ? "close" : "chunked";
}
