export { type View } from "./view.ts";
export { createViews, type Views, viewsSynced } from "./views.ts";
