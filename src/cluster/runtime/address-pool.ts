import { Failure } from "#base";

/** Hands out pod addresses, none to two holders at a time. */
export interface AddressPool {
  /**
   * Takes an address: the wanted one if it is of this pool and free, else the one that was free for longest.
   *
   * @throws Failure `NoAddressLeft`
   */
  take(wanted: string | undefined): string;
  release(address: string): void;
}

export function createAddressPool(count: number, addressAt: (index: number) => string): AddressPool {
  const held = new Set<string>();
  let nextIndex = 0;

  let all: ReadonlySet<string> | undefined;

  // Asked for only after a restart, and then once for each pod.
  function isOfPool(address: string): boolean {
    all ??= new Set(Array.from({ length: count }, (_, index) => addressAt(index)));
    return all.has(address);
  }

  return {
    take(wanted) {
      if (wanted !== undefined && !held.has(wanted) && isOfPool(wanted)) {
        held.add(wanted);
        return wanted;
      }
      // Going round in turn keeps an address that was just given back out of use: someone may still send to it.
      for (let tried = 0; tried < count; tried++) {
        const address = addressAt(nextIndex);
        nextIndex = (nextIndex + 1) % count;
        if (held.has(address)) continue;
        held.add(address);
        return address;
      }
      throw new Failure(`Cannot give the pod an address: all ${count} are in use`, { code: "NoAddressLeft" });
    },
    release: (address) => held.delete(address),
  };
}
