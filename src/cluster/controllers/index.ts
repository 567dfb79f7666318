export {
  controllerOf,
  controllerReference,
  discoverResources,
  type EventText,
  findKind,
  formatTime,
  isPodReady,
  keyOf,
  objectKey,
  parseKey,
  recordAbout,
  runController,
  type ServedResource,
  type SharedInformers,
} from "./shared/index.ts";
export { type Controllers, type ControllersOptions, startControllers } from "./start-controllers.ts";
