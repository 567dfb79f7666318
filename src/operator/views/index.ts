export { serviceOf } from "./endpoint-index.ts";
export { type FurtherViews, RECHECK_MS, type UnusableKind } from "./further-views.ts";
export { type ChangeHandler, FIELD_MANAGER, type View, WriteRefused } from "./view.ts";
export { createViews, type Views } from "./views.ts";
