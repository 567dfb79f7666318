import { type Canary, keyOf } from "#api";
import { completeStatus } from "#rollout";

/** Remembers which lasting conditions were told, so that they are told once and not at every look. */
export interface Announcements {
  /** True the first time that a message comes up while phase, weight and revision of the Canary stay the same. */
  isNews(canary: Canary, message: string): boolean;
  forget(key: string): void;
}

/** Beyond it messages are told again: better twice than a memory that grows with what others write. */
const MAX_MESSAGE_COUNT = 50;

export function createAnnouncements(): Announcements {
  const told = new Map<string, { readonly epoch: string; readonly messages: Set<string> }>();
  return {
    isNews(canary, message) {
      const { phase, canaryWeight, lastAppliedSpec } = completeStatus(canary.status);
      const epoch = JSON.stringify([canary.metadata.uid, phase, canaryWeight, lastAppliedSpec]);
      let entry = told.get(keyOf(canary));
      if (entry?.epoch !== epoch || entry.messages.size >= MAX_MESSAGE_COUNT) {
        entry = { epoch, messages: new Set() };
        told.set(keyOf(canary), entry);
      }
      if (entry.messages.has(message)) return false;
      entry.messages.add(message);
      return true;
    },
    forget: (key) => void told.delete(key),
  };
}
