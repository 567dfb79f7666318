export { openStore, type StoreOptions } from "./open-store.ts";
export type { Change, ChangeRange, ObjectPath, Store, StoredObject, Transaction, WatchRequest } from "./store.ts";
