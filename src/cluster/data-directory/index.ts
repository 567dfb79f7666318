export { type DataDirectory, openDataDirectory } from "./data-directory.ts";
export { identifyProcess, isSameProcess, type ProcessIdentity } from "./process-identity.ts";
