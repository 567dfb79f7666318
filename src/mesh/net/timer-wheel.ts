import type { Clock } from "#base";

/** A pending call; `cancel` may be called at any time, more than once. */
export interface WheelTimer {
  cancel(): void;
}

const TICK_MS = 20;
const SLOT_COUNT = 512;

const IGNORE = (): void => undefined;

/**
 * A timer as a link of its slot's ring. What is taken out points at nothing any more: a dead object that points at
 * others keeps them alive for the garbage collector's quick passes, and here every request makes one.
 */
class Link implements WheelTimer {
  readonly dueMs: number;
  callback: () => void;
  previous: Link | undefined;
  next: Link | undefined;
  readonly #onCancel: () => void;

  constructor(dueMs: number, callback: () => void, onCancel: () => void) {
    this.dueMs = dueMs;
    this.callback = callback;
    this.previous = undefined;
    this.next = undefined;
    this.#onCancel = onCancel;
  }

  cancel(): void {
    this.callback = IGNORE;
    if (this.previous === undefined) return;
    this.unlink();
    this.#onCancel();
  }

  unlink(): void {
    if (this.previous !== undefined) this.previous.next = this.next;
    if (this.next !== undefined) this.next.previous = this.previous;
    this.previous = undefined;
    this.next = undefined;
  }

  /** Adds at the end of the ring that starts at the head. */
  appendTo(head: Link): void {
    const last = head.previous ?? head;
    this.previous = last;
    this.next = head;
    last.next = this;
    head.previous = this;
  }
}

/**
 * Many timeouts on one timer. A request has up to three timeouts and nearly all are cancelled; adding and cancelling here
 * relinks a list. Timers fire up to 20 ms late, never early.
 *
 * Source: Varghese and Lauck, "Hashed and hierarchical timing wheels", scheme 6.
 */
export class TimerWheel {
  readonly #clock: Clock;
  /** Heads of the slots' rings; they are no timers themselves. */
  readonly #slots: Link[] = Array.from({ length: SLOT_COUNT }, () => new Link(0, IGNORE, IGNORE));
  readonly #onCancel = (): void => {
    this.#count--;
  };
  #count = 0;
  #tick: number;
  #cancelTick: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tick = this.#currentTick();
  }

  schedule(delayMs: number, callback: () => void): WheelTimer {
    if (this.#count === 0) this.#tick = this.#currentTick();
    const dueMs = this.#clock.nowMs() + Math.max(0, delayMs);
    const link = new Link(dueMs, callback, this.#onCancel);
    link.appendTo(this.#slotAt(Math.max(Math.ceil(dueMs / TICK_MS), this.#tick + 1)));
    this.#count++;
    if (this.#cancelTick === undefined) this.#arm();
    return link;
  }

  /** Forgets every timer. */
  close(): void {
    for (const head of this.#slots) while (head.next !== undefined && head.next !== head) head.next.unlink();
    this.#count = 0;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }

  #currentTick(): number {
    return Math.floor(this.#clock.nowMs() / TICK_MS);
  }

  #slotAt(tick: number): Link {
    const head = this.#slots[tick % SLOT_COUNT];
    if (head === undefined) throw new RangeError("the wheel has a slot for every tick");
    return head;
  }

  #arm(): void {
    this.#cancelTick = this.#clock.after(TICK_MS, () => {
      this.#cancelTick = undefined;
      this.#turn();
      if (this.#count > 0 && this.#cancelTick === undefined) this.#arm();
    });
  }

  #turn(): void {
    const nowMs = this.#clock.nowMs();
    const target = this.#currentTick();
    // After a pause longer than a turn of the wheel, one turn sees every slot.
    this.#tick = Math.max(this.#tick, target - SLOT_COUNT);
    const due: Link[] = [];
    while (this.#tick < target) {
      this.#tick++;
      this.#takeDue(this.#slotAt(this.#tick), nowMs, due);
    }
    // One callback may cancel another that is due in the same turn.
    for (const link of due) link.callback();
  }

  #takeDue(head: Link, nowMs: number, due: Link[]): void {
    let link = head.next;
    while (link !== undefined && link !== head) {
      const following = link.next;
      if (link.dueMs <= nowMs) {
        link.unlink();
        this.#count--;
        due.push(link);
      }
      link = following;
    }
  }
}
