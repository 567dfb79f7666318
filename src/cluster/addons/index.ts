export { type AddonOptions, addonObjects, OPERATOR_IMAGE } from "./addons.ts";
