import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { Failure } from "#base";

/**
 * The addresses of one embedded cluster: a block 127.X.0.0/16 of loopback. `.0.1` is the node, the lower half is for
 * pods, the upper half for Services, so that many clusters run side by side and no port needs remapping.
 */
export interface ClusterNetwork {
  readonly block: number;
  readonly nodeAddress: string;
  /** Address of the pod slot `index`, from 0 to {@link POD_ADDRESS_COUNT} - 1. */
  podAddress(index: number): string;
  /** Address of the Service slot `index`, from 0 to {@link POD_ADDRESS_COUNT} - 1. */
  serviceAddress(index: number): string;
  /** Gives the block back. */
  release(): void;
}

/** Slots of each half: 127 third octets with 254 hosts each. */
export const POD_ADDRESS_COUNT = 127 * 254;

const FIRST_BLOCK = 10;
const BLOCK_COUNT = 241;
/** A port of the node that nothing else uses; listening on it holds the block. */
const LOCK_PORT = 15_000;

/**
 * Takes a free block. The one written in `path` is tried first, so that a cluster keeps its addresses over a restart.
 *
 * @throws Failure `NoFreeNetwork` when all blocks are held, or when this system has no addresses 127.x.y.z (only Linux
 * has them without set-up); `DataDirectoryUnusable` when the choice cannot be written down.
 */
export async function acquireNetwork(path: string): Promise<ClusterNetwork> {
  const first = readBlock(path) ?? FIRST_BLOCK + (process.pid % BLOCK_COUNT);
  let lastError: unknown;
  for (let step = 0; step < BLOCK_COUNT; step++) {
    const block = FIRST_BLOCK + ((first - FIRST_BLOCK + step) % BLOCK_COUNT);
    try {
      return describeNetwork(block, await holdBlock(block, path));
    } catch (thrown) {
      // A file that cannot be written is no reason to look for another block.
      if (thrown instanceof Failure) throw thrown;
      lastError = thrown;
    }
  }
  throw new Failure(
    "Cannot find a free block of addresses 127.X.0.0/16 for the cluster; stop another cluster, or run on Linux",
    {
      code: "NoFreeNetwork",
      cause: lastError,
    },
  );
}

async function holdBlock(block: number, path: string): Promise<Server> {
  const lock = await listen(`127.${block}.0.1`);
  try {
    writeFileSync(path, `${block}\n`, { mode: 0o600 });
    return lock;
  } catch (cause) {
    lock.close();
    throw new Failure(`Cannot write "${path}"`, { code: "DataDirectoryUnusable", cause });
  }
}

function readBlock(path: string): number | undefined {
  try {
    const block = Number(readFileSync(path, "utf8").trim());
    return Number.isInteger(block) && block >= FIRST_BLOCK && block < FIRST_BLOCK + BLOCK_COUNT ? block : undefined;
  } catch {
    // No file yet: the first start.
    return undefined;
  }
}

function listen(address: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    // Stays: an error of the held socket later on, such as too many open files, must not end the process.
    server.on("error", reject);
    server.listen({ host: address, port: LOCK_PORT, exclusive: true }, () => resolve(server));
  });
}

function describeNetwork(block: number, lock: Server): ClusterNetwork {
  const address = (index: number, firstThird: number): string =>
    `127.${block}.${firstThird + Math.floor(index / 254)}.${1 + (index % 254)}`;
  return {
    block,
    nodeAddress: `127.${block}.0.1`,
    podAddress: (index) => address(index, 1),
    serviceAddress: (index) => address(index, 128),
    release: () => lock.close(),
  };
}
