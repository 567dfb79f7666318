export { openStore, type StoreOptions } from "./open-store.ts";
export type { Change, ObjectPath, Store, StoredObject, Transaction, WatchRequest } from "./store.ts";
